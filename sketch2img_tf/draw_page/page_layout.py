"""The drawing page in Gradio: its parts, and what each event does."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import gradio as gr

from sketch2img_tf.data import class_words
from sketch2img_tf.data.starter_sketches import starter_buttons
from sketch2img_tf.draw_page import page_requests
from sketch2img_tf.errors import UserError
from sketch2img_tf.inference.sketch_files import EXTENSIONS

if TYPE_CHECKING:
    from sketch2img_tf.draw_page.page_requests import Model

_ALL = "all"  # kinds of classes
VARIATIONS = (1, 4, 8)  # 8 is the largest batch that serving/config lets a server take
_LARGEST_SEED = 2**31
_FILES = pathlib.Path(__file__).parent / "page"
_AT_ONCE = dict(show_progress="hidden", queue=False)  # for events that need no model

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


@dataclasses.dataclass(frozen=True)
class _Parts:
    """The parts of the page that react to events or show their results."""

    canvas: gr.HTML
    upload: gr.UploadButton
    kind: gr.Dropdown
    label: gr.Dropdown
    seed: gr.Number
    dice: gr.Button
    count: gr.Radio
    live: gr.Checkbox
    make: gr.Button
    shown: gr.HTML
    about: gr.HTML
    others: gr.HTML
    other_seed: gr.Number
    percent: gr.Slider
    keepsakes: gr.HTML
    saved: gr.HTML


def build(model: Model, fill: float, where: str) -> gr.Blocks:
    """The page.

    Args:
      model: draws the pictures.
      fill: the share of the paper that drawings took in training.
      where: says in words where the pictures are made.
    """
    with gr.Blocks(title="Sketch2Img", analytics_enabled=False) as page:
        parts = _lay_out(model, fill, where)
        _connect_pictures(parts, model)
        _connect_drawing_and_class(parts, model, fill)
        _connect_keeping(parts, model)
    return page


def _lay_out(model: Model, fill: float, where: str) -> _Parts:
    """Makes all parts: the paper on the left, wishes and pictures on the right, a text below."""
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
            shown = _html("pictures", [], js_on_load=_read("pictures.js"))
            about = _html("about", _about(model, model.class_names[0]))
            others = _html(
                "others",
                _others(model.class_names, model.class_names[0]),
                js_on_load=_read("others.js"),
            )
            with gr.Row(elem_id="blend", visible=model.blends):
                other_seed = gr.Number(
                    1, label="Blend with seed", precision=0, minimum=0, maximum=_LARGEST_SEED
                )
                percent = gr.Slider(0, 100, 0, step=5, label="Share of that seed, in percent")
            keepsakes = _html("kept", [], js_on_load=_read("kept.js"))
            saved = gr.HTML(None, html_template="", js_on_load=_read("saved.js"), elem_id="saved")
    with gr.Accordion("What to expect", open=False, elem_id="expectations"):
        gr.Markdown(
            _read("expectations.md").format(class_count=len(model.class_names), where=where)
        )
    return _Parts(
        canvas=canvas,
        upload=upload,
        kind=kind,
        label=label,
        seed=seed,
        dice=dice,
        count=count,
        live=live,
        make=make,
        shown=shown,
        about=about,
        others=others,
        other_seed=other_seed,
        percent=percent,
        keepsakes=keepsakes,
        saved=saved,
    )


def _connect_pictures(parts: _Parts, model: Model) -> None:
    """Makes new pictures when the drawing or a wish changes, or a button asks for them."""

    def pictures(*wanted) -> list[dict]:
        return _or_message(page_requests.pictures, model, *wanted)

    def pictures_if(is_live: bool, *wanted):
        return pictures(*wanted) if is_live else gr.skip()

    wanted = [
        parts.canvas,
        parts.label,
        parts.seed,
        parts.count,
        parts.other_seed,
        parts.percent,
    ]
    # While one picture is made, only the last of the next wishes is kept: a fast pencil fills no
    # queue.
    answers = dict(
        outputs=parts.shown,
        show_progress="minimal",
        trigger_mode="always_last",
        concurrency_id="model",
    )
    changes = [each.change for each in wanted]
    gr.on(changes, pictures_if, [parts.live, *wanted], **answers)
    gr.on([parts.make.click, parts.live.select], pictures, wanted, api_name="pictures", **answers)
    parts.dice.click(
        None,
        parts.seed,
        parts.seed,
        js="seed => (seed + 1 + Math.floor(Math.random() * 9999)) % 10000",  # never the same seed
    )


def _connect_drawing_and_class(parts: _Parts, model: Model, fill: float) -> None:
    """Takes an uploaded drawing, and keeps class, kind and what is said of them together."""

    def uploaded(path: str) -> str:
        drawing, said = _or_message(page_requests.uploaded, path, fill)
        gr.Info(f"Your drawing: {said}.")
        return drawing

    def chosen(event: gr.EventData):
        """The class of a starter, or another class for the same drawing, among all kinds."""
        if event.label not in model.class_names:
            return gr.skip(), gr.skip()
        return _ALL, gr.Dropdown(_choices(model.class_names), value=event.label)

    def of_kind(name: str, value: str):
        names = model.class_names if name == _ALL else class_words.by_group(model.class_names)[name]
        return gr.Dropdown(_choices(names), value=value if value in names else names[0])

    parts.upload.upload(uploaded, parts.upload, parts.canvas, show_progress="hidden")
    parts.canvas.starter(chosen, outputs=[parts.kind, parts.label], **_AT_ONCE)
    parts.others.another(chosen, outputs=[parts.kind, parts.label], **_AT_ONCE)
    parts.kind.input(of_kind, [parts.kind, parts.label], parts.label, **_AT_ONCE)
    parts.label.change(
        lambda name: (_about(model, name), _others(model.class_names, name)),
        parts.label,
        [parts.about, parts.others],
        **_AT_ONCE,
    )


def _connect_keeping(parts: _Parts, model: Model) -> None:
    """Keeps drawings with their pictures, shows them again, and saves pictures."""

    def keep(*asked) -> list[dict]:
        return _or_message(page_requests.kept, *asked)

    def again(before: list[dict], event: gr.EventData):
        """A kept drawing, with the class and the seed of its pictures."""
        found = [each for each in before if each["id"] == event.id]
        if not found or found[0]["label"] not in model.class_names:
            return [gr.skip()] * 4
        names = gr.Dropdown(_choices(model.class_names), value=found[0]["label"])
        return found[0]["drawing"], _ALL, names, found[0]["seed"]

    def sheet(*asked) -> dict:
        return _file(_or_message(page_requests.contact_sheet, *asked), f"{asked[-1]}.png")

    def enlarged(event: gr.EventData) -> dict:
        return _file(_or_message(page_requests.enlarged, event.src), f"4x-{event.name}")

    asked = [parts.keepsakes, parts.canvas, parts.shown, parts.label, parts.seed]
    parts.shown.keep(keep, asked, parts.keepsakes, **_AT_ONCE)
    drawn_again = [parts.canvas, parts.kind, parts.label, parts.seed]
    parts.keepsakes.again(again, parts.keepsakes, drawn_again, **_AT_ONCE)
    parts.shown.sheet(sheet, [parts.canvas, parts.shown, parts.label], parts.saved, **_AT_ONCE)
    parts.shown.enlarge(enlarged, outputs=parts.saved, **_AT_ONCE)


def _html(name: str, value, **script) -> gr.HTML:
    """A part of the page that page/NAME.html shows."""
    return gr.HTML(
        value,
        html_template=_read(f"{name}.html"),
        elem_id=name,
        apply_default_css=False,
        **script,
    )


def _canvas(class_names: tuple[str, ...], fill: float) -> gr.HTML:
    # Not gr.ImageEditor: it sends a drawing only when the pencil is lifted, by files on the disk of
    # the server, and its eraser does not erase an uploaded drawing.
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
    """The classes with their synonyms, by which a search finds them, too."""
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
    """A file for saved.js, which saves it; the time makes it save the same file twice, too."""
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
