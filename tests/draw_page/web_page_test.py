"""The page without a computer behind it, in a real browser, from a server of mere files."""

from __future__ import annotations

import base64
import io
import json
import pathlib
import re
import shutil
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from sketch2img_tf.draw_page import litert_js
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference import sketch_files
from tests.draw_page import browser, static_server
from tests.draw_page.browser import Browser
from tests.inference import drawn_pages, pages

pytestmark = pytest.mark.ci

TOLERANCE = 4  # levels of 255, beside what Python draws for the same sketch, class and seed
ZIGZAG = [(0.2, 0.3), (0.8, 0.3), (0.3, 0.8), (0.7, 0.8)]

# Chromium's, and LiteRT.js's, of a computer without a graphics card.
NO_GRAPHICS = ("No available adapters", "Failed to create default WebGPU device")


@pytest.fixture(scope="module", autouse=True)
def own_computer():
    browser.require("chromium", "chromedriver")
    if not litert_js.is_there():
        pytest.skip("needs LiteRT.js: make web")
    with pytest.MonkeyPatch.context() as monkeypatch:
        browser.without_proxy(monkeypatch)
        yield


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> pathlib.Path:
    """A folder of a web server, in which the page is at drawing/web-1200/."""
    from sketch2img_tf.draw_page import web_page
    from tests.export import exports

    folder = tmp_path_factory.mktemp("site")
    web_page.export(
        exports.untrained_generator(), exports.CARD, exports.STEP, str(folder / "drawing")
    )
    return folder


@pytest.fixture(scope="module")
def model(exported):
    """The same generator's SavedModel, in this process."""
    from sketch2img_tf.inference.local_model import LocalModel

    return LocalModel(str(exported))


@pytest.fixture(scope="module")
def server(site):
    with static_server.serve(site) as (address, asked):
        yield f"{address}drawing/web-1200/", asked


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as chromium:
        chromium.driver.set_script_timeout(120)
        yield chromium


@pytest.fixture
def window(server, chromium):
    """A browser at the fresh page. Nothing may leave this computer, nor the browser complain."""
    address, _ = server
    chromium.open(address)
    yield chromium
    assert {urlsplit(asked).netloc for asked in chromium.requested()} == {urlsplit(address).netloc}
    assert [
        said for said in chromium.complaints() if not any(known in said for known in NO_GRAPHICS)
    ] == []


def shown(window) -> list[np.ndarray]:
    """The variations' pictures, uint8 [64, 64, 3] each; those that are there."""
    script = """
    const shown = [...document.querySelectorAll("#variations canvas:not([hidden])")];
    return shown.map((canvas) =>
      [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]);
    """
    return [
        np.array(levels).reshape(64, 64, 4)[..., :3]
        for levels in window.driver.execute_script(script)
    ]


def shows(window, model, label: str, first_seed: int = 0, count: int = 4) -> bool:
    """Whether the page shows the pictures that Python draws of what is on its paper."""
    found = shown(window)
    sketch = window.sketch()
    drawn = model.from_bytes(
        [sketch] * count, [label] * count, list(range(first_seed, first_seed + count))
    )
    expected = [browser.pixels(photo).astype(int) for photo in drawn]
    return len(found) == count and all(
        np.abs(a - b).max() <= TOLERANCE for a, b in zip(found, expected)
    )


def around(ink: np.ndarray, x: float, y: float) -> np.ndarray:
    row, column = round(y * 512), round(x * 512)
    return ink[row - 6 : row + 7, column - 6 : column + 7]


