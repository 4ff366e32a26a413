"""How much darker than its paper each place of a page is, for any paper, light and colours.

A page is examined in views, [H, W] each: its brightness and, if colours show lines that brightness
does not show, the channel that shows them. Red on a green of the same brightness is black on white
in the green channel. A copy of 128 pixels tells thin things from wide ones: lines from fills and
sheets. A closing, which fills everything dark that is thinner than its window, leaves the paper; an
opening does the same with light things.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image, ImageFilter, ImageOps

FAINTEST = 0.08  # contrast of a line, beyond the noise
MOSTLY = 0.35  # share of the page: lines cover less, in the release 0.22 at most

_SMALL = 128  # pixels
_WINDOW = 7  # pixels of those: wider than any line
# Levels by which channels may differ without being colours, or a place by rounding
_GREY = 2

# Width of the border that tells what the page is like, as a share of the shorter side
_BORDER = 0.02
_EVEN = 8 / 255  # brightness by which an evenly lit border may differ from its median
_SAME_PAPER = 0.05  # brightness by which the paper around the lines may differ from the border's
# Brightness: if lines of both kinds are seen, those on paper darker than this are the light ones
_DARK = 0.3
_CLEARLY = 2.5  # times the support of the other kind of lines: then these are the lines
_ONE_TONE = 0.1  # brightness by which paper of one tone may differ
_NO_LINES = 5e-4  # mean brightness that lines take from the page
_FEW = 1e-3  # of the page
_SHARE_OF_PAPER = 0.1  # of the page at least has the tone of the paper under the lines
_DARKEST_PAPER = 0.1  # brightness
# Of a channel: on darker paper the noise of a JPEG file is as strong as lines
_DARKEST_IN_CHANNEL = 0.2
_SHADOW = 0.4  # of the brightness of the lit paper: a darker place is not paper
_STRIP = 0.05  # of the page's height or width
_NOISE = 3.0  # standard deviations, about


def contrast(page: np.ndarray, polarity: str, notes: list[str]) -> np.ndarray:
    """How much darker each place is than the paper around it, beyond noise: float32 [H, W].

    Values up to 0 are paper, 1 is black; a value is a share of the paper's brightness. If a channel
    is used, it gives only the lines: fills of a coloured drawing are as dark as they look.

    Args:
      page: brightness [H, W], or colour [H, W, 3], float32 in [0, 1].
      polarity: one of `data.names.POLARITIES`; `auto` decides by the lines, or else by the
        page's border.
      notes: gets the findings, in words.
    """
    brightness, smalls = _views(page)
    dark = [_background(small) for small in smalls]
    light = [_background(ImageOps.invert(small)) for small in smalls]
    is_white = _is_white_on_black(brightness, dark, light, polarity, notes)
    background, *channels = light if is_white else dark
    if is_white:
        page, brightness = 1 - page, 1 - brightness
    found = _contrast_of_brightness(brightness, background, notes)
    shown = [number for number, channel in enumerate(channels) if _shows_more(channel, background)]
    for number in shown:
        found = np.maximum(found, _local_contrast(page[..., number], channels[number]))
    if shown:
        notes.append("lines told by their colour")
    return _without_strips(found)


@dataclasses.dataclass(frozen=True)
class _Background:
    """A view at 128 pixels, without its lines: anything dark and thin.

    Attributes:
      closed: the view with the lines filled.
      lines: how dark they were, beyond the noise.
      tone: the median brightness of the paper under them, weighted by the lines; nan without lines.
      share: the share of the page that has this tone; 0 without lines. Gaps between light lines are
        dark and thin, too, but little else is as light as the lines around them.
    """

    closed: Image.Image
    lines: np.ndarray
    tone: float
    share: float

    def support(self) -> float:
        """How strongly this view says that there are lines."""
        return self.lines.mean() * self.share


def _views(page: np.ndarray) -> tuple[np.ndarray, list[Image.Image]]:
    """The brightness; and, at 128 pixels, the views of it and of a coloured page's channels."""
    picture = Image.fromarray(np.round(255 * page).astype(np.uint8))
    small = picture.copy()
    small.thumbnail((_SMALL, _SMALL), Image.Resampling.BOX)
    if page.ndim == 2:
        return page, [small]
    brightness = np.asarray(picture.convert("L"), np.float32) / 255
    coloured = np.ptp(np.asarray(small), -1).max() > _GREY
    return brightness, [small.convert("L"), *(small.split() if coloured else ())]


