"""The versions of Python and libraries that fit, for two lanes; checked before all other imports.

The asked lane is TensorFlow 2.15, the last line that supports Keras 2, TensorFlow Addons and Keras
with tf.distribute together. The current lane is TensorFlow 2.21 with Keras 2 beside it, for newer
Pythons and GPUs; `surroundings/lanes.py` has the differences. If another library is too new,
TensorFlow's import ends with pages of that library's traceback. So we first read the versions, from
the metadata of the installed packages. Any Python 3 can parse this file, and it needs no package.
"""

import collections
import os
import re
import sys

# A lane's name, its requirements file, its extra of the wheel and the command that installs it; for
# Python and each library the lowest version that fits and the first that is too new.
Lane = collections.namedtuple(
    "Lane", ["name", "requirements", "extra", "made_by", "python", "libraries"]
)

ASKED = Lane(
    "asked",
    "requirements.txt",
    "train",
    "`make venv` and use .venv/bin/python",
    ((3, 9), (3, 12)),  # TensorFlow 2.15 has wheels for 3.9 to 3.11
    {
        "tensorflow": ((2, 15), (2, 16)),
        # Keras 3, installed by accident, would take the place of tf.keras
        "keras": ((2, 15), (2, 16)),
        "tensorflow-addons": ((0, 23), (0, 24)),
        "tensorflow-datasets": ((4, 9, 3), (4, 10)),
        "tensorflow-metadata": ((1, 15), (1, 18)),  # newer ones fail at import under protobuf 4
        "protobuf": ((4, 25, 2), (5,)),
        "numpy": ((1, 23, 5), (2,)),
        "absl-py": ((1,), (3,)),
    },
)
CURRENT = Lane(
    "current",
    "requirements-current.txt",
    "train-current",
    "`make LANE=current venv` and use .venv/bin/python",
    ((3, 10), (3, 14)),  # TensorFlow 2.21 has wheels for 3.10 to 3.13
    {
        "tensorflow": ((2, 21), (2, 22)),
        "tf-keras": ((2, 21), (2, 22)),
        "tensorflow-datasets": ((4, 9, 10), (4, 10)),
        "protobuf": ((6, 31, 1), (8,)),
        "numpy": ((2,), (3,)),
        "absl-py": ((1,), (3,)),
    },
)
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

# What drawing takes, with TensorFlow or without.
DRAWING = Lane(
    "drawing",
    "requirements-draw.txt",
    "draw",
    "`make draw` and use .venv-draw/bin/python",
    ((3, 9), (3, 15)),
    {
        "numpy": ((1, 23, 5), (3,)),
        "pillow": ((11,), (14,)),
        "absl-py": ((1,), (3,)),
        "tqdm": ((4,), (5,)),
    },
)


def check_python():
    """Ends the program with a line if Python is too old for all of this project; as `check`."""
    if sys.version_info[:3] < ASKED.python[0]:
        _end(python_problem(sys.version_info[:3]))


def check():
    """Ends the program with one line where Python or a library does not fit TensorFlow.

    Raises:
      SystemExit: "error: " and what is there, what is needed, and what to do; exit code 1. It is no
        `UserError`: this comes before the imports of whatever could catch one.
    """
    _end(python_problem(sys.version_info[:3]) or library_problem(this_lane(), installed_version))


def check_drawing():
    """Ends the program with a line if a library for drawing does not fit; raises as `check`."""
    _end(library_problem(DRAWING, installed_version))


def lane_of(python, installed):
    """The lane for a Python of this version; if both fit, the lane of its TensorFlow.

    Args:
      python: a tuple of numbers.
      installed: a function from a distribution's name to its version, a string, or None where it is
        not installed.
    """
    if python < CURRENT.python[0]:
        return ASKED
    if python >= ASKED.python[1]:
        return CURRENT
    version = _first_installed(_names("tensorflow"), installed)[1]
    return CURRENT if version and _parsed(version) >= ASKED.libraries["tensorflow"][1] else ASKED


def this_lane():
    """The lane of this Python."""
    return lane_of(sys.version_info[:3], installed_version)


def cure(*more):
    """The command that installs into this Python its lane's requirements and these files."""
    files = (this_lane().requirements, *more)
    return " ".join([sys.executable, "-m pip install", *("-r " + name for name in files)])


def what_to_run(lane):
    """How to install a lane: from the files of a clone, or as an extra of the wheel."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.exists(os.path.join(root, lane.requirements)):
        return f"run {lane.made_by}, or `{sys.executable} -m pip install -r {lane.requirements}`"
    return f"run `{sys.executable} -m pip install 'sketch2img_tf[{lane.extra}]'`"


def python_problem(version):
    """What is wrong with this version of Python, a tuple, in one line; None if it fits."""
    if ASKED.python[0] <= version < CURRENT.python[1]:
        return None
    found = f"this is Python {_dotted(version)}, TensorFlow here needs 3.9 to 3.13"
    return f"{found}: run `make venv`, which looks for one, and use .venv/bin/python"


def library_problem(lane, installed):
    """What is wrong with the first library that does not fit, in one line; None if all fit.

    Args:
      lane: whose libraries.
      installed: as for `lane_of`.
    """
    for name, (lowest, too_new) in lane.libraries.items():
        there, version = _first_installed(_names(name), installed)
        if version is None or not lowest <= _parsed(version) < too_new:
            found = f"{there} {version} is installed" if version else f"{name} is not installed"
            needed = f"{name}>={_dotted(lowest)},<{_dotted(too_new)} is needed"
            return f"{found}, {needed}: {what_to_run(lane)}"
    return None


def installed_version(name):
    """The version of an installed distribution, or None, without importing it."""
    # Here, since a Python before 3.8 has none: `python_problem` speaks first
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _end(problem):
    if problem:
        raise SystemExit("error: " + problem)


def _names(name):
    return (name, *ALSO_NAMED.get(name, ()))


def _first_installed(names, installed):
    """The first installed of the names, and its version; or the first name and None."""
    versions = [(name, installed(name)) for name in names]
    return next((pair for pair in versions if pair[1] is not None), versions[0])


def _parsed(version):
    return tuple(int(number) for number in re.findall(r"\d+", re.match(r"[\d.]*", version).group()))


def _dotted(version):
    return ".".join(str(number) for number in version)
