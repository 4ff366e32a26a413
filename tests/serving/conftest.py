"""A small export, made once."""

from __future__ import annotations

import pathlib

import pytest


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> pathlib.Path:
    """The folder of one version of the small export of exports.py."""
    from sketch2img_tf.serving import exported_model  # here: most tests of serving need no TensorFlow
    from tests.serving import exports

    folder = tmp_path_factory.mktemp("exported")
    generator = exports.untrained_generator()
    return pathlib.Path(exported_model.export(generator, exports.CARD, exports.STEP, str(folder)))
