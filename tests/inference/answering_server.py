"""A server that answers whatever one likes, where TensorFlow Serving was expected."""

from __future__ import annotations

import http.server
import json
import threading


class Answering:
    """A server that knows the classes, and answers anything else with one code and content."""

    def __init__(
        self,
        code: int,
        content: bytes,
        classes: bytes = b'{"predictions": [{"class_names": ["apple"]}]}',
    ):
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.requests.append((handler.path, json.loads(body)))
                known = b'"classes"' in body
                handler.send_response(200 if known else code)
                handler.end_headers()
                handler.wfile.write(classes if known else content)

            def log_message(handler, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()
