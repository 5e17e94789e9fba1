"""What adverts do to photos: functions of pixels (H, W, 3) that always do the same to the same photo."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluate.background import swap_background
from training.evaluate.drawn import FONT, rounded, turned, write_line

Pixels = NDArray[np.uint8]

JPEG_QUALITY = 30
SMALL_SIDE = 200
CROPPED = 0.75
BORDER = 1 / 8
"""Width of the border, as a share of the longest side."""

BLUR = 1 / 128
"""Standard deviation of the blur, as a share of the longest side."""

LIGHT = 0.3

WHITE, RED, GREY, BLACK = (255, 255, 255), (200, 30, 40), (242, 242, 245), (20, 20, 20)


def jpeg(pixels: Pixels) -> Pixels:
    """Saved as a JPEG file of quality 30."""
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def downscale(pixels: Pixels) -> Pixels:
    """Scaled down to 200 pixels on the longest side; smaller photos stay as they are."""
    height, width = pixels.shape[:2]
    scale = min(1.0, SMALL_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def crop(pixels: Pixels) -> Pixels:
    """The middle three quarters of each side."""
    height, width = pixels.shape[:2]
    top, left = (int(side * (1 - CROPPED) / 2) for side in (height, width))
    return np.ascontiguousarray(pixels[top : height - top, left : width - left])


def watermark(pixels: Pixels) -> Pixels:
    """Half-transparent white text across the photo, again and again, aslant."""
    height, width = pixels.shape[:2]
    side, scale = 2 * max(height, width), max(height, width) / 500
    sheet = np.zeros((side, side), np.uint8)
    for line, top in enumerate(range(0, side, max(24, round(110 * scale)))):
        text = "www.antique-carvings.example   " * 8
        cv2.putText(sheet, text, (-line % 3 * round(90 * scale), top), FONT, scale, 255, max(1, round(2 * scale)))
    strength = 0.45 * turned(sheet, 30, height, width)[..., None].astype(np.float32) / 255
    return rounded(pixels * (1 - strength) + 255 * strength)


def banner(pixels: Pixels) -> Pixels:
    """A red bar with a price over the lowest sixth."""
    height, result = len(pixels), pixels.copy()
    bar = max(4, height // 6)
    result[height - bar :] = RED
    write_line(result, "ONLY $49.99  FREE SHIPPING", (height - bar, height), WHITE)
    return result


def border(pixels: Pixels) -> Pixels:
    """Within a white border."""
    width = round(BORDER * max(pixels.shape))
    return np.pad(pixels, ((width, width), (width, width), (0, 0)), constant_values=255)


def screenshot(pixels: Pixels) -> Pixels:
    """Within the screen of a phone: a title above, a price, text and buttons below."""
    height, width = pixels.shape[:2]
    above, below = max(8, round(0.16 * width)), max(16, round(0.45 * width))
    result = np.full((above + height + below, width, 3), GREY, np.uint8)
    result[above : above + height] = pixels
    write_line(result, "12:41     Marketplace     ...", (above // 4, above), BLACK)
    end = above + height
    step = below // 5
    for line, text in enumerate(("$49.99   Carving, very old", "Seller: antiques_4u", "Ships worldwide in 5 days")):
        write_line(result, text, (end + line * step, end + (line + 1) * step), BLACK)
    result[end + 3 * step + step // 2 : end + 5 * step - step // 3, width // 16 : width - width // 16] = RED
    write_line(result, "Buy now", (end + 3 * step + step // 2, end + 5 * step - step // 3), WHITE)
    return result


def blur(pixels: Pixels) -> Pixels:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(0.5, BLUR * max(pixels.shape))), np.uint8)


def darken(pixels: Pixels) -> Pixels:
    """At a third of the light."""
    return rounded(pixels.astype(np.float32) * LIGHT)


DISTURBANCES: Mapping[str, Callable[[Pixels], Pixels | None]] = {
    "JPEG quality 30": jpeg,
    "200 pixels": downscale,
    "cropped to 75%": crop,
    "watermark": watermark,
    "price banner": banner,
    "border": border,
    "screenshot": screenshot,
    "blurred": blur,
    "dark": darken,
    "other background": swap_background,
}
"""Each by the name that people read; None comes of a photo that it cannot be done to."""
