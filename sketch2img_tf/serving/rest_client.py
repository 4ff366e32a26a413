"""Draws sketches with a TensorFlow Serving server, over REST. Needs Python and nothing else.

    python rest_client.py --label=cat cat.png another.png
    python rest_client.py --server=http://HOST:8501 --label=cat --seed=7 \\
      --output_dir=pictures cat.png

writes `cat-LABEL-SEED.png` for `cat.png`. The requests use the signature `each`, which answers each
sketch separately: a sketch that cannot be used has an error, and the others get their pictures.

https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import argparse
import base64
import collections
import functools
import http.client
import ipaddress
import json
import mimetypes
import os
import pathlib
import socket
import sys
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
from typing import Callable

TIMEOUT_S = 60
AT_ONCE = 8  # sketches per request: as many as serving/config lets a CPU's server take
_NOT_ONE = "it does not speak as TensorFlow Serving does over REST; is it its REST port, 8501?"


class Problem(Exception):
    """Says in one line what cannot be done and why."""


Draw = Callable[[str, str, "list[bytes]", "list[str]", "list[int]"], "list[tuple[bytes, str]]"]
"""A function like `draw`."""


def draw(
    server: str, model: str, sketches: list[bytes], labels: list[str], seeds: list[int]
) -> list[tuple[bytes, str]]:
    """PNG or JPEG sketches, class names and seeds to PNG photos and errors, of which one is empty.

    Raises:
      Problem: there is no answer, or it is not one of TensorFlow Serving.
    """
    instances = [
        {"sketch_bytes": {"b64": base64.b64encode(sketch).decode()}, "label": label, "seed": seed}
        for sketch, label, seed in zip(sketches, labels, seeds)
    ]
    # Not serving_default: behind batching, someone else's damaged sketch would fail ours, too.
    answers = predict(server, model, "each", instances, ["photo_bytes", "error"])
    try:
        return [(base64.b64decode(photo["b64"]), error) for photo, error in answers]
    except (ValueError, KeyError, TypeError):
        raise Problem(f"--server={server}: {_NOT_ONE}") from None


def predict(
    server: str, model: str, signature: str, instances: list[dict], outputs: list[str]
) -> list[list]:
    """The named outputs of each instance.

    Raises:
      Problem: there is no answer, or it is not one of TensorFlow Serving.
    """
    body = json.dumps({"signature_name": signature, "instances": instances}).encode()
    content = _post(server, model, body)
    try:
        rows = json.loads(content)["predictions"]
        answers = [[row[name] for name in outputs] for row in rows]
    except (ValueError, KeyError, TypeError):
        raise Problem(f"--server={server}: {_NOT_ONE}") from None
    if len(answers) != len(instances):
        raise Problem(f"--server={server}: {len(answers)} answers to {len(instances)}; {_NOT_ONE}")
    return answers


def without_proxy(host: str) -> bool:
    """Whether the host is this computer, which no company's proxy can reach."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, not a number
        return False


def _post(server: str, model: str, body: bytes) -> bytes:
    proxies = {} if without_proxy(_host(server)) else None  # None: as the environment says
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    address = f"{server.rstrip('/')}/v1/models/{urllib.parse.quote(model)}:predict"
    try:
        with opener.open(urllib.request.Request(address, body), timeout=TIMEOUT_S) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        problem = f"answers {error.code}: {_explanation(error, model)}"
    except socket.timeout:
        problem = f"has not answered in {TIMEOUT_S} seconds; is it overloaded?"
    except urllib.error.URLError as error:
        problem = f"cannot be reached ({error.reason})"
    except (OSError, http.client.HTTPException):
        problem = _NOT_ONE
    raise Problem(f"--server={server}: {problem}")


def _host(server: str) -> str:
    try:
        parts = urllib.parse.urlsplit(server)
        host = (parts.hostname or "").encode("idna").decode()
        if parts.scheme in ("http", "https") and host and parts.port != 0:
            return host
    except ValueError:
        pass
    raise Problem(f"--server={server}: should be an address as http://HOST:8501")


def _explanation(error: urllib.error.HTTPError, model: str) -> str:
    try:
        return json.loads(error.read())["error"].splitlines()[0]
    except (ValueError, LookupError, TypeError, AttributeError, OSError, http.client.HTTPException):
        return f"{error.reason}; is it TensorFlow Serving, with a model named {model}?"


