"""The folder of a model that ships: LiteRT draws with it, and it can take a run folder's place."""

from __future__ import annotations

import dataclasses
import os
import re
import string
from typing import Any

from sketch2img_tf import config
from sketch2img_tf.evaluation.reports import results
from sketch2img_tf.export import lite_model, model_card
from sketch2img_tf.export.new_version import new_version
from sketch2img_tf.run_folder import checkpoints
from sketch2img_tf.run_folder.packed_weights import CARD_FILE

_TEMPLATE = os.path.join(os.path.dirname(__file__), "PRETRAINED.template.md")


def export(workdir: str, export_dir: str, noise_deviation: float | None = None) -> str:
    """Writes the folder `export_dir` from the newest checkpoint of a run.

    Args:
      workdir: the run's folder.
      export_dir: the folder to write.
      noise_deviation: as for `checkpoints.load_generator`.

    Returns:
      The folder's path.

    Raises:
      UserError: there is no run, or the folder exists or cannot be written.
    """
    generator, card, step = checkpoints.load_generator(workdir, noise_deviation)
    # Without the folders of the computer that trained it, which are private.
    card = dataclasses.replace(card, config=config.without_paths(card.config))
    evaluation = _evaluation(workdir, step, card.config.evaluation.noise_deviation)
    with new_version(*os.path.split(os.path.abspath(export_dir))) as temporary:
        lite_model.write(generator, card, temporary)
        checkpoints.pack(workdir, temporary)
        _write(temporary, CARD_FILE, model_card.machine_card(card, step, evaluation=evaluation))
        with open(_TEMPLATE, encoding="utf-8") as file:
            template = string.Template(file.read())
        human = model_card.human_card(card, step).rstrip()
        _write(
            temporary, "README.md", template.substitute(card=human, evaluation=_table(evaluation))
        )
    return export_dir


def _evaluation(workdir: str, step: int, noise_deviation: float) -> dict[str, Any]:
    """The last result of evaluate.py for this step and noise, without its paths; {} if none."""
    fitting = [
        result
        for result in results.read(workdir)
        if (result["step"], result.get("noise_deviation", 1.0)) == (step, noise_deviation)
    ]
    return (
        {name: value for name, value in fitting[-1].items() if name != "model"} if fitting else {}
    )


def _table(evaluation: dict[str, Any]) -> str:
    """The figures of a result, in Markdown: first those of all pictures, then by class."""
    if not evaluation:
        return "Not measured; `evaluate.py` does it."
    protocol = evaluation["protocol"]
    measured = f"On {protocol['sketches']} sketches of the protocol `{protocol['name']}`:"
    text = f"{measured}\n\n{_markdown(results.table(evaluation))}"
    classes = results.class_table(evaluation)
    if not classes:
        return text
    metric = evaluation["by_class"]["metric"]
    return f"{text}\n\nThe classes that were measured, by `{metric}`:\n\n{_markdown(classes)}"


def _markdown(rows: list[list[str]]) -> str:
    head, *others = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, re.sub(r"[^|]+", "---", head), *others])


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
