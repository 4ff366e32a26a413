"""Limits of a sketch that comes from anybody, in the exported graph and without one."""

MAX_BYTES = 4 * 2**20  # of one file
MAX_SIDE = 2048  # pixels; decoding such a sketch takes some 160 MB for a moment

TOO_MANY_BYTES = f"the sketch has more than {MAX_BYTES} bytes"


def wrong_sides(size: int) -> str:
    """The error for a sketch with other sides; it becomes `size` pixels wide and high."""
    return (
        f"the sketch should be at most {MAX_SIDE}x{MAX_SIDE} pixels, "
        f"and at most {size} times as long as wide"
    )
