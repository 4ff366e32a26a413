"""LiteRT.js, which runs a model in the browser: the files of it that the static page needs."""

from __future__ import annotations

import hashlib
import os
import pathlib

from sketch2img_tf.errors import UserError

VERSION = "2.5.3"
FOLDER = pathlib.Path(__file__).parents[2] / "litert_js" / "node_modules" / "@litertjs"

# Files by their name in a page, with their SHA-256. There are four builds, and a browser takes the
# one that it can run.
_FILES = {
    "core.js": (
        "core/dist/index.js",
        "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
    ),
    "wasm_utils.js": (
        "wasm-utils/dist/index.js",
        "e0e20bc28ab001ac732cf40d15b6eebd24fb0deaeb95eeba5100f51eebf015f2",
    ),
    "litert_wasm_internal.js": (
        "core/wasm/litert_wasm_internal.js",
        "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    ),
    "litert_wasm_internal.wasm": (
        "core/wasm/litert_wasm_internal.wasm",
        "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
    ),
    "litert_wasm_threaded_internal.js": (
        "core/wasm/litert_wasm_threaded_internal.js",
        "92fe7a720c6deedaa1194c011c79a005ea4f6fc98f533b661cf7900760ab4849",
    ),
    "litert_wasm_threaded_internal.wasm": (
        "core/wasm/litert_wasm_threaded_internal.wasm",
        "b5e54eca10f043497edf9a02186332707cae260c550d7ea22b2cae55669596cf",
    ),
    "litert_wasm_jspi_internal.js": (
        "core/wasm/litert_wasm_jspi_internal.js",
        "e685a3ed86f447c1feb8f5414319539c5e94d1cfc0eb49c3c5e6a788a6f5541b",
    ),
    "litert_wasm_jspi_internal.wasm": (
        "core/wasm/litert_wasm_jspi_internal.wasm",
        "a103e14db26cdbda9ba1a93633e59f3bf604d082fa7ab0c30ca730838e3faa69",
    ),
    "litert_wasm_compat_internal.js": (
        "core/wasm/litert_wasm_compat_internal.js",
        "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    ),
    "litert_wasm_compat_internal.wasm": (
        "core/wasm/litert_wasm_compat_internal.wasm",
        "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    ),
}

# Browsers do not know npm's package names, and workers do not know import maps.
_IMPORT = b'from "@litertjs/wasm-utils"'
_RELATIVE_IMPORT = b'from "./wasm_utils.js"'


def is_there() -> bool:
    """Whether `make web` has fetched it."""
    return FOLDER.is_dir()


def read_files() -> dict[str, bytes]:
    """The runtime's files, by their names in the page.

    Raises:
      UserError: the files are missing, or are not those of this version.
    """
    files = {name: _read(path, digest) for name, (path, digest) in _FILES.items()}
    files["core.js"] = files["core.js"].replace(_IMPORT, _RELATIVE_IMPORT)
    return files


def _read(path: str, digest: str) -> bytes:
    try:
        content = (FOLDER / path).read_bytes()
    except OSError:
        folder = os.path.relpath(FOLDER)
        raise UserError(f"LiteRT.js is not in {folder}: run make web, which needs npm") from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(
            f"{os.path.relpath(FOLDER / path)}: is not the file of LiteRT.js {VERSION};"
            " run make web"
        )
    return content