def test_drawing_with_the_mouse_naming_it_and_saving_its_picture(window, model):
    assert shown(window) == [] and "Your picture appears here" in window.text("#shown")
    window.choose_class("sed", "car (sedan) – auto, automobile", "car (sedan)")
    window.draw(*ZIGZAG)
    assert all(around(window.ink(), *place).any() for place in ZIGZAG)
    window.wait(lambda: shows(window, model, "car_(sedan)"))
    first = window.sketch()
    window.press("#variations button:nth-child(3)")
    window.press("#save")
    saved = browser.pixels(window.downloaded("car_(sedan)-2.png"))
    np.testing.assert_array_equal(saved[..., :3], shown(window)[2])

    window.draw((0.1, 0.9), (0.9, 0.1))
    window.wait(lambda: shows(window, model, "car_(sedan)"))
    window.press("[data-action=undo]")
    assert window.sketch() == first
    window.press("[data-action=undo]")
    window.wait(lambda: shown(window) == [])
    window.press("[data-action=redo]")
    window.wait(lambda: shows(window, model, "car_(sedan)"))


def test_drawing_with_a_finger_and_with_a_pen(window, model):
    box = window.find("#canvas canvas")[0].rect

    def at(x: float, y: float) -> dict:
        return {
            "x": round(box["x"] + float(x) * box["width"]),
            "y": round(box["y"] + float(y) * box["height"]),
        }

    def send(kind: str, **what) -> None:
        window.driver.execute_cdp_cmd(f"Input.dispatch{kind}Event", what)

    send("Touch", type="touchStart", touchPoints=[at(*ZIGZAG[0])])
    for start, end in zip(np.array(ZIGZAG), np.array(ZIGZAG)[1:]):
        for step in range(1, 33):
            send("Touch", type="touchMove", touchPoints=[at(*(start + (end - start) * step / 32))])
    send("Touch", type="touchEnd", touchPoints=[])
    # Chromium hands on the moves of a finger with the next frame, several at once.
    window.wait(lambda: all(around(window.ink(), *place).any() for place in ZIGZAG))
    window.wait(lambda: shows(window, model, "apple"))

    pen = {"pointerType": "pen", "button": "left", "buttons": 1, "force": 0.5}
    send("Mouse", type="mousePressed", clickCount=1, **pen, **at(0.1, 0.5))
    send("Mouse", type="mouseMoved", **pen, **at(0.15, 0.6))
    send(
        "Mouse",
        type="mouseReleased",
        clickCount=1,
        **pen | {"buttons": 0, "force": 0},
        **at(0.15, 0.6),
    )
    assert around(window.ink(), 0.1, 0.5).any()
    window.wait(lambda: shows(window, model, "apple"))


def test_a_pens_pressure_is_the_width_of_its_line(window):
    box = window.find("#canvas canvas")[0].rect

    def line(y: float, force: float) -> None:
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"])
            for x in np.linspace(0.2, 0.8, 9)
        ]
        pen = {"pointerType": "pen", "button": "left", "buttons": 1, "force": force}
        for number, (x, y) in enumerate(places):
            kind = "mouseMoved" if number else "mousePressed"
            what = dict(type=kind, clickCount=1, x=round(x), y=round(y), **pen)
            window.driver.execute_cdp_cmd("Input.dispatchMouseEvent", what)
        what = dict(
            type="mouseReleased",
            clickCount=1,
            x=round(x),
            y=round(y),
            **pen | {"buttons": 0, "force": 0},
        )
        window.driver.execute_cdp_cmd("Input.dispatchMouseEvent", what)

    def width(y: float) -> float:
        return window.ink()[round(y * 512) - 25 : round(y * 512) + 26, 200:300].sum(0).mean() / 2

    for y, force in ((0.2, 0.1), (0.4, 0.5), (0.6, 1)):
        line(y, force)
    light, middle, firm = map(width, (0.2, 0.4, 0.6))
    assert light == pytest.approx(2, abs=0.6)  # the thinnest that there is, of a pencil of 3
    assert middle == pytest.approx(3, abs=0.6) and firm == pytest.approx(4.5, abs=0.6)


