"""The drawing page with the model that ships, looked at by
axe-core, and what it says of a class.
"""

from __future__ import annotations

import pytest

from tests.draw_page import browser
from tests.draw_page.browser import Browser


@pytest.mark.slow
def test_nothing_keeps_people_out(drawing_python, tmp_path, monkeypatch):
    browser.require("chromium", "chromedriver")
    browser.without_proxy(monkeypatch)
    with browser.page(python=drawing_python) as address, Browser(tmp_path) as window:
        window.driver.set_script_timeout(120)
        window.open(address)
        assert window.barriers() == []
        window.press("#canvas [data-label=cup]")
        window.wait(lambda: len(window.pictures()) == 4)
        window.wait(
            lambda: "our own drawing" in window.text("#about") and window.find("#about img")
        )
        window.press("[data-action=keep]")
        window.wait(lambda: window.find("#kept button"))
        assert window.barriers() == []
        window.prefer_dark()
        window.open(address)
        window.press("#canvas [data-label=cup]")
        window.wait(lambda: len(window.pictures()) == 4)
        assert window.barriers() == []
