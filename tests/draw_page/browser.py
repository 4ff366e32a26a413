"""The drawing page as people use it: the real draw.py in a process of
its own, and Chromium with a mouse.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Callable
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
_SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
_AXE = ROOT / "litert_js" / "node_modules" / "axe-core" / "axe.min.js"
# Which a machine with much else to do may need; nothing waits for longer than it must
_PATIENCE_S = 180
# Below those that systems give to connections, which would take one before draw.py has it
_PORTS = range(20000, 32768)


def missing(*names: str) -> list[str]:
    """Which of gradio, chromium and chromedriver are not
    there; docs/draw.md says how to get them.
    """
    there = {
        name: importlib.util.find_spec(name) if name == "gradio" else shutil.which(name)
        for name in names
    }
    return [name for name in names if not there[name]]


def require(*names: str) -> None:
    """Skips the test where one of them is absent."""
    if missing(*names):
        pytest.skip(f"needs {missing(*names)[0]}")


def free_port() -> int:
    """A port of this computer that is free, for now."""
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", random.choice(_PORTS))) as free,
        ):
            return free.getsockname()[1]


@contextlib.contextmanager
def page(*flags: str, python: str = sys.executable) -> Iterator[str]:
    """Runs draw.py on a free port; gives the page's address. It ends without a word."""
    port = free_port()
    command = [python, "draw.py", f"--port={port}", *flags]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline()
        assert said == f"draw at http://127.0.0.1:{port}/ (Ctrl-C ends)\n", (
            said + process.stderr.read()
        )
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()  # no Ctrl-C, which a process in the background of a script ignores
        rest, errors = process.communicate(timeout=_PATIENCE_S)
    assert (process.returncode, rest, errors) == (0, "", "")


