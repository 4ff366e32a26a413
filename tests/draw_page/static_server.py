"""A web server of files as any host has one, on this computer."""

from __future__ import annotations

import contextlib
import functools
import http.server
import pathlib
import threading
from collections.abc import Iterator

_ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


@contextlib.contextmanager
def serve(folder: pathlib.Path, isolated: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Serves what is in a folder; gives its address and the paths that are asked for, as they come.

    Args:
      folder: what is at the address.
      isolated: send the headers that give a page threads.
    """
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            for name, value in _ISOLATED.items() if isolated else ():
                self.send_header(name, value)
            super().end_headers()

        def log_request(self, code="-", size="-"):
            asked.append(self.path)

        def log_message(self, *message):
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", asked
        finally:
            server.shutdown()