def _background(small: Image.Image) -> _Background:
    closed = small
    for extreme in (ImageFilter.MaxFilter(3), ImageFilter.MinFilter(3)):
        # The same as one filter with the whole window, in less than half the time
        for _ in range(_WINDOW // 2):
            closed = closed.filter(extreme)
    levels, filled = (np.asarray(picture, np.float32) / 255 for picture in (small, closed))
    hat = filled - levels
    # Most of a page is paper, which has noise
    lines = np.maximum(hat - 3 * np.median(hat) - _GREY / 255, 0)
    edge = _WINDOW // 2
    lines[:edge] = lines[-edge:] = lines[:, :edge] = lines[:, -edge:] = 0  # remains of a frame
    if lines.mean() <= _NO_LINES:
        return _Background(closed, lines, np.nan, 0.0)
    order = np.argsort(filled, axis=None)
    amount = np.cumsum(lines.ravel()[order])
    tone = filled.ravel()[order[np.searchsorted(amount, amount[-1] / 2)]]
    return _Background(closed, lines, tone, np.mean(np.abs(levels - tone) < _ONE_TONE))


def _is_white_on_black(
    brightness: np.ndarray,
    dark: list[_Background],
    light: list[_Background],
    polarity: str,
    notes: list[str],
) -> bool:
    """Decides by the lines; without lines, or with as many of both, by the border and the page."""
    middle = (brightness.min() + brightness.max()) / 2
    tone = np.median(_border(brightness))
    dark_border = tone < middle and np.ptp(brightness) >= FAINTEST
    if polarity == "auto":
        by_dark, by_light = (max(view.support() for view in views) for views in (dark, light))
        # Lines can be darker than their paper in one channel and lighter in another: yellow ones
        # on grey are darker in blue
        dark_grey, light_grey = dark[0].support(), light[0].support()
        if _differ_clearly(by_dark, by_light):
            is_white = by_light > by_dark
        elif _differ_clearly(dark_grey, light_grey):
            is_white = light_grey > dark_grey
        else:
            has_lines = by_dark + by_light > 0
            is_white = (
                dark_border
                and np.mean(brightness > middle) <= MOSTLY
                and (tone < _DARK or not has_lines)
            )
    else:
        is_white = polarity == "white_on_black"
    if is_white:
        notes.append("white on black, turned to black on white")
    elif polarity == "auto":
        notes.append(
            "black on white, though its border is dark" if dark_border else "black on white"
        )
    return is_white


def _differ_clearly(support: float, other: float) -> bool:
    return max(support, other) > _CLEARLY * min(support, other)


def _border(view: np.ndarray) -> np.ndarray:
    """The brightness of the outermost pixels, [N]."""
    width = max(1, round(_BORDER * min(view.shape)))
    inside = np.zeros(view.shape, bool)
    inside[width:-width, width:-width] = True
    return view[~inside]


def _contrast_of_brightness(
    view: np.ndarray, background: _Background, notes: list[str]
) -> np.ndarray:
    """The contrast to the tone of an even page, keeping filled shapes dark, or else a local one."""
    border = _border(view)
    tone = np.median(border)
    even = (
        np.mean(np.abs(border - tone) < _EVEN) > 0.8
        and tone >= np.quantile(view, 1 - MOSTLY) - _EVEN
    )
    if even and not abs(background.tone - tone) > _SAME_PAPER:  # without lines it is as good as any
        contrast = 1 - view / max(tone, _DARKEST_PAPER)
        of_other_tones = np.abs(np.asarray(background.closed, np.float32) - 255 * tone)
        of_tone = _least_half(of_other_tones, np.ones(of_other_tones.shape, bool), view.shape)
        return contrast - _noise(contrast[of_tone])
    notes.append(
        "uneven light evened out" if not even else "paper of another tone than the border's"
    )
    return _local_contrast(view, background)


def _without_strips(contrast: np.ndarray) -> np.ndarray:
    """The contrast without narrow strips along whole edges, such as a scanner's lid or a frame."""
    for turns in range(4):
        turned = np.rot90(contrast, turns)
        is_strip = np.mean(turned[: round(_STRIP * len(turned))] > FAINTEST, axis=1) > 0.9
        turned[: np.argmin([*is_strip, False])] = 0
    return contrast


def _shows_more(channel: _Background, brightness: _Background) -> bool:
    shows_lines = channel.share > _SHARE_OF_PAPER and channel.tone > _DARKEST_IN_CHANNEL
    return shows_lines and np.mean(channel.lines - brightness.lines > FAINTEST) > _FEW


def _local_contrast(view: np.ndarray, background: _Background) -> np.ndarray:
    """The contrast to the page without its lines.

    At the edge of a sheet, a shadow or a fill, the darker side counts as paper, so that the edge is
    not a line. A place that is much darker than the rest of the page, and than the paper under the
    lines, is not paper but the table: nothing there counts as drawn, nor at the edges of the paper
    and of the picture.
    """
    closed = background.closed
    darkest = _SHADOW * np.percentile(closed, 90)
    if background.share > _SHARE_OF_PAPER:  # dark paper can have a bright margin
        darkest = min(darkest, 255 * (background.tone - _ONE_TONE))
    darkest = max(darkest, 255 * _DARKEST_PAPER)
    on_paper = closed.point(lambda level: 255 * (level >= darkest))
    on_paper = ImageOps.expand(ImageOps.crop(on_paper, 1), 1).filter(ImageFilter.MinFilter(_WINDOW))
    darker = closed.filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.MinFilter(5))
    darker = darker.filter(ImageFilter.GaussianBlur(1))
    smooth = darker.resize(view.shape[::-1], Image.Resampling.BICUBIC)
    contrast = 1 - 255 * view / np.maximum(smooth, darkest)
    inside = np.asarray(on_paper.resize(view.shape[::-1])) > 127
    beside_edges = np.asarray(closed, np.int16) - np.asarray(darker, np.int16)
    even = _least_half(beside_edges, np.asarray(on_paper) > 0, view.shape)
    return np.where(inside, contrast - _noise(contrast[even]), 0)


def _least_half(values: np.ndarray, inside: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Where in a view of this shape the lesser half of the values is, bool; all at 128 pixels.

    Paper that is far brighter than what counts as paper there, beside the edge of a shadow or under
    a highlight, is no noise.
    """
    if not inside.any():
        return np.zeros(shape, bool)
    half = inside & (values <= np.median(values[inside]))
    return np.asarray(Image.fromarray(np.uint8(255 * half)).resize(shape[::-1])) > 127


def _noise(contrast: np.ndarray) -> float:
    """The contrast of paper with itself, from the brightest pixels: even a filled page has some."""
    if not contrast.size:
        return 0.0
    bright, typical = np.quantile(contrast, [0.1, 0.4])
    # In a normal distribution 1.03 standard deviations lie between the two
    return typical + _NOISE * (typical - bright)
