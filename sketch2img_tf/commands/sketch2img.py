"""The command that is installed with the wheel.

    sketch2img draw            a page to draw on
    sketch2img serve           a model behind the REST interface of TensorFlow Serving
    sketch2img generate        files of sketches to files of pictures
    sketch2img COMMAND --help  the flags of a command

They draw with the model that is in the wheel unless --model names another one.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command that the first argument names; the other arguments are its flags."""
    name, *rest = sys.argv[1:] or [""]
    sys.argv = [f"sketch2img {name}", *rest]
    if name == "draw":
        from sketch2img_tf.commands import draw  # here, since each defines its flags

        draw.run()
    elif name == "serve":
        from sketch2img_tf.commands import draw

        sys.argv.insert(1, "--api")
        draw.run()
    elif name == "generate":
        from sketch2img_tf.commands import generate

        generate.run()
    elif name in ("--help", "-h"):
        print(__doc__)
    else:
        problem = f"there is no command {name!r}" if name else "a command is missing"
        print(f"error: {problem}: draw, serve or generate (see sketch2img --help)", file=sys.stderr)
        sys.exit(2)
