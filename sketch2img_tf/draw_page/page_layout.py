"""What the drawing page looks like and which button asks for what, in Gradio."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import gradio as gr

from sketch2img_tf.data import class_words
from sketch2img_tf.draw_page import page_requests
from sketch2img_tf.draw_page.starter_sketches import starter_buttons
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference.sketch_files import EXTENSIONS

if TYPE_CHECKING:
    from sketch2img_tf.draw_page.page_requests import Model

_ALL = "all"  # kinds of classes
VARIATIONS = (1, 4, 8)  # 8 is the largest batch that serving/config lets a server take
_LARGEST_SEED = 2**31
_FILES = pathlib.Path(__file__).parent / "page"

# Fonts that every computer has: Gradio's own themes ask the internet for theirs.
THEME = gr.themes.Soft(
    primary_hue="indigo",
    neutral_hue="stone",
    radius_size="md",
    font=("system-ui", "sans-serif"),
    font_mono=("ui-monospace", "monospace"),
).set(
    block_title_background_fill="none",
    body_text_color_subdued="*neutral_500",  # the default is too pale to read
    block_title_text_color="*body_text_color",
    block_title_padding="0",
    input_border_width="1px",
    input_border_color="*border_color_primary",
    input_shadow="none",
    input_shadow_focus="none",
    button_secondary_border_color="*border_color_primary",
    button_border_width="1px",
    button_secondary_shadow="none",
    button_primary_shadow="none",
    # The default, a shade paler, has too little contrast
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    checkbox_label_shadow="none",
    checkbox_label_border_width="1px",
)
CSS = "\n".join(
    (_FILES / name).read_text(encoding="utf-8") for name in ("page.css", "canvas.css", "strips.css")
)


def build(model: Model, fill: float, where: str) -> gr.Blocks:
    """The page.

    Args:
      model: who draws.
      fill: the share of the paper that drawings took in training.
      where: the pictures are made, in words.
    """
    with gr.Blocks(title="Sketch2Img", analytics_enabled=False) as page:
        gr.HTML(_read("heading.html"), elem_id="heading", apply_default_css=False)
        with gr.Row():
            with gr.Column(scale=5, min_width=280):
                canvas = _canvas(model.class_names, fill)
                # Not seen: the button beside the paper's other tools presses it.
                upload = gr.UploadButton(file_types=list(EXTENSIONS), elem_id="upload")
            with gr.Column(scale=6, min_width=280, elem_id="wishes"):
                with gr.Row(elem_id="subject"):
                    kind, label = _class_picker(model.class_names)
                    seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=_LARGEST_SEED)
                    dice = gr.Button("New seed", elem_id="dice")
                with gr.Row(elem_id="number"):
                    count = gr.Radio(VARIATIONS, value=4, label="Variations")
                    live = gr.Checkbox(True, label="Follow the pencil", container=False)
                    make = gr.Button("Make pictures", variant="primary")
                shown = gr.HTML(
                    [],
                    html_template=_read("pictures.html"),
                    js_on_load=_read("pictures.js"),
                    elem_id="pictures",
                    apply_default_css=False,
                )
                about = gr.HTML(
                    _about(model, model.class_names[0]),
                    html_template=_read("about.html"),
                    elem_id="about",
                    apply_default_css=False,
                )
                others = gr.HTML(
                    _others(model.class_names, model.class_names[0]),
                    html_template=_read("others.html"),
                    js_on_load=_read("others.js"),
                    elem_id="others",
                    apply_default_css=False,
                )
                with gr.Row(elem_id="blend", visible=model.blends):
                    other_seed = gr.Number(
                        1, label="Blend with seed", precision=0, minimum=0, maximum=_LARGEST_SEED
                    )
                    percent = gr.Slider(0, 100, 0, step=5, label="Share of that seed, in percent")
                keepsakes = gr.HTML(
                    [],
                    html_template=_read("kept.html"),
                    js_on_load=_read("kept.js"),
                    elem_id="kept",
                    apply_default_css=False,
                )
                saved = gr.HTML(
                    None, html_template="", js_on_load=_read("saved.js"), elem_id="saved"
                )
        with gr.Accordion("What to expect", open=False, elem_id="expectations"):
            gr.Markdown(
                _read("expectations.md").format(class_count=len(model.class_names), where=where)
            )

        def pictures(*wanted) -> list[dict]:
            return _or_message(page_requests.pictures, model, *wanted)

        def pictures_if(is_live: bool, *wanted):
            return pictures(*wanted) if is_live else gr.skip()

        def uploaded(path: str) -> str:
            drawing, said = _or_message(page_requests.uploaded, path, fill)
            gr.Info(f"Your drawing: {said}.")
            return drawing

        def chosen(event: gr.EventData):
            """The class of a starter, or another one for the same
            drawing, whatever kind is looked through.
            """
            if event.label not in model.class_names:
                return gr.skip(), gr.skip()
            return _ALL, gr.Dropdown(_choices(model.class_names), value=event.label)

        def of_kind(name: str, value: str):
            names = (
                model.class_names if name == _ALL else class_words.by_group(model.class_names)[name]
            )
            return gr.Dropdown(_choices(names), value=value if value in names else names[0])

        def sheet(*asked) -> dict:
            return _file(_or_message(page_requests.contact_sheet, *asked), f"{asked[-1]}.png")

        def enlarged(event: gr.EventData) -> dict:
            return _file(_or_message(page_requests.enlarged, event.src), f"4x-{event.name}")

        def keep(*asked) -> list[dict]:
            return _or_message(page_requests.kept, *asked)

        def again(before: list[dict], event: gr.EventData):
            """A kept drawing, with what it was drawn with."""
            found = [each for each in before if each["id"] == event.id]
            if not found or found[0]["label"] not in model.class_names:
                return [gr.skip()] * 4
            names = gr.Dropdown(_choices(model.class_names), value=found[0]["label"])
            return found[0]["drawing"], _ALL, names, found[0]["seed"]

        wanted = [canvas, label, seed, count, other_seed, percent]
        # While one picture is made only the last of further wishes is
        # kept: a fast pencil fills no queue.
        answers = dict(
            outputs=shown,
            show_progress="minimal",
            trigger_mode="always_last",
            concurrency_id="model",
        )
        changes = [each.change for each in wanted]
        gr.on(changes, pictures_if, [live, *wanted], **answers)
        gr.on([make.click, live.select], pictures, wanted, api_name="pictures", **answers)
        # Another
        dice.click(
            None, seed, seed, js="seed => (seed + 1 + Math.floor(Math.random() * 9999)) % 10000"
        )
        upload.upload(uploaded, upload, canvas, show_progress="hidden")
        at_once = dict(show_progress="hidden", queue=False)
        canvas.starter(chosen, outputs=[kind, label], **at_once)
        others.another(chosen, outputs=[kind, label], **at_once)
        kind.input(of_kind, [kind, label], label, **at_once)
        label.change(
            lambda name: (_about(model, name), _others(model.class_names, name)),
            label,
            [about, others],
            **at_once,
        )
        shown.keep(keep, [keepsakes, canvas, shown, label, seed], keepsakes, **at_once)
        keepsakes.again(again, keepsakes, [canvas, kind, label, seed], **at_once)
        shown.sheet(sheet, [canvas, shown, label], saved, **at_once)
        shown.enlarge(enlarged, outputs=saved, **at_once)
    return page


def _canvas(class_names: tuple[str, ...], fill: float) -> gr.HTML:
    # Not gr.ImageEditor: it tells of a drawing when the pencil is lifted, by files on the server's
    # disk, and its eraser leaves alone what was uploaded.
    return gr.HTML(
        html_template=_read("canvas.html"),
        js_on_load=_read("canvas.js"),
        elem_id="canvas",
        apply_default_css=False,
        margin=round(50 * (1 - fill), 2),
        starters=starter_buttons(class_names),
    )


def _class_picker(class_names: tuple[str, ...]) -> tuple[gr.Dropdown, gr.Dropdown]:
    """The kinds of classes, if there are several, and the classes."""
    kinds = list(class_words.by_group(class_names))
    kind = gr.Dropdown(
        [_ALL, *kinds], value=_ALL, label="Kind", elem_id="kind", visible=len(kinds) > 1
    )
    label = gr.Dropdown(
        _choices(class_names),
        value=class_names[0],
        label="What is it? (type to search)",
        filterable=True,
        elem_id="class",
    )
    return kind, label


def _choices(class_names: Iterable[str]) -> list[tuple[str, str]]:
    """Each with what else it is called, by which it is found as well."""
    synonyms = {name: ", ".join(class_words.SYNONYMS.get(name, ())) for name in class_names}
    return [
        (f"{_words(name)} – {others}" if others else _words(name), name)
        for name, others in synonyms.items()
    ]


def _about(model: Model, label: str) -> dict[str, str]:
    return page_requests.about(model.about.get(label))


def _others(class_names: tuple[str, ...], label: str) -> list[dict[str, str]]:
    return [
        {"label": name, "name": _words(name)} for name in page_requests.others(class_names, label)
    ]


def _file(src: str, name: str) -> dict:
    """What saved.js saves: the same file a second time too."""
    return {"src": src, "name": name, "at": time.time()}


def _or_message(call, *arguments):
    try:
        return call(*arguments)
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from None


def _words(class_name: str) -> str:
    return class_name.replace("_", " ")


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")
