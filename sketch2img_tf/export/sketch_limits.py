"""What a sketch that comes from anybody may be: the exported graph and
what draws without one ask the same.
"""

MAX_BYTES = 4 * 2**20  # of one file
MAX_SIDE = 2048  # pixels; decoded, such a sketch takes some 160 MB for a moment

TOO_MANY_BYTES = f"the sketch has more than {MAX_BYTES} bytes"


def wrong_sides(size: int) -> str:
    """What is said of a sketch with other sides; `size`: the
    pixels of the side of what it becomes.
    """
    return (
        f"the sketch should be at most {MAX_SIDE}x{MAX_SIDE} pixels, "
        f"and at most {size} times as long as wide"
    )
