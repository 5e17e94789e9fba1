"""What is kept of a picture to find it again: never the picture itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.classifier import DECODE_SIDE
from model.engine import CORES
from model.errors import SchregerError
from model.photo import PhotoError, open_photo
from serve.faults import unforeseen
from serve.links.pdq import MIN_QUALITY, pdq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from model.classifier import Classifier
    from model.photo import Photo

AT_ONCE = 64
"""Pictures that are waited for together."""


class LinksError(SchregerError):
    """Links cannot be found; the message says why."""


class Source(NamedTuple):
    """Where a picture is, and whose: `id` is that of its advert."""

    id: str
    path: str
    seller: str = ""
    platform: str = ""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is known of one picture.

    Attributes:
        sha256: Of the bytes as received; None where they could not be read.
        pdq: (32,) uint8, most significant bit first; None where the picture could not be opened.
        quality: Of the hash, 0 (nothing to hash) to 100.
        embedding: (d,) float16 of unit length, by the bundle named `bundle`; None as for `pdq`.
        error: Why it could not be opened; empty if it could.
    """

    source: Source
    sha256: str | None
    pdq: NDArray[np.uint8] | None = None
    quality: int = 0
    embedding: NDArray[np.float16] | None = None
    bundle: str = ""
    error: str = ""

    @property
    def has_good_hash(self) -> bool:
        """Whether its hash may be matched: flat pictures have hashes that match by accident."""
        return self.pdq is not None and self.quality >= MIN_QUALITY


def look(pictures: Iterable[tuple[Source, Callable[[], bytes]]], classifier: Classifier) -> Iterator[Picture]:
    """What is known of each picture, in order; memory does not grow with their number.

    What reads the bytes of a picture raises PhotoError where it cannot.
    """
    remaining = iter(pictures)
    with ThreadPoolExecutor(CORES) as pool:
        while some := list(islice(remaining, AT_ONCE)):
            yield from pool.map(lambda picture: _look(picture[0], picture[1], classifier), some)


def _look(source: Source, read: Callable[[], bytes], classifier: Classifier) -> Picture:
    try:
        return to_picture(open_photo(read(), max_side=DECODE_SIDE), source, classifier)
    except PhotoError as error:
        return Picture(source, error.sha256, error=str(error))
    except (SchregerError, ImportError):
        raise
    except Exception as error:  # noqa: BLE001 - it costs its own picture, not those of a long match
        return Picture(source, None, error=str(unforeseen(error)))


def to_picture(photo: Photo, source: Source, classifier: Classifier) -> Picture:
    """What is known of an open photo."""
    hashed, quality = pdq(photo.pixels)
    embedding = np.asarray(classifier.classify([photo], embedding=True).embedding, np.float16)
    return Picture(source, photo.sha256, hashed, quality, embedding, classifier.bundle.id)
