"""Reads requests to the REST server, within limits, and parses them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from sketch2img_tf.export import sketch_limits
from sketch2img_tf.serving.rest_client import AT_ONCE

if TYPE_CHECKING:
    from starlette.requests import Request

# Bytes of a request: its sketches in base 64, and the rest of it.
MAX_BODY = AT_ONCE * sketch_limits.MAX_BYTES * 4 // 3 + 2**20
_MAX_BODY_S = 30  # for the whole body
_KEYS = {"serving_default": {"sketch_bytes", "label", "seed"}, "classes": {"label"}}
_KEYS["each"] = _KEYS["serving_default"]


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


def parse(body: bytes) -> tuple[str, list[dict]]:
    """The signature's name, and the instances with their sketches decoded.

    Raises:
      Refusal: the body is not such a request.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the request is not JSON") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("instances"), list):
        raise Refusal(
            400, 'the request should be {"signature_name": "each", "instances": [...]}, by rows'
        )
    name = asked.get("signature_name", "serving_default")
    if not isinstance(name, str) or name not in _KEYS:
        raise Refusal(400, f"signature_name should be one of {', '.join(_KEYS)}")
    instances = asked["instances"]
    if not 0 < len(instances) <= AT_ONCE:
        raise Refusal(400, f"{len(instances)} instances: send 1 to {AT_ONCE}")
    return name, [_instance(number, item, _KEYS[name]) for number, item in enumerate(instances)]


_SHAPES = {
    "sketch_bytes": '{"b64": "..."}, a PNG or JPEG in base 64',
    "label": "the name of a class, a string",
    "seed": "a whole number of 64 bits",
}


def _instance(number: int, item: Any, keys: set[str]) -> dict:
    if not isinstance(item, dict) or set(item) != keys:
        raise Refusal(
            400, f"instances[{number}] should have {', '.join(sorted(keys))}, and nothing else"
        )
    parsed = {}
    for key in keys:
        try:
            parsed[key] = _PARSERS[key](item[key])
        except (TypeError, ValueError, KeyError):
            raise Refusal(400, f"instances[{number}].{key} should be {_SHAPES[key]}") from None
    return parsed


def _bytes(value: dict) -> bytes:
    if set(value) != {"b64"}:
        raise ValueError
    return base64.b64decode(value["b64"], validate=True)  # a binascii.Error is a ValueError


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole_number(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError
    return value


_PARSERS = {"sketch_bytes": _bytes, "label": _string, "seed": _whole_number}
