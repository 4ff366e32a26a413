"""The two passes over the photos on Apache Beam, which spreads them over processes or machines.

Imported only if the user asks for Beam, an optional requirement (requirements-beam.txt). All
workers must see the photos and the data folder under the same path.
"""

from __future__ import annotations

import base64
import pathlib
import pickle
import tempfile
from typing import Callable

from datasets.common.listing import Picture
from datasets.edge_maps import inspection
from datasets.edge_maps.ink_network import LinesOptions
from datasets.edge_maps.inspection import Checked, Pair
from sketch2img_tf import versions
from sketch2img_tf.errors import UserError

try:
    import apache_beam
    from apache_beam.options.pipeline_options import PipelineOptions
except ImportError:
    raise UserError(f"--beam needs Apache Beam: {versions.cure('requirements-beam.txt')}") from None


def options(given: list[str]) -> PipelineOptions:
    """Beam's own options, from texts such as `["runner=DirectRunner", "direct_num_workers=4"]`."""
    return PipelineOptions([f"--{option.lstrip('-')}" for option in given])


def check_all(
    found: list[Picture],
    pipeline_options: PipelineOptions,
    folder: str,
    lines: LinesOptions | None = None,
) -> list[Checked]:
    """`inspection.check` of every photo, in their order; workers write results to `folder`."""
    with tempfile.TemporaryDirectory(prefix="incomplete", dir=folder) as results:
        with apache_beam.Pipeline(options=pipeline_options) as pipeline:
            photos = pipeline | apache_beam.Create(list(enumerate(found))) | apache_beam.Reshuffle()
            checked = photos | "DrawOutline" >> apache_beam.Map(_check, lines)
            checked | apache_beam.io.WriteToText(f"{results}/checked")
        written = [
            line
            for path in pathlib.Path(results).iterdir()
            for line in path.read_bytes().splitlines()
        ]
    return list(dict(sorted(map(_loaded, written), key=lambda numbered: numbered[0])).values())


def examples(pairs: list[Pair], example: Callable[[Pair], dict]) -> apache_beam.PTransform:
    """The keys and the examples of `pairs`."""
    return (
        apache_beam.Create(pairs)
        | apache_beam.Reshuffle()
        | "ReadPhoto" >> apache_beam.Map(lambda pair: (pair.record_key, example(pair)))
    )


def _check(numbered: tuple[int, Picture], lines: LinesOptions | None) -> str:
    """The result as a line of text, since Beam writes text files."""
    number, picture = numbered
    return base64.b64encode(pickle.dumps((number, inspection.check(picture, lines)))).decode()


def _loaded(line: bytes) -> tuple[int, Checked]:
    return pickle.loads(base64.b64decode(line))
