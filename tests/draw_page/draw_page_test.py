"""The drawing page in a real browser."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from tests.draw_page import browser
from tests.draw_page.browser import Browser
from tests.export import exports
from tests.inference import drawn_pages

pytestmark = pytest.mark.ci

ZIGZAG = [(0.2, 0.3), (0.8, 0.3), (0.3, 0.8), (0.7, 0.8)]


@pytest.fixture(scope="module", autouse=True)
def own_computer():
    browser.require("gradio", "chromium", "chromedriver")
    with pytest.MonkeyPatch.context() as monkeypatch:
        browser.without_proxy(monkeypatch)
        yield


@pytest.fixture(scope="module")
def model(exported):
    """The export of the page, in this process."""
    from sketch2img_tf.inference.local_model import LocalModel

    return LocalModel(str(exported))


@pytest.fixture(scope="module")
def page(exported):
    with browser.page(f"--model={exported.parent}") as address:
        yield address


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as chromium:
        yield chromium


@pytest.fixture
def window(page, chromium):
    """A browser at the fresh page. Nothing may leave this computer, nor
    the browser complain about anything.
    """
    chromium.open(page)
    yield chromium
    assert {urlsplit(address).netloc for address in chromium.requested()} == {urlsplit(page).netloc}
    assert chromium.complaints() == []


def expected(model, sketch: bytes, label: str, first_seed: int = 0, count: int = 4) -> list[bytes]:
    """The pictures that the page should show."""
    return model.from_bytes(
        [sketch] * count, [label] * count, list(range(first_seed, first_seed + count))
    )


def around(ink: np.ndarray, x: float, y: float) -> np.ndarray:
    row, column = round(y * 512), round(x * 512)
    return ink[row - 6 : row + 7, column - 6 : column + 7]


def test_drawing_with_the_mouse_and_undoing_it(window, model):
    from selenium.webdriver import Keys

    assert window.pictures() == []
    window.choose_class("sed", "car (sedan) – auto, automobile")
    window.draw(*ZIGZAG)
    first, ink = window.sketch(), window.ink()
    assert all(around(ink, *place).any() for place in ZIGZAG)
    assert not around(ink, 0.1, 0.5).any()
    drawn = expected(model, first, "car_(sedan)")
    window.wait(lambda: window.pictures() == drawn)
    blank = expected(model, exports.encoded(Image.new("L", (512, 512), 255)), "car_(sedan)")
    assert np.abs(browser.pixels(drawn[0]).astype(int) - browser.pixels(blank[0])).mean() > 1

    window.draw((0.1, 0.9), (0.9, 0.1))
    second = window.sketch()
    window.wait(lambda: window.pictures() == expected(model, second, "car_(sedan)"))
    window.type(Keys.CONTROL, "z")
    window.wait(lambda: window.pictures() == drawn)
    assert window.sketch() == first
    window.press("[data-action=redo]")
    assert window.sketch() == second
    window.press("[data-action=undo]")
    window.press("[data-action=undo]")
    window.wait(lambda: window.pictures() == [])
    assert not window.ink().any()
    assert not window.find("[data-action=undo]")[0].is_enabled()


def test_pencils_eraser_and_clear(window):
    thickness = []
    for number in range(3):
        window.find("[data-action=pencil]")[number].click()
        window.draw((0.1, 0.2 + 0.2 * number), (0.9, 0.2 + 0.2 * number))
        thickness.append(
            window.ink()[
                round(512 * (0.1 + 0.2 * number)) : round(512 * (0.3 + 0.2 * number)), 256
            ].sum()
        )
    assert thickness == pytest.approx([4, 6, 12], abs=1)
    window.press("[data-action=eraser]")
    window.draw((0.5, 0.1), (0.5, 0.9))
    ink = window.ink()
    assert not ink[:, 240:272].any() and ink[:, 200:220].any() and ink[:, 292:312].any()
    window.press("[data-action=clear]")
    assert not window.ink().any()


def test_the_dice_the_seed_and_the_number(window, model):
    window.press("[data-label=apple]")
    sketch = window.sketch()
    window.wait(lambda: window.pictures() == expected(model, sketch, "apple"))
    window.press("#dice")
    [seed] = window.find("#subject input[type=number]")
    rolled = int(
        window.wait(lambda: seed.get_attribute("value") != "0" and seed.get_attribute("value"))
    )
    window.wait(lambda: window.pictures() == expected(model, sketch, "apple", rolled))
    assert window.text("#pictures figcaption span").startswith(f"seed {rolled} seed {rolled + 1} ")
    window.find("#number input[type=radio]")[2].click()
    window.wait(lambda: window.pictures() == expected(model, sketch, "apple", rolled, count=8))


def test_upload_starter_and_saving(window, model, tmp_path):
    drawn_pages.kite(ink=255, paper=0).save(tmp_path / "kite.png")
    (tmp_path / "text.png").write_text("a cat")
    [chooser] = window.find("input[type=file]")
    chooser.send_keys(str(tmp_path / "kite.png"))
    window.wait(lambda: "white on black, turned to black on white" in window.text("body"))
    window.wait(lambda: window.ink().any())
    rows, columns = np.nonzero(window.ink())
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(512 / 1.2, abs=6)
    uploaded = window.sketch()
    window.wait(lambda: len(window.pictures()) == 4)

    window.press("[data-label='hot-air_balloon']")
    window.wait(lambda: window.find("#class input")[0].get_attribute("value") == "hot-air balloon")
    started = window.sketch()
    window.wait(lambda: window.pictures() == expected(model, started, "hot-air_balloon"))
    window.press("[data-action=save]")
    assert window.downloaded("sketch.png") == started
    window.find("#pictures a")[1].click()
    assert window.downloaded("hot-air_balloon-1.png") == window.pictures()[1]

    window.find("input[type=file]")[0].send_keys(str(tmp_path / "text.png"))
    window.wait(
        lambda: "text.png: is not a PNG, JPEG, WebP, GIF or BMP picture" in window.text("body")
    )
    assert window.sketch() == started
    window.press("[data-action=undo]")
    assert window.sketch() == uploaded


def test_pictures_only_when_asked_for(window, model):
    window.find("#number input[type=checkbox]")[0].click()
    window.press("[data-label=apple]")
    window.choose_class("air", "hot-air balloon")
    time.sleep(1)
    assert window.pictures() == []
    sketch = window.sketch()
    window.press("#number button")
    window.wait(lambda: window.pictures() == expected(model, sketch, "hot-air_balloon"))


# A machine with much else to do moves the mouse by fits and
# starts; a drawing is sent at every rest.
COUNT_RESTS = """
window.rests = 0;
let last = performance.now();
document.querySelector("#canvas canvas").addEventListener("pointermove", () => {
  const now = performance.now();
  if (now - last > 140) ++window.rests;
  last = now;
});
"""


def test_pictures_follow_the_pencil_without_a_request_a_movement(window, model):
    window.driver.execute_script(COUNT_RESTS)
    before, start = len(joined(window)), time.monotonic()
    window.draw(*np.random.default_rng(0).uniform(0.1, 0.9, (10, 2)), lift=False)
    window.wait(lambda: window.pictures() == expected(model, window.sketch(), "apple"))
    rests = window.driver.execute_script("return window.rests")
    assert len(joined(window)) - before <= 2 + rests + (time.monotonic() - start) / 0.5


def joined(window) -> list[str]:
    return [address for address in window.requested() if "/queue/join" in address]


def test_two_browsers_at_once(window, page, model, tmp_path):
    (tmp_path / "other").mkdir()
    with Browser(tmp_path / "other", 390, 844) as other:
        other.open(page)
        other.press("[data-label='hot-air_balloon']")
        window.press("[data-label=apple]")
        for each, label in ((window, "apple"), (other, "hot-air_balloon")):
            sketch = each.sketch()
            each.wait(lambda: each.pictures() == expected(model, sketch, label))  # noqa: B023
        assert other.driver.execute_script(
            "return document.documentElement.scrollWidth <= innerWidth"
        )


@pytest.fixture
def busy_server(exported):
    """A stand-in for TensorFlow Serving that makes no picture until it is told to."""
    from tests.inference.stand_in_server import Servable, StandIn

    go = threading.Event()

    def run(self, name, inputs):
        assert name != "each" or go.wait(60)
        return run.really(self, name, inputs)

    run.really = Servable.run
    with pytest.MonkeyPatch.context() as monkeypatch, StandIn(str(exported.parent)) as server:
        monkeypatch.setattr(Servable, "run", run)
        yield f"http://127.0.0.1:{server.rest_port}", go
        go.set()


def ask(page: str, drawing: str) -> str:
    """Wants a picture, as any program can; an id, or "refused"."""
    body = json.dumps({"data": [drawing, "apple", 0, 1, 0, 0]}).encode()
    request = urllib.request.Request(
        f"{page}gradio_api/call/pictures", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)["event_id"]
    except urllib.error.HTTPError as error:
        assert error.code == 503, error.read()
        return "refused"


def test_a_server_and_a_full_queue(busy_server, chromium, model):
    address, go = busy_server
    drawing = (
        "data:image/png;base64," + base64.b64encode(exports.encoded(exports.drawing(0))).decode()
    )
    with browser.page(f"--server={address}", "--queue=1") as page:
        chromium.open(page)
        asked = []
        while asked[-10:] != ["refused"] * 10:
            asked.append(ask(page, drawing))
            time.sleep(0.05)
        accepted = set(asked) - {"refused"}
        assert len(accepted) == 5  # four are drawn at once, one waits
        chromium.press("[data-label=apple]")
        chromium.wait(lambda: "busy" in chromium.text("body"))
        assert chromium.pictures() == []
        go.set()
        for event in accepted:
            with urllib.request.urlopen(f"{page}gradio_api/call/pictures/{event}") as answer:
                assert b"event: complete" in answer.read()
        chromium.press("#number button")
        sketch = chromium.sketch()
        chromium.wait(lambda: chromium.pictures() == expected(model, sketch, "apple"))
        chromium.leave()
