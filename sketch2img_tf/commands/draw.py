"""Shows a page to draw on, with pictures by a trained model.

    python draw.py                              the model that ships with the project
    python draw.py --model=EXPORT_DIR           an exported model, in this process
    python draw.py --server=http://HOST:8501    a model on a TensorFlow Serving server
    python draw.py --api [--model=LITERT_DIR]   no page: answers programs like such a server

(from an installed wheel, `sketch2img draw` with the same flags, and `sketch2img serve` for --api)

The page is at http://127.0.0.1:7860, and only this computer can open it. It needs
requirements-draw.txt and no internet; `make draw` installs what is missing and opens the page. With
a LiteRT model, such as the one that ships, it needs no TensorFlow.
"""

from absl import flags

from sketch2img_tf import errors, path_flags
from sketch2img_tf.errors import UserError

_MODEL = path_flags.define(
    "model", "", "Folder of the exported model; default: the one that ships with the project."
)
_SERVER = flags.DEFINE_string(
    "server", "", "REST address of TensorFlow Serving, http://HOST:8501, in place of --model."
)
_HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address to listen on; 0.0.0.0 shows the page to the whole network."
)
_PORT = flags.DEFINE_integer(
    "port",
    None,
    "Port to listen on; default: 7860, or with --api 8501.",
    lower_bound=1,
    upper_bound=2**16 - 1,
)
_QUEUE = flags.DEFINE_integer(
    "queue", 20, "Requests that may wait; more are refused.", lower_bound=1
)
_BROWSER = flags.DEFINE_bool("browser", False, "Open the page in this computer's browser.")
_API = flags.DEFINE_bool(
    "api", False, "Show no page; answer TensorFlow Serving's REST requests with a LiteRT model."
)


def run() -> None:
    """Runs the command with the flags of the command line; ends with its exit code."""
    errors.run(_main)


def _main() -> None:
    """Shows the page, or answers requests, until Ctrl-C."""
    if _MODEL.value and _SERVER.value:
        raise UserError(
            "give either --model, the folder of an export, or --server, the address of TensorFlow"
            " Serving"
        )
    if _API.value:
        if _SERVER.value or _BROWSER.value:
            raise UserError("--api shows no page: give it without --server and --browser")
        from sketch2img_tf.serving import rest_server  # here, when the flags are right

        rest_server.serve(_MODEL.value, _HOST.value, _PORT.value or 8501, _QUEUE.value)
        return
    from sketch2img_tf.draw_page import draw_page

    page = _HOST.value, _PORT.value or 7860, _QUEUE.value, _BROWSER.value
    if _SERVER.value:
        draw_page.serve_remote(_SERVER.value, *page)
    else:
        draw_page.serve_local(_MODEL.value, *page)