def test_another_word_and_another_kind(window, model):
    from selenium.webdriver.support.ui import Select

    window.press("[data-label=apple]")
    window.wait(lambda: shows(window, model, "apple"))
    window.choose_class("automob", "car (sedan) – auto, automobile", "car (sedan)")
    window.wait(lambda: shows(window, model, "car_(sedan)"))
    [kind] = window.find("#kind")
    assert [option.text for option in Select(kind).options] == ["all", "food", "vehicles"]
    Select(kind).select_by_visible_text("food")
    window.wait(lambda: shows(window, model, "apple"))
    window.find("#class input")[0].click()
    window.wait(lambda: [option.text for option in window.find("[role=option]")] == ["apple"])
    window.press("[data-label='hot-air_balloon']")  # a starter, whatever kind is looked through
    window.wait(lambda: shows(window, model, "hot-air_balloon"))
    assert Select(kind).first_selected_option.text == "all"


def url(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def decoded(data_url: str) -> np.ndarray:
    return browser.pixels(base64.b64decode(data_url.split(",")[1]))[..., :3].astype(int)


def test_the_same_drawing_as_something_else(window, model):
    window.press("[data-label='hot-air_balloon']")
    window.wait(lambda: shows(window, model, "hot-air_balloon"))
    sketch = window.sketch()
    assert [button.text for button in window.find("#others button")] == ["car (sedan)"]
    window.press("#others [data-label='car_(sedan)']")
    assert window.find("#class input")[0].get_attribute("value") == "car (sedan)"
    window.wait(lambda: shows(window, model, "car_(sedan)"))
    assert window.sketch() == sketch
    assert [button.text for button in window.find("#others button")] == ["hot-air balloon"]


def test_a_larger_picture_and_a_sheet_are_those_of_the_other_page(window, model):
    from sketch2img_tf.draw_page import page_requests

    window.draw(*ZIGZAG)
    window.wait(lambda: shows(window, model, "apple"))
    photos = shown(window)
    window.press("#variations button:nth-child(4)")
    window.press("#enlarge")
    large = browser.pixels(window.downloaded("4x-apple-3.png"))
    expected = decoded(page_requests.enlarged(url(photos[3])))
    assert large.shape[:2] == (256, 256)
    assert np.abs(large[..., :3] - expected).max() <= 1

    window.press("#sheet")
    sheet = browser.pixels(window.downloaded("apple.png"))
    made = [{"seed": seed, "src": url(photo)} for seed, photo in enumerate(photos)]
    drawing = url(browser.pixels(window.sketch()))
    expected = decoded(page_requests.contact_sheet(drawing, made, "apple"))
    assert sheet.shape[:2] == expected.shape[:2]
    caption = slice(-20, None)
    differs = np.abs(sheet[..., :3] - expected)
    assert differs[: caption.start].max() <= 1
    assert (sheet[caption] < 128).any()


def test_a_kept_drawing_comes_back_with_its_picture(window, model):
    window.press("[data-label=apple]")
    window.wait(lambda: shows(window, model, "apple"))
    first = window.sketch()
    window.press("#variations button:nth-child(3)")
    window.press("#keep")
    window.press("#keep")  # the same is kept once
    window.draw(*ZIGZAG)
    window.choose_class("air", "hot-air balloon")
    window.wait(lambda: shows(window, model, "hot-air_balloon"))
    window.press("#keep")
    assert len(window.find("#kept button")) == 2
    window.press("#kept button:nth-child(2)")
    window.wait(lambda: window.sketch() == first)
    assert window.find("#class input")[0].get_attribute("value") == "apple"
    window.wait(lambda: shows(window, model, "apple", first_seed=2))


def test_blending_two_seeds(window, model, site):
    from selenium.webdriver import Keys

    from sketch2img_tf.inference.litert_model import LiteRTModel

    lite = LiteRTModel(str(site / "drawing" / "web-1200"))
    window.press("[data-label=apple]")
    window.wait(lambda: shows(window, model, "apple"))
    [other], [percent] = window.find("#other-seed"), window.find("#percent")
    other.send_keys(Keys.CONTROL, "a")
    other.send_keys("9")
    percent.send_keys(*[Keys.ARROW_RIGHT] * 8)
    assert window.text("#blend output") == "40 %"
    photos = lite.blended(window.sketch(), "apple", [0, 1, 2, 3], [9, 10, 11, 12], 0.4)
    expected = [browser.pixels(photo).astype(int) for photo in photos]

    def blended() -> bool:
        found = shown(window)
        return len(found) == 4 and all(
            np.abs(a - b).max() <= TOLERANCE for a, b in zip(found, expected)
        )

    window.wait(blended)
    window.press("#save")
    window.downloaded("apple-0-40%-9.png")


def test_nothing_keeps_people_out(window, model):
    window.press("[data-label=apple]")
    window.wait(lambda: shows(window, model, "apple"))
    assert window.barriers() == []
    window.prefer_dark()
    assert window.barriers() == []
    window.find("#class input")[0].click()
    window.wait(lambda: window.find("[role=option]"))
    assert window.barriers() == []
    window.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_seeds_variations_and_keys(window, model):
    from selenium.webdriver import Keys

    window.press("[data-label='hot-air_balloon']")
    assert window.find("#class input")[0].get_attribute("value") == "hot-air balloon"
    window.wait(lambda: shows(window, model, "hot-air_balloon"))
    window.press("#count [data-count='8']")
    window.wait(lambda: shows(window, model, "hot-air_balloon", count=8))
    [seed] = window.find("#seed")
    seed.send_keys(Keys.CONTROL, "a")
    seed.send_keys("70000")
    window.wait(lambda: shows(window, model, "hot-air_balloon", 70000, count=8))
    window.press("h1")
    window.type("n")
    window.wait(lambda: seed.get_attribute("value") != "70000")
    window.wait(
        lambda: shows(window, model, "hot-air_balloon", int(seed.get_attribute("value")), count=8)
    )
    window.type("/")
    window.type("ap")
    window.wait(lambda: [option.text for option in window.find("[role=option]")] == ["apple"])
    window.type(Keys.ENTER)
    window.wait(lambda: shows(window, model, "apple", int(seed.get_attribute("value")), count=8))


GIVE = """
const [how, name, encoded] = arguments;
const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
const data = new DataTransfer();
data.items.add(new File([bytes], name, { type: "image/png" }));
const event = how === "paste" ? new ClipboardEvent("paste", { clipboardData: data })
  : new DragEvent("drop", { dataTransfer: data, cancelable: true });
document.dispatchEvent(event);
"""


@pytest.mark.parametrize("how", ["upload", "paste", "drop"])
def test_a_picture_from_elsewhere(window, model, tmp_path, how):
    drawn_pages.kite(ink=255, paper=0).save(tmp_path / "kite.png")
    (tmp_path / "text.png").write_text("a cat")

    def give(name: str) -> None:
        if how == "upload":
            window.find("#upload")[0].send_keys(str(tmp_path / name))
        else:
            encoded = base64.b64encode((tmp_path / name).read_bytes()).decode()
            window.driver.execute_script(GIVE, how, name, encoded)

    give("kite.png")
    window.wait(lambda: "white on black, turned to black on white" in window.text("#said"))
    expected = browser.pixels(
        sketch_files.read_sketch(str(tmp_path / "kite.png"), fill=1 / 1.2).png
    )
    window.wait(lambda: window.ink().any())
    halved = browser.pixels(window.sketch())[..., 0].reshape(256, 2, 256, 2).mean((1, 3))
    assert np.abs(halved - expected).mean() < 6
    window.wait(lambda: shows(window, model, "apple"))
    before = window.sketch()
    give("text.png")
    window.wait(
        lambda: "text.png: is not a PNG, JPEG, WebP, GIF or BMP picture" in window.text("#said")
    )
    assert window.sketch() == before


READ = """
const [encoded, fill, done] = arguments;
const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
const reader = import(new URL("sketch_files.js", location.href).href);
reader.then(({ readSketch }) => readSketch(new Blob([bytes]), fill)).then(
  ({ sketch, notes }) => done([[...sketch], notes]),
  (error) => done(error.message));
"""


@pytest.mark.slow
def test_pictures_are_read_as_python_reads_them(window, tmp_path):
    drawings = pages.drawings()
    clean = None
    for name, page in {**drawings, **pages.others()}.items():
        path = tmp_path / "page.png"
        page.save(path)
        found = window.driver.execute_async_script(
            READ, base64.b64encode(path.read_bytes()).decode(), 0.8
        )
        try:
            sketch = sketch_files.read_sketch(str(path), fill=0.8)
        except UserError as error:
            assert found == str(error).removeprefix(f"{path}: "), name
            continue
        levels, notes = found
        assert notes == list(sketch.notes), name
        pixels = np.array(levels).reshape(256, 256)
        assert np.abs(pixels - browser.pixels(sketch.png)).max() <= 4, name
        clean = pixels if clean is None else clean
        if name in drawings:
            assert (
                np.sum((pixels < 128) & (clean < 128)) / np.sum((pixels < 128) | (clean < 128))
                > 0.85
            ), name


NOISE = """
const [seed, done] = arguments;
const philox = import(new URL("philox.js", location.href).href);
philox.then(({ normal }) => done([...normal(1001, seed)]));
"""


@pytest.mark.parametrize("seed", [0, 1, -3, 2**31 - 1, 2**45 + 12345])
def test_the_noise_of_a_seed_is_tensorflows(window, seed):
    import tensorflow as tf

    expected = tf.random.stateless_normal([1001], [seed, 0], alg="philox")
    np.testing.assert_allclose(
        window.driver.execute_async_script(NOISE, seed), expected, rtol=0, atol=2e-6
    )


def kept(window) -> bool:
    return "works without network" in window.text("#engine")


def test_the_second_visit_needs_no_network(site, model, chromium):
    with static_server.serve(site) as (address, _):
        chromium.open(f"{address}drawing/web-1200/")
        chromium.wait(lambda: kept(chromium))
    chromium.open(f"{address}drawing/web-1200/")  # of a server that is gone
    chromium.choose_class("air", "hot-air balloon")
    chromium.draw(*ZIGZAG)
    chromium.wait(lambda: shows(chromium, model, "hot-air_balloon"))
    chromium.wait(lambda: kept(chromium))


def test_a_new_version_is_offered_and_complete(site, model, chromium, tmp_path):
    folder = tmp_path / "web"
    shutil.copytree(site / "drawing" / "web-1200", folder)
    with static_server.serve(tmp_path) as (address, _):
        chromium.open(f"{address}web/")
        chromium.wait(lambda: kept(chromium))
        for name, old, new in (
            ("index.html", "Draw an outline,", "Draw a shape,"),
            ("service_worker.js", '"version": "', '"version": "2'),
        ):
            (folder / name).write_text((folder / name).read_text().replace(old, new))
        chromium.open(f"{address}web/")
        assert "Draw an outline" in chromium.text("header")  # what goes together stays together
        chromium.wait(lambda: chromium.find("#update")[0].is_displayed())
        chromium.press("#update")
        chromium.wait(lambda: "Draw a shape" in chromium.text("header"))
    chromium.open(f"{address}web/")
    assert "Draw a shape" in chromium.text("header")
    chromium.press("[data-label=apple]")
    chromium.wait(lambda: shows(chromium, model, "apple"))


def test_threads_where_the_headers_allow_them(site, model, chromium):
    with static_server.serve(site, isolated=True) as (address, asked):
        chromium.open(f"{address}drawing/web-1200/")
        chromium.press("[data-label=apple]")
        chromium.wait(lambda: shows(chromium, model, "apple"))
        threads = chromium.driver.execute_script("return navigator.hardwareConcurrency")
        by = f"by WebAssembly, {threads} threads" if threads > 1 else "by WebAssembly"
        assert f"Drawn on this computer {by}" in chromium.text("#engine")
    assert any(path.endswith("litert_wasm_threaded_internal.wasm") for path in asked)


def test_a_visit_takes_one_build_of_the_runtime(server, chromium):
    address, asked = server
    chromium.open(address)
    chromium.wait(lambda: kept(chromium))
    builds = {path.rsplit("/", 1)[1] for path in asked if path.endswith(".wasm")}
    assert builds == {"litert_wasm_internal.wasm"}


DESKTOP = dict(width=1280, height=800, deviceScaleFactor=1, mobile=False)


def test_a_telephone(window, model):
    size = dict(width=390, height=844, deviceScaleFactor=2, mobile=True)
    window.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    window.press("[data-label=apple]")
    window.wait(lambda: shows(window, model, "apple"))
    assert window.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    window.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", DESKTOP)


def test_the_folder_is_complete(site):
    folder = site / "drawing" / "web-1200"
    index = (folder / "index.html").read_text()
    assert "{{" not in index and 'data-label="hot-air_balloon"' in index
    for name in re.findall(r'(?:src|href)="([^"]+)"', index):
        assert (folder / name).is_file(), name
    site_files = json.loads(
        re.search(r"= (\{.*\});", (folder / "service_worker.js").read_text())[1]
    )["files"]
    assert all((folder / name).exists() for name in site_files)
    left_out = {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    } - set(site_files)
    assert {name for name in left_out if "litert_wasm" not in name} == {
        *("_headers", ".nojekyll", "service_worker.js"),
        *("assets.extra/card.json", "assets.extra/MODEL_CARD.md"),
    }
    assert not [
        path.name for path in folder.glob("*.js") if "http" in path.read_text()
    ]  # no other host
    assert "@litertjs" not in "".join(
        re.findall("^import.*$", (folder / "litert" / "core.js").read_text(), re.M)
    )


def test_a_damaged_runtime_is_one_line(monkeypatch, tmp_path):
    shutil.copytree(litert_js.FOLDER, tmp_path / "@litertjs")
    monkeypatch.setattr(litert_js, "FOLDER", tmp_path / "@litertjs")
    damaged = tmp_path / "@litertjs" / "core" / "wasm" / "litert_wasm_internal.wasm"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(
        UserError,
        match="litert_wasm_internal.wasm: is not the file of LiteRT.js .*; run make web",
    ):
        litert_js.read_files()
    shutil.rmtree(tmp_path / "@litertjs")
    with pytest.raises(UserError, match="LiteRT.js is not in .*: run make web, which needs npm"):
        litert_js.read_files()


DRAW_MANY = """
const [count, done] = arguments;
const worker = new Worker("worker.js");
const context = new OffscreenCanvas(512, 512).getContext("2d");
context.fillStyle = "white";
context.fillRect(0, 0, 512, 512);
context.strokeRect(100, 100, 300, 200);
const drawing = context.getImageData(0, 0, 512, 512);
const memory = [];
worker.onmessage = ({ data }) => {
  memory.push(data.memoryBytes);
  if (memory.length > count || data.error) return done(data.error ?? memory);
  const seed = memory.length;
  worker.postMessage({ id: 1, task: "draw", drawing, label: seed % 3, seed });
};
worker.postMessage({ id: 1, task: "draw", drawing, label: 0, seed: 0 });
"""


@pytest.mark.slow
def test_memory_is_level_over_many_pictures(window):
    memory = window.driver.execute_async_script(DRAW_MANY, 1000)
    assert len(memory) == 1001 and 10e6 < memory[-1] == memory[100]