def run(draw: Draw, description: str, server: str) -> None:
    """Draws the files of the command line.

    Args:
      draw: sends requests to a server.
      description: the description of the command.
      server: the default server.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed by the parent process
        stream.reconfigure(errors="backslashreplace")  # a file's name may not be valid text
    try:
        sys.exit(_draw_files(draw, _parse_arguments(description, server)))
    except Problem as problem:
        _tell(sys.stderr, f"error: {problem}")
    except KeyboardInterrupt:
        _tell(sys.stderr, "error: interrupted")
    sys.exit(1)


def plan(
    sketches: list[pathlib.Path], output_dir: pathlib.Path, label: str, seed: int
) -> list[pathlib.Path]:
    """The file of each sketch's picture.

    A sketch's ending stays in the name if two sketches differ only in the ending.

    Raises:
      Problem: two pictures would go to one file, or a sketch would be overwritten.
    """
    count = collections.Counter(_folded(path.stem) for path in sketches)
    names = [path.stem if count[_folded(path.stem)] == 1 else path.name for path in sketches]
    outputs = [output_dir / f"{name}-{label}-{seed}.png" for name in names]
    sketch_of: dict[str, pathlib.Path] = {}
    for sketch, output in zip(sketches, outputs):
        if _folded(output.name) in sketch_of:
            both = f"{sketch_of[_folded(output.name)]} and {sketch}"
            raise Problem(f"{both} would both become {output}: rename one of them")
        if os.path.exists(output) and any(map(output.samefile, sketches)):
            raise Problem(f"{output} is a sketch, and would be lost: give another --output_dir")
        sketch_of[_folded(output.name)] = sketch
    return outputs


def _draw_files(draw: Draw, given: argparse.Namespace) -> int:
    """Draws the files; returns the exit code."""
    outputs = plan(given.sketches, given.output_dir, given.label, given.seed)
    sketches = [_done(path, "cannot be read", path.read_bytes) for path in given.sketches]
    _make_folder(given.output_dir)
    failed = 0
    for first in range(0, len(sketches), AT_ONCE):
        chosen = sketches[first : first + AT_ONCE]
        labels, seeds = [given.label] * len(chosen), [given.seed] * len(chosen)
        answers = draw(given.server, given.model, chosen, labels, seeds)
        for path, output, (photo, error) in zip(given.sketches[first:], outputs[first:], answers):
            if error:
                failed = 1
                _tell(sys.stderr, f"error: {path}: {error}")
                continue
            _done(output, "cannot be written", functools.partial(output.write_bytes, photo))
            _tell(sys.stdout, str(output))
    return failed


def _make_folder(folder: pathlib.Path) -> None:
    kind, _ = mimetypes.guess_type(folder.name)
    if kind and kind.startswith(("image/", "application/pdf")) and not os.path.exists(folder):
        raise Problem(f"--output_dir={folder}: is the name of a picture; give a folder")
    make = functools.partial(folder.mkdir, parents=True, exist_ok=True)
    _done(f"--output_dir={folder}", "cannot be made", make)


def _done(what: object, failure: str, call: Callable):
    """Returns what `call` returns; raises a Problem if the system refuses it."""
    try:
        return call()
    except OSError as error:
        raise Problem(f"{what}: {failure}: {error.strerror or error}") from None


def _tell(stream, line: str) -> None:
    if stream is None:
        return
    try:
        print(line, file=stream, flush=True)
    except OSError:  # the output is closed, but the user still wants the pictures
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _folded(name: str) -> str:
    """The name without what macOS and Windows ignore: case, and how accents are encoded."""
    return unicodedata.normalize("NFC", name).casefold()


def _parse_arguments(description: str, server: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("sketches", nargs="+", type=_path, help="PNG or JPEG files, black lines on white")
    add("--label", required=True, type=_text, help="class of what is drawn")
    add("--seed", type=_seed, default=0, help="another seed gives another picture (default: 0)")
    add("--output_dir", type=_path, default=".", help="folder of the pictures (default: here)")
    add("--server", default=server, help=f"(default: {server})")
    add("--model", default="sketch2img", help="name of the model (default: sketch2img)")
    given = parser.parse_args()
    for sketch in given.sketches:
        if not os.path.isfile(sketch):
            parser.error(f"{sketch}: no such file")
    return given


def _path(typed: str) -> pathlib.Path:
    return pathlib.Path(os.path.expanduser(typed))  # bash leaves the ~ of --flag=~/x as it is


def _text(typed: str) -> str:
    """Replaces bytes that are not UTF-8 by U+FFFD; JSON and gRPC do not take them."""
    return typed.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _seed(typed: str) -> int:
    if not -(2**63) <= int(typed) < 2**63:
        raise argparse.ArgumentTypeError(f"{typed} has more than 64 bits")
    return int(typed)


if __name__ == "__main__":
    run(draw, __doc__, "http://localhost:8501")
