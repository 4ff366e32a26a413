"""The versions this project runs on, checked before anything else is imported.

TensorFlow 2.15 is the last line on which Keras 2, TensorFlow Addons and tf.distribute's Keras support stand together.
Beside a library that is too new its import ends in pages of someone else's traceback, so the versions are read first,
from the installed packages' metadata alone. Any Python 3 parses this file, and it needs no other package.
"""

import re
import sys

# Lowest version that fits, and the first that is too new.
PYTHON = ((3, 9), (3, 12))  # TensorFlow 2.15 has wheels for 3.9 to 3.11
LIBRARIES = {
    "tensorflow": ((2, 15), (2, 16)),
    "keras": ((2, 15), (2, 16)),  # Keras 3, installed by accident, would take the place of tf.keras
    "tensorflow-addons": ((0, 23), (0, 24)),
    "tensorflow-datasets": ((4, 9, 3), (4, 10)),
    "tensorflow-metadata": ((1, 15), (1, 18)),  # newer ones fail at import under protobuf 4
    "protobuf": ((4, 25, 2), (5,)),
    "numpy": ((1, 23, 5), (2,)),
    "absl-py": ((1,), (3,)),
}
# The same library under other names, for other processors: one of them is enough.
ALSO_NAMED = {
    "tensorflow": (
        "tensorflow-cpu",
        "tensorflow-cpu-aws",
        "tensorflow-intel",
        "intel-tensorflow",
        "tensorflow-macos",
        "tensorflow-rocm",
    )
}
_CURE = "run `make venv` and use .venv/bin/python, or `{} -m pip install -r requirements.txt`"

# What drawing takes, whatever draws: see requirements-draw.txt.
DRAWING = {
    "numpy": ((1, 23, 5), (3,)),
    "pillow": ((11,), (14,)),
    "absl-py": ((1,), (3,)),
    "tqdm": ((4,), (5,)),
}
_DRAWING_CURE = "run `make draw` and use .venv-draw/bin/python, or `{} -m pip install -r requirements-draw.txt`"


def check_python():
    """Ends the program with one line where Python is too old for any part of this project; raises as `check`."""
    if sys.version_info[:3] < PYTHON[0]:
        _end(python_problem(sys.version_info[:3]))


def check():
    """Ends the program with one line where Python or a library does not fit TensorFlow.

    Raises:
      SystemExit: "error: " and what is there, what is needed, and what to do; exit code 1. It is no `UserError`: this
        comes before the imports of whatever could catch one.
    """
    _end(python_problem(sys.version_info[:3]) or library_problem(installed_version))


def check_drawing():
    """Ends the program with one line where a library does not fit drawing, TensorFlow or not; raises as `check`."""
    _end(library_problem(installed_version, DRAWING, _DRAWING_CURE))


def python_problem(version):
    """What is wrong with this version of Python, a tuple, in one line; None if it fits."""
    if PYTHON[0] <= version < PYTHON[1]:
        return None
    found = f"this is Python {_dotted(version)}, TensorFlow 2.15 needs 3.9, 3.10 or 3.11"
    return f"{found}: run `make venv`, which looks for one, and use .venv/bin/python"


def library_problem(installed, libraries=LIBRARIES, cure=_CURE):
    """What is wrong with the first library that does not fit, in one line; None if all fit.

    Args:
      installed: a function from a distribution's name to its version, a string, or None where it is not installed.
      libraries: the lowest version of each that fits, and the first that is too new.
      cure: what to do, with {} for this Python's path.
    """
    for name, (lowest, too_new) in libraries.items():
        there, version = _first_installed((name, *ALSO_NAMED.get(name, ())), installed)
        if version is None or not lowest <= _parsed(version) < too_new:
            found = f"{there} {version} is installed" if version else f"{name} is not installed"
            needed = f"{name}>={_dotted(lowest)},<{_dotted(too_new)} is needed"
            return f"{found}, {needed}: {cure.format(sys.executable)}"
    return None


def installed_version(name):
    """The version of an installed distribution, or None, without importing it."""
    from importlib import metadata  # here, since a Python before 3.8 has none: `python_problem` speaks first

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _end(problem):
    if problem:
        raise SystemExit("error: " + problem)


def _first_installed(names, installed):
    """The first of the names that is installed, and its version; the first of all and None if none is."""
    versions = [(name, installed(name)) for name in names]
    return next((pair for pair in versions if pair[1] is not None), versions[0])


def _parsed(version):
    return tuple(int(number) for number in re.findall(r"\d+", re.match(r"[\d.]*", version).group()))


def _dotted(version):
    return ".".join(str(number) for number in version)
