"""The pictures of a report as SVG files, which are text, as Typst takes files from memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
import segno

from serve.overlay import data_uri, heat, png

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serve.report.case import Picture

STRENGTH: Final = 0.6
"""How much of the photo the evidence covers at most, as on the page."""


def photo(picture: Picture, evidence: NDArray[np.float32] | None = None) -> bytes:
    """A photo, under an evidence map of (h, w) logits if there is one."""
    layers = [_layer("jpeg", picture.jpeg)]
    if evidence is not None:
        colours = heat(evidence)
        colours[..., 3] = np.round(STRENGTH * colours[..., 3])
        layers.append(_layer("png", png(colours)))
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(layers)}</svg>'.encode()


def qr(text: str) -> bytes:
    """A text for a phone's camera."""
    file = io.BytesIO()
    segno.make(text, error="m", micro=False).save(file, kind="svg", border=2)
    return file.getvalue()


def _layer(kind: str, content: bytes) -> str:
    return f'<image width="100%" height="100%" preserveAspectRatio="none" href="{data_uri(content, kind)}"/>'
