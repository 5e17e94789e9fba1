"""What the tests of reports share: a case of drawn photos, and what is read from a PDF file."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pytest
from numpy.typing import NDArray

from model.finding import Finding
from model.photo import PhotoError, Quality, thumbnail
from serve.report import Case, Correction, Entry, Figure, Head, Item, Judge, Note, Photo, Picture

WHO = {"by": "Amina Yusuf", "at": "2026-11-26T10:59:44.184219Z"}
GREY = 120


def a_finding() -> Finding:
    shares = (("ivory", 0.93), ("bone", 0.04), ("hippo_ivory", 0.01), ("resin", 0.01), ("ceramic", 0.004))
    quality = Quality(0.1, 0.5, 0.7, 900, ("blurred",))
    return Finding("ivory", "recognised", 0.93, shares, 0.3, (quality,), "lite2@0123456789ab")


def a_photo(number: int) -> Photo:
    """A grey photo, of which the left half speaks for the answer."""
    evidence = np.full((8, 12), -5, np.float32)
    evidence[:, :6] = 9
    picture = Picture(jpeg=thumbnail(np.full((80, 120, 3), GREY, np.uint8), 120, "JPEG"), width=120, height=80)
    again = replace(a_finding(), evidence=(evidence,))
    return Photo(file=f"IMG_{number}.jpg", sha256=f"{number:064x}", size=48213, finding=a_finding(), shown=picture,
                 again=again, **WHO)  # fmt: skip


@pytest.fixture
def case() -> Case:
    """A case with one item of two photos, a correction and notes."""
    photos = (a_photo(1), a_photo(2))
    item = Item(
        number=1,
        title="Carved figure",
        photos=photos,
        finding=replace(a_finding(), photos=tuple(photo.finding for photo in photos)),
        found_at=WHO["at"],
        software="0.1.0",
        corrections=(Correction(label="bone", why="Haversian canals", by="Dr. Ndiaye", at=WHO["at"]),),
        notes=(Note(text="Sent to the laboratory", **WHO),),
        **WHO,
    )
    figure = Figure(value=0.31, low=0.28, high=0.34, n=995)
    return Case(
        ref="C-17",
        title="Parcel from Lagos",
        digest="ab" * 32,
        items=(item,),
        notes=(Note(text="Seized at the port", **WHO),),
        judges=(Judge(bundle="lite2@0123456789ab", wrong_known=replace(figure, value=0.05), wrong_new=figure),),
        entries=(Entry(number=2, action="add item", hash="cd" * 32, **WHO),),
        head=Head(casebook="0f" * 8, public_key="12" * 32, number=2, at=WHO["at"], hash="cd" * 32, signature="34" * 64),
        faults=(),
        **WHO,
    )


@pytest.fixture
def unopened() -> PhotoError:
    return PhotoError("truncated", "This file is cut off or damaged; send the whole original photo again.")


@pytest.fixture(scope="session")
def text_of() -> Callable[[bytes], str]:
    """The words of a PDF file as a person copies them, each after one space."""

    def read(pdf: bytes) -> str:
        with pdfium.PdfDocument(pdf) as document:
            pages = [page.get_textpage().get_text_range() for page in document]
        return " ".join("".join(pages).replace("\u200b", "").split())

    return read


@pytest.fixture(scope="session")
def pages_of() -> Callable[[bytes], list[NDArray[np.uint8]]]:
    """The pages of a PDF file as a person sees them: (H, W, 3) uint8 RGB."""

    def draw(pdf: bytes) -> list[Any]:
        with pdfium.PdfDocument(pdf) as document:
            return [np.array(page.render(scale=2).to_pil().convert("RGB")) for page in document]

    return draw
