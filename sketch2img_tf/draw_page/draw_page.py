"""Shows the drawing page on a port.

The page must be there soon. So it is shown before the model is loaded and before TensorFlow, if the
model needs it, is imported.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator

from sketch2img_tf import versions
from sketch2img_tf.config import DataConfig
from sketch2img_tf.data import drawing_size
from sketch2img_tf.draw_page import gradio_import
from sketch2img_tf.draw_page.deferred_model import DeferredModel
from sketch2img_tf.errors import UserError
from sketch2img_tf.serving.remote_model import RemoteModel
from sketch2img_tf.surroundings import ports

_MAX_UPLOAD = "32mb"
_VISITORS = 100  # Gradio keeps the last drawing and pictures of so many; its default is 10,000
_AT_ONCE_ON_SERVER = 4  # requests; a batching server draws them together


def serve_local(model: str, host: str, port: int, queue: int, browser: bool = False) -> None:
    """Shows the page, with an export that this process loads, until Ctrl-C.

    Args:
      model: folder of the export; empty: the model that ships with the project.
      host: the address to listen on.
      port: the port to listen on.
      queue: requests that may wait.
      browser: whether to open the page in a browser, if there is a graphical one.

    Raises:
      UserError: a flag is wrong, the export is damaged, or Gradio is missing.
    """
    _check(host, port)
    deferred = DeferredModel(model)
    fill = drawing_size.training_fill(deferred.card.config.data)
    where = "the one that runs this page"
    shown = _shown(deferred, fill, where, host, port, queue, 1, browser)
    with contextlib.suppress(KeyboardInterrupt), shown:
        deferred.load()
        threading.Event().wait()


def serve_remote(server: str, host: str, port: int, queue: int, browser: bool = False) -> None:
    """Shows the page, with the model of TensorFlow Serving at `server`; the rest: `serve_local`."""
    _check(host, port)
    fill = drawing_size.training_fill(DataConfig())
    model = RemoteModel(server)
    shown = _shown(model, fill, server, host, port, queue, _AT_ONCE_ON_SERVER, browser)
    with contextlib.suppress(KeyboardInterrupt), shown:
        threading.Event().wait()


def _check(host: str, port: int) -> None:
    """Raises a UserError without Gradio, or if the port is taken; keeps requests from a proxy."""
    _never_by_proxy("localhost", "127.0.0.1", "::1", host)
    gradio = versions.installed_version("gradio")
    if gradio is None or not gradio.startswith("6."):
        found = f"Gradio 6, not {gradio}" if gradio else "Gradio"
        raise UserError(
            f"the page needs {found}: {versions.what_to_run(versions.DRAWING)}, on Python 3.10 or"
            " later"
        )
    ports.listen(host, port).close()


@contextlib.contextmanager
def _shown(
    model, fill: float, where: str, host: str, port: int, queue: int, at_once: int, browser: bool
) -> Iterator[None]:
    """Starts the page in other threads, prints its address; Ctrl-C or SIGTERM ends the context."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Otherwise Gradio summarises its last 10,000 requests at every request, for a statistics page.
    os.environ.update(
        GRADIO_ANALYTICS_MAX_EVENTS="1", GRADIO_ANALYTICS_CACHE_FREQUENCY="1000000000"
    )
    with _own_uploads():
        with gradio_import.quickly():  # here, since importing Gradio takes seconds
            from sketch2img_tf.draw_page import page_layout

        page = page_layout.build(model, fill, where).queue(
            max_size=queue, default_concurrency_limit=at_once
        )
        page.launch(
            server_name=host,
            server_port=port,
            theme=page_layout.THEME,
            css=page_layout.CSS,
            max_file_size=_MAX_UPLOAD,
            state_session_capacity=_VISITORS,
            footer_links=[],
            run_history=False,
            share=False,
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            prevent_thread_lock=True,
            quiet=True,
        )
        try:
            print(f"draw at {page.local_url} (Ctrl-C ends)", flush=True)
            if browser and _has_windows():
                webbrowser.open(page.local_url)
            yield
        finally:
            page.close(verbose=False)


def _has_windows() -> bool:
    """Whether there is a graphical browser; without windows Python would start one of text."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )


@contextlib.contextmanager
def _own_uploads() -> Iterator[None]:
    """Sends uploads to this process's own folder; Gradio's default is one folder for all users."""
    with tempfile.TemporaryDirectory(prefix="sketch2img-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        yield


def _never_by_proxy(*hosts: str) -> None:
    """Keeps requests to these hosts from a proxy, which would answer when Gradio asks itself."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), *hosts]))
