"""Where the picture lies in a photo that has something around it: a border, bars, a caption, the screen of a phone."""

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""Top, bottom, left and right, in pixels; bottom and right are the first ones outside."""

_FLAT = 6  # levels by which a line of one colour may vary, after JPEG
_SAME = 0.97  # share of a line that must have its colour
_STEP = 0.6  # share of a line that must change at once where the picture begins
_ANOTHER = 0.5  # of the largest picture's lines: what has so many is a picture too, as in a collage
_LEAST = 0.2  # of the area: what is smaller is a detail, not the picture


def picture_in(grey: NDArray[np.uint8]) -> Box:
    """The box of the picture, or of all pictures of a collage, in grey levels (H, W); all of it without a frame.

    A frame ends where a line of one colour meets a line that differs nearly all along. The outline of an object on an
    even ground is no such straight edge, so that a ground is kept.
    """
    height, width = grey.shape
    levels = grey.astype(np.int16)
    top, bottom = _between_edges(levels)
    left, right = _between_edges(levels[top:bottom].T)
    if (top, bottom) == (0, height):  # bars at the sides hide the edges of what is above and below
        top, bottom = _between_edges(levels[:, left:right])
    if (bottom - top) * (right - left) < _LEAST * height * width:
        return 0, height, 0, width
    return top, bottom, left, right


def _between_edges(levels: NDArray[np.int16]) -> tuple[int, int]:
    """First row of what lies between straight edges and is drawn upon most, and the first row after it."""
    colour = np.median(levels[:, ::4], axis=1, keepdims=True)
    flat = (np.abs(levels - colour) <= _FLAT).mean(axis=1) >= _SAME
    if not flat.any() or flat.all():
        return 0, len(levels)
    next_row, row_after = _changes(levels, 1), _changes(levels, 2)  # scaling mixes a row of the frame and the picture
    begins = flat[:-1] & (next_row | np.append(row_after, False))
    ends = flat[1:] & (next_row | np.append(False, row_after))
    cuts = [0, *np.flatnonzero(begins | ends) + 1, len(levels)]
    drawn = np.add.reduceat(~flat, cuts[:-1], dtype=int)  # rows that are drawn upon, from cut to cut
    pictures = np.flatnonzero(drawn >= _ANOTHER * drawn.max())
    return int(cuts[pictures[0]]), int(cuts[pictures[-1] + 1])


def _changes(levels: NDArray[np.int16], rows: int) -> NDArray[np.bool_]:
    """Whether each row (H,) differs nearly all along from the one so many rows below, (H - rows,)."""
    share: NDArray[np.float64] = (np.abs(levels[rows:] - levels[:-rows]) > 2 * _FLAT).mean(axis=1)
    return share >= _STEP
