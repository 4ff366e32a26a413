"""Encoded sketches to the pixels for a LiteRT model, without TensorFlow.

The exported graph does the same by `encoded_sketches.read`; a test compares the two.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from sketch2img_tf.errors import UserError
from sketch2img_tf.export import sketch_limits
from sketch2img_tf.surroundings import image_files

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in preprocessing.py


def read(encoded: bytes, size: int) -> np.ndarray:
    """A PNG or JPEG of any size and colour to black lines on white, uint8 [size, size, 1].

    Transparent pixels are paper. The aspect is kept; what is not square is padded with paper.

    Raises:
      UserError: it is neither, it is damaged, or it is larger than `sketch_limits` allow.
    """
    if len(encoded) > sketch_limits.MAX_BYTES:
        raise UserError(sketch_limits.TOO_MANY_BYTES)
    try:
        picture, _ = image_files.open_picture(encoded, ("PNG", "JPEG"))
        if not _fits(*picture.size, size):  # the header says so, before anything is decoded
            raise UserError(sketch_limits.wrong_sides(size))
        ink = _ink(image_files.eight_bits(picture))
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(sketch_limits.wrong_sides(size)) from None
    except Image.UnidentifiedImageError:
        raise UserError("the sketch is neither PNG nor JPEG") from None
    except Exception as error:  # Pillow raises nearly anything on damaged bytes.
        raise UserError(f"the PNG or JPEG is damaged ({error})") from None
    # As `tf.image.resize_with_pad` does it. When it scales down, Pillow's bilinear filter becomes
    # wider, like TensorFlow's with `antialias`.
    sides = np.array(ink.shape) * np.float32(size) / max(ink.shape)
    height, width = sides.astype(int)
    top, left = ((size - sides) / 2).astype(int)
    paper = np.zeros([size, size], np.float32)
    paper[top : top + height, left : left + width] = Image.fromarray(ink).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return np.round(255 - 255 * paper).astype(np.uint8)[..., np.newaxis]


def _fits(width: int, height: int, size: int) -> bool:
    shorter, longer = sorted((width, height))
    # The shorter side keeps at least one pixel when it is scaled down
    return longer <= sketch_limits.MAX_SIDE and longer <= size * shorter


def _ink(picture: Image.Image) -> np.ndarray:
    """A picture of 8 bits per channel as ink, float32 [H, W] in [0, 1]."""
    levels = np.asarray(picture.convert("RGBA"), np.float32) / 255
    colour, opacity = levels[..., :3], levels[..., 3:]
    return 1 - (colour * opacity + 1 - opacity) @ _LUMA
