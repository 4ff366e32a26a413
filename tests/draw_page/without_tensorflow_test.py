"""The drawing page with a LiteRT model and no TensorFlow, and what is done with its pictures, in a
real browser.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sketch2img_tf.export import lite_model
from sketch2img_tf.inference.litert_model import LiteRTModel
from tests.draw_page import browser
from tests.draw_page.browser import Browser
from tests.export import exports
from tests.paired import paired


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    export_dir = tmp_path_factory.mktemp("litert")
    return LiteRTModel(
        lite_model.export(
            exports.untrained_generator(), exports.CARD, exports.STEP, str(export_dir)
        )
    )


@pytest.fixture(scope="module")
def window(model, drawing_python, tmp_path_factory):
    browser.require("chromium", "chromedriver")
    with pytest.MonkeyPatch.context() as monkeypatch:
        browser.without_proxy(monkeypatch)
        with browser.page(f"--model={model.directory}", python=drawing_python) as address:
            with Browser(tmp_path_factory.mktemp("chromium")) as window:
                window.open(address)
                yield window
                assert window.complaints() == []


def shows(window, photos: list[bytes]) -> bool:
    """Whether these are shown, to a level: the model runs in another library here."""
    shown = window.pictures()
    return len(shown) == len(photos) and all(
        np.abs(browser.pixels(a).astype(int) - browser.pixels(b)).max() <= 1
        for a, b in paired(shown, photos)
    )


@pytest.mark.slow
def test_another_word_another_kind_and_something_else(window, model):
    window.press("[data-label=apple]")
    sketch = window.sketch()
    window.wait(lambda: shows(window, model.from_bytes([sketch] * 4, ["apple"] * 4, [0, 1, 2, 3])))
    window.choose_class("autom", "car (sedan) – auto, automobile")
    window.wait(
        lambda: shows(window, model.from_bytes([sketch] * 4, ["car_(sedan)"] * 4, [0, 1, 2, 3]))
    )
    window.wait(lambda: window.text("#others button") == "hot-air balloon")
    window.press("#others button")
    window.wait(lambda: window.find("#class input")[0].get_attribute("value") == "hot-air balloon")
    window.wait(
        lambda: shows(window, model.from_bytes([sketch] * 4, ["hot-air_balloon"] * 4, [0, 1, 2, 3]))
    )
    assert window.sketch() == sketch


@pytest.mark.slow
def test_blending_enlarging_and_a_sheet(window, model):
    from selenium.webdriver import Keys

    window.press("#canvas [data-label=apple]")
    window.wait(lambda: window.find("#class input")[0].get_attribute("value") == "apple")
    other, percent = window.find("#blend input[type=number]")
    for field, value in ((other, "9"), (percent, "40")):
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(value, Keys.TAB)
    sketch = window.sketch()
    window.wait(
        lambda: shows(window, model.blended(sketch, "apple", [0, 1, 2, 3], [9, 10, 11, 12], 0.4))
    )
    assert "0-40%-9" in window.text("#pictures figcaption")
    window.press("#pictures [data-action=enlarge]")
    large = Image.open(io.BytesIO(window.downloaded("4x-apple-0-40%-9.png")))
    small = Image.open(io.BytesIO(window.pictures()[0]))
    np.testing.assert_array_equal(large, small.resize((256, 256), Image.Resampling.LANCZOS))
    window.press("[data-action=sheet]")
    assert Image.open(io.BytesIO(window.downloaded("apple.png"))).width > 5 * 128


@pytest.mark.slow
def test_a_kept_drawing_comes_back_with_its_class_and_seed(window, model):
    from selenium.webdriver import Keys

    window.press("#canvas [data-label='hot-air_balloon']")
    window.wait(lambda: window.find("#class input")[0].get_attribute("value") == "hot-air balloon")
    [seed] = window.find("#subject input[type=number]")
    seed.send_keys(Keys.CONTROL, "a")
    seed.send_keys("5", Keys.TAB)
    percent = window.find("#blend input[type=number]")[1]
    percent.send_keys(Keys.CONTROL, "a")
    percent.send_keys("0", Keys.TAB)
    sketch = window.sketch()
    photos = model.from_bytes([sketch] * 4, ["hot-air_balloon"] * 4, [5, 6, 7, 8])
    window.wait(lambda: shows(window, photos))
    window.press("[data-action=keep]")
    window.wait(lambda: len(window.find("#kept button")) == 1)
    window.press("#canvas [data-label=apple]")
    window.wait(lambda: window.find("#class input")[0].get_attribute("value") == "apple")
    window.wait(lambda: not shows(window, photos))
    window.press("#kept button")
    window.wait(lambda: window.find("#class input")[0].get_attribute("value") == "hot-air balloon")
    window.wait(lambda: window.sketch() == sketch)
    window.wait(lambda: shows(window, photos))
