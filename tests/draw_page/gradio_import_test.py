"""What the page's import of Gradio leaves out, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.draw_page import browser

# Whether Gradio parses its own sources while the page's elements are imported, and is all there
_PROGRAM = """
import gc, json, sys
from sketch2img_tf.draw_page import gradio_import
parsed = []
def note(event, what):
    frame = sys._getframe(1) if event == "compile" else None
    while frame:
        if frame.f_code.co_name == "create_or_modify_pyi":
            parsed.append(what)
        frame = frame.f_back
sys.addaudithook(note)
with gradio_import.quickly():
    from sketch2img_tf.draw_page import page_layout
import gradio
print(json.dumps({
    "parsed": len(parsed),
    "collects": gc.isenabled(),
    "is_left": any(type(each).__name__ == "_Finder" for each in sys.meta_path),
    "components": [gradio.Dropdown.__name__, gradio.HTML.__name__],
    "events": hasattr(gradio.Dropdown, "change"),
}))
"""


def test_no_stubs_are_compared_and_all_of_gradio_is_there():
    browser.require("gradio")
    command = [sys.executable, "-c", _PROGRAM]
    found = subprocess.run(command, cwd=browser.ROOT, capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == {
        "parsed": 0,
        "collects": True,
        "is_left": False,
        "components": ["Dropdown", "HTML"],
        "events": True,
    }
