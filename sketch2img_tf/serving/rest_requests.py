"""Reads requests to the REST server, within limits, and parses them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sketch2img_tf.export import sketch_limits
from sketch2img_tf.serving.rest_client import AT_ONCE

if TYPE_CHECKING:
    from starlette.requests import Request

# Bytes of a request: its sketches in base 64, and the rest of it.
MAX_BODY = AT_ONCE * sketch_limits.MAX_BYTES * 4 // 3 + 2**20
_MAX_BODY_S = 30  # for the whole body
_FILES = ("sketch_bytes", "label", "seed")
# Names of an export's signatures and of their inputs.
INPUTS = {
    "serving_default": _FILES,
    "each": _FILES,
    "tensors": ("sketch", "label_id", "seed"),
    "classes": ("label",),
}


class Refusal(Exception):
    """A request that is refused: the HTTP status `code`, and why."""

    def __init__(self, code: int, why: str):
        super().__init__(why)
        self.code = code


async def read(request: Request) -> bytes:
    """A request's body; keeps no more of it than is allowed.

    Raises:
      Refusal: it is too large or too slow.
    """
    from anyio import fail_after
    from starlette.requests import ClientDisconnect

    parts, size = [], 0
    try:
        with fail_after(_MAX_BODY_S):
            async for part in request.stream():
                size += len(part)
                if size > MAX_BODY:
                    parts.clear()  # but read on: few clients listen before they have sent all
                else:
                    parts.append(part)
    except TimeoutError:
        raise Refusal(408, f"the request did not arrive within {_MAX_BODY_S} seconds") from None
    except ClientDisconnect:
        raise Refusal(400, "the request broke off") from None  # the client is gone
    if size > MAX_BODY:
        raise Refusal(
            413, f"the request has more than {MAX_BODY} bytes: send fewer or smaller sketches"
        )
    return b"".join(parts)


class Asked(NamedTuple):
    """A request.

    Attributes:
      signature: its name.
      by_rows: whether each instance was one object, in `instances`, or each input one list, in
        `inputs`; the answer has the same form.
      instances: the inputs of each instance by name; sketches are decoded.
    """

    signature: str
    by_rows: bool
    instances: list[dict]


def parse(body: bytes, image_size: int) -> Asked:
    """Parses a request; `image_size` is the side of the model's pictures.

    https://www.tensorflow.org/tfx/serving/api_rest

    Raises:
      Refusal: the body is not such a request.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the request is not JSON") from None
    if not isinstance(asked, dict) or ("instances" in asked) == ("inputs" in asked):
        raise Refusal(
            400,
            'the request should be {"signature_name": "each", "instances": [...]}, by rows, or the'
            ' same with "inputs": {...}, by columns',
        )
    signature = asked.get("signature_name", "serving_default")
    if not isinstance(signature, str) or signature not in INPUTS:
        raise Refusal(400, f"signature_name should be one of {', '.join(INPUTS)}")
    by_rows = "instances" in asked
    names = INPUTS[signature]
    if by_rows:
        instances, place = _rows(asked["instances"], names), "instances[{number}].{name}"
    else:
        instances, place = _columns(asked["inputs"], names), "inputs.{name}[{number}]"
    for number, instance in enumerate(instances):
        for name in names:
            parser, shape = _PARSERS[name], _SHAPES[name].format(side=image_size)
            try:
                instance[name] = parser(instance[name], image_size)
            except (TypeError, ValueError):
                where = place.format(name=name, number=number)
                raise Refusal(400, f"{where} should be {shape}") from None
    return Asked(signature, by_rows, instances)


def _rows(instances: Any, names: tuple[str, ...]) -> list[dict]:
    """Instances one after the other: objects, or plain values where there is one input."""
    if not isinstance(instances, list):
        raise Refusal(400, "instances should be a list")
    _check_number(len(instances))
    rows = []
    for number, item in enumerate(instances):
        row = {names[0]: item} if len(names) == 1 and not isinstance(item, dict) else item
        if not isinstance(row, dict) or set(row) != set(names):
            wanted = ", ".join(sorted(names))
            raise Refusal(400, f"instances[{number}] should have {wanted}, and nothing else")
        rows.append(row)
    return rows


def _columns(inputs: Any, names: tuple[str, ...]) -> list[dict]:
    """The same from a list for each input; where there is one input, from its list alone."""
    columns = {names[0]: inputs} if len(names) == 1 and isinstance(inputs, list) else inputs
    if not isinstance(columns, dict) or set(columns) != set(names):
        raise Refusal(400, f"inputs should have {', '.join(sorted(names))}, and nothing else")
    for name in names:
        if not isinstance(columns[name], list):
            raise Refusal(400, f"inputs.{name} should be a list, of one value for each sketch")
    lengths = [len(columns[name]) for name in names]
    if len(set(lengths)) > 1:
        told = ", ".join(f"{length} {name}" for name, length in zip(names, lengths))
        raise Refusal(400, f"the lists of inputs differ in length: {told}")
    _check_number(lengths[0])
    return [dict(zip(names, row)) for row in zip(*(columns[name] for name in names))]


def _check_number(instances: int) -> None:
    if not 0 < instances <= AT_ONCE:
        raise Refusal(400, f"{instances} instances: send 1 to {AT_ONCE}")


def _bytes(value: Any, _: int) -> bytes:
    if not isinstance(value, dict) or set(value) != {"b64"}:
        raise ValueError
    return base64.b64decode(value["b64"], validate=True)  # a binascii.Error is a ValueError


def _string(value: Any, _: int) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole_number(value: Any, _: int) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _pixels(value: Any, side: int) -> np.ndarray:
    levels = np.array(value)  # a ValueError if the lists differ in length
    if levels.shape != (side, side, 1) or levels.dtype.kind != "i":
        raise ValueError
    pixels = levels.astype(np.uint8)
    if (pixels != levels).any():
        raise ValueError
    return pixels


_PARSERS = {
    "sketch_bytes": _bytes,
    "sketch": _pixels,
    "label": _string,
    "label_id": _whole_number,
    "seed": _whole_number,
}
_SHAPES = {  # where they are wrong
    "sketch_bytes": '{{"b64": "..."}}, a PNG or JPEG in base 64',
    "sketch": "lists of whole numbers from 0 to 255, {side}x{side}x1",
    "label": "the name of a class, a string",
    "label_id": "the number of a class, as the signature classes gives it",
    "seed": "a whole number of 64 bits",
}
