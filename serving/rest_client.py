"""Draws sketches with a TensorFlow Serving server, over REST. Needs Python and nothing else.

    python serving/rest_client.py --label=cat cat.png another.png
    python serving/rest_client.py --server=http://HOST:8501 --label=cat --seed=7 --output_dir=pictures cat.png

The request goes to the signature `each`, which answers every sketch by itself: one that cannot be used has an error
and costs nobody else a picture.
"""

from __future__ import annotations

import argparse
import base64
import json
import pathlib
import sys
import urllib.error
import urllib.request


def main() -> None:
    """Draws the files of the command line."""
    arguments = parse_arguments()
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    failed = False
    answers = predict(arguments.server, arguments.model, arguments.sketches, arguments.label, arguments.seed)
    for path, answer in zip(arguments.sketches, answers):
        if answer["error"]:
            failed = True
            print(f"error: {path}: {answer['error']}", file=sys.stderr)
            continue
        output = arguments.output_dir / f"{path.stem}-{arguments.label}-{arguments.seed}.png"
        output.write_bytes(base64.b64decode(answer["photo_bytes"]["b64"]))
        print(output)
    sys.exit(failed)


def predict(server: str, model: str, sketches: list[pathlib.Path], label: str, seed: int) -> list[dict]:
    """For each file an answer with `photo_bytes` and `error`, one of which is empty."""
    instances = [
        {"sketch_bytes": {"b64": base64.b64encode(path.read_bytes()).decode()}, "label": label, "seed": seed}
        for path in sketches
    ]
    body = json.dumps({"signature_name": "each", "instances": instances}).encode()
    request = urllib.request.Request(f"{server}/v1/models/{model}:predict", body)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["predictions"]
    except urllib.error.HTTPError as error:
        sys.exit(f"error: {server} answers {error.code}: {json.load(error)['error']}")
    except OSError as error:
        sys.exit(f"error: {server}: {error}")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sketches", nargs="+", type=pathlib.Path, help="PNG or JPEG files, black lines on white")
    parser.add_argument("--label", required=True, help="class of what is drawn")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives another picture (default: 0)")
    parser.add_argument("--output_dir", type=pathlib.Path, default=".", help="folder of the pictures (default: here)")
    parser.add_argument("--server", default="http://localhost:8501", help="(default: http://localhost:8501)")
    parser.add_argument("--model", default="sketch2img", help="name of the model (default: sketch2img)")
    arguments = parser.parse_args()
    for path in arguments.sketches:
        if not path.is_file():
            parser.error(f"{path}: no such file")
    return arguments


if __name__ == "__main__":
    main()