class Browser:
    """One window of a Chromium of its own.

    Args:
      folder: for its profile and what it downloads.
      width, height: of the window, in pixels.
    """

    def __init__(self, folder: pathlib.Path, width: int = 1280, height: int = 800):
        from selenium import webdriver  # here, since the other tests need none of it
        from selenium.webdriver.chrome.service import Service

        self._requested = []
        self.downloads = folder / "downloads"
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for switch in [
            *_SWITCHES.split(),
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={width},{height}",
        ]:
            options.add_argument(switch)
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(self.downloads)}
        )
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        size = dict(width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *exception) -> None:
        self.driver.quit()

    def open(self, address: str) -> None:
        """Opens the page afresh and waits until one can draw; forgets
        what was asked for and said before.
        """
        self.leave()
        self.requested()
        self._requested.clear()
        self.driver.get(address)
        self.wait(lambda: self.find("#canvas canvas") and self.find("#class input"))

    def leave(self) -> None:
        """Leaves the page. What Gradio then says of answers that it
        no longer waits for is no complaint.
        """
        self.driver.get("about:blank")
        self.complaints()

    def prefer_dark(self) -> None:
        """As people do who have set their computer so."""
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": dark})

    def settle(self) -> None:
        """Waits until the pictures have been the same for a second."""
        before = None
        while before != (before := self.pictures()):
            time.sleep(1)

    def find(self, css: str) -> list:
        """Elements, none or many."""
        return self.driver.find_elements("css selector", css)

    def press(self, css: str) -> None:
        """Clicks the first element."""
        self.find(css)[0].click()

    def wait(self, condition: Callable):
        """What `condition` gives as soon as that is true."""
        end = time.monotonic() + _PATIENCE_S
        while not (found := self._tried(condition)):
            assert time.monotonic() < end, (
                f"not seen in {_PATIENCE_S} seconds; the page says: {self.text('body')}"
            )
            time.sleep(0.05)
        return found

    def draw(self, *places: tuple[float, float], lift: bool = True) -> None:
        """Moves the mouse with its button down; places are (x, y) as shares of the paper."""
        from selenium.webdriver import ActionChains

        canvas = self.find("#canvas canvas")[0]
        width, height = canvas.size["width"], canvas.size["height"]
        path = [
            start + (end - start) * step / 8 for start, end in _pairs(places) for step in range(9)
        ]
        offsets = [(round((x - 0.5) * width), round((y - 0.5) * height)) for x, y in path]
        chain = ActionChains(self.driver, duration=20)
        chain.move_to_element_with_offset(canvas, *offsets[0]).click_and_hold()
        for offset in offsets[1:]:
            chain.move_to_element_with_offset(canvas, *offset)
        (chain.release() if lift else chain).perform()

    def type(self, *keys: str) -> None:
        """Into whatever has the focus; keys of
        `selenium.webdriver.Keys` that come before others are held.
        """
        from selenium.webdriver import ActionChains

        chain = ActionChains(self.driver)
        for held in keys[:-1]:
            chain.key_down(held)
        chain.send_keys(keys[-1])
        for held in keys[:-1]:
            chain.key_up(held)
        chain.perform()

    def choose_class(self, typed: str, found: str, name: str = "") -> None:
        """Types into the class picker and takes the only one that is
        `found`; the picker has `name` then.
        """
        from selenium.webdriver import Keys

        [picker] = self.find("#class input")
        picker.click()
        picker.send_keys(Keys.CONTROL, "a")
        picker.send_keys(typed)
        self.wait(
            lambda: [option.text.strip("✓ \n") for option in self.find("[role=option]")] == [found]
        )
        picker.send_keys(Keys.ENTER)
        self.wait(lambda: picker.get_attribute("value") == (name or found))

    def text(self, css: str) -> str:
        """What is written there."""
        return " ".join(element.text for element in self.find(css))

    def sketch(self) -> bytes:
        """The paper, as PNG."""
        return _png(
            self.driver.execute_script(
                "return document.querySelector('#canvas canvas').toDataURL()"
            )
        )

    def ink(self) -> np.ndarray:
        """Where the paper is drawn on, bool [512, 512]."""
        return pixels(self.sketch())[..., 0] < 128

    def pictures(self) -> list[bytes]:
        """The pictures, as PNG."""
        return [_png(image.get_attribute("src")) for image in self.find("#pictures img")]

    def downloaded(self, name: str) -> bytes:
        """The content of a file that was saved."""
        file = self.downloads / name
        self.wait(lambda: file.exists() and file.stat().st_size)
        return file.read_bytes()

    def requested(self) -> list[str]:
        """Addresses that the page has asked for, but for the
        browser's own pages and data in the page.
        """
        entries = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        sent = [entry["params"] for entry in entries if entry["method"] in _SENT]
        addresses = [
            params["request"]["url"] if "request" in params else params["url"] for params in sent
        ]
        self._requested += [
            each for each in addresses if urlsplit(each).scheme in ("http", "https", "ws", "wss")
        ]
        return self._requested

    def complaints(self) -> list[str]:
        """What the browser's console has to say since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def barriers(self) -> list[str]:
        """What axe-core finds that keeps people out who see, hear or move
        otherwise, if it is serious or critical.
        """
        if not _AXE.exists():
            pytest.skip("needs axe-core: make web")
        self.driver.execute_script(_AXE.read_text(encoding="utf-8"))
        run = "const done = arguments[0]; axe.run().then(({ violations }) => done(violations))"
        found = [
            one
            for one in self.driver.execute_async_script(run)
            if one["impact"] in ("serious", "critical")
        ]
        return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]

    def _tried(self, condition: Callable):
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            return condition()
        except StaleElementReferenceException:  # replaced while it was looked at
            return None


_SENT = ("Network.requestWillBeSent", "Network.webSocketCreated")


def pixels(png: bytes) -> np.ndarray:
    """Of a PNG, uint8 [H, W, C]."""
    return np.asarray(Image.open(io.BytesIO(png)))


def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Selenium speaks to its driver, and this process to the
    page, over this computer's own address.
    """
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(
            name, ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))
        )


def _pairs(places):
    return zip(np.array(places), np.array(places)[1:])


def _png(url: str) -> bytes:
    head, content = url.split(",")
    assert head == "data:image/png;base64"
    return base64.b64decode(content)
