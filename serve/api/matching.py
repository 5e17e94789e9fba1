"""A picture of a request, hashed and looked for among known ones. Needs the extra `links`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo
from serve.api.schemas import Fault, MatchedOut, MatchOut
from serve.links import Source, to_picture
from serve.links.pdq import to_hex

if TYPE_CHECKING:
    from model.classifier import Classifier
    from serve.links import Found, Known


def match(content: bytes, known: Known | None, classifier: Classifier) -> MatchedOut:
    """What is told of one picture; nothing of it is kept."""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        picture = to_picture(open_photo(content, max_side=DECODE_SIDE), Source("", ""), classifier)
    except PhotoError as error:
        return MatchedOut(sha256=sha256, error=Fault(code=error.code, message=str(error)))
    return MatchedOut(
        sha256=sha256,
        pdq=None if picture.pdq is None else to_hex(picture.pdq),
        quality=picture.quality,
        matches=tuple(map(_told, known.find(picture))) if known else (),
    )


def _told(found: Found) -> MatchOut:
    """A match. Where the picture lies on this computer is nobody's business."""
    how = MatchOut(by=found.by, distance=round(found.distance, 4))
    if isinstance(found.known, str):
        return how.model_copy(update={"entry": found.known})
    advert = found.known
    return how.model_copy(update={"id": advert.id, "seller": advert.seller, "platform": advert.platform})
