"""Listens on a port."""

from __future__ import annotations

import errno
import socket

from sketch2img_tf.errors import UserError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on this port.

    Raises:
      UserError: it cannot listen there.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"--port={port}: is in use on {host}; give another one, or end the program that"
                " uses it"
            ) from None
        raise UserError(
            f"--host={host} --port={port}: cannot listen there ({error.strerror or error})"
        ) from None
