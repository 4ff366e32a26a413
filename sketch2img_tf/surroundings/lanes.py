"""The differences between the two lanes of `versions.py`; no other file depends on the lane."""

from __future__ import annotations

import os
import sys
import types
import warnings
from importlib import abc, machinery

from sketch2img_tf import versions


def choose_keras() -> None:
    """Makes `tf.keras` Keras 2; call it before TensorFlow is imported.

    The variable asks for the package tf_keras, which is Keras 2 where TensorFlow comes with Keras
    3. TensorFlow 2.15 has Keras 2 itself, and a notebook may have set the variable for a newer one.

    Raises:
      SystemExit: TensorFlow was imported before, and has Keras 3.
    """
    if versions.this_lane() is versions.ASKED:
        os.environ.pop("TF_USE_LEGACY_KERAS", None)
    # The values that TensorFlow understands
    elif os.environ.get("TF_USE_LEGACY_KERAS") not in ("1", "true", "True"):
        if sys.modules.get("tensorflow"):  # None means that the import is blocked
            raise SystemExit(
                "error: TensorFlow was imported before sketch2img_tf, with Keras 3: import"
                " sketch2img_tf first, or set TF_USE_LEGACY_KERAS=1"
            )
        os.environ["TF_USE_LEGACY_KERAS"] = "1"


def quieten_import() -> None:
    """Hides stderr on the current lane while TensorFlow is imported, whoever imports it.

    TensorFlow prints there about oneDNN and missing GPUs before it reads `TF_CPP_MIN_LOG_LEVEL`. If
    something goes wrong, it raises an exception, which is not hidden.
    """
    if versions.this_lane() is versions.CURRENT:
        sys.meta_path.insert(0, _QuietTensorFlow())


class _QuietTensorFlow(abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None) -> machinery.ModuleSpec | None:
        spec = machinery.PathFinder.find_spec(name, path) if name == "tensorflow" else None
        if spec:
            spec.loader = _QuietLoader(name, spec.origin)
        return spec


class _QuietLoader(machinery.SourceFileLoader):
    def exec_module(self, module) -> None:
        stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            super().exec_module(module)
        finally:
            os.dup2(stderr, 2)
            os.close(nowhere)
            os.close(stderr)


def keras_version() -> str | None:
    """The version of the Keras that is `tf.keras`, without importing it."""
    asked = versions.this_lane() is versions.ASKED
    return versions.installed_version("keras" if asked else "tf-keras")


def addons() -> types.ModuleType | None:
    """TensorFlow Addons, whose last version is for TensorFlow 2.15; None on the current lane."""
    if versions.this_lane() is versions.CURRENT:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the warning that Addons is no longer developed
        import tensorflow_addons  # here, since few runs need it
    return tensorflow_addons
