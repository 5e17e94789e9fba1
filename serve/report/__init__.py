"""Reports as PDF files: plain data in, bytes out."""

from serve.report.case import Case, Correction, Entry, Figure, Head, Item, Judge, Note, Photo, Picture
from serve.report.report import report
from serve.report.typeset import typeset

__all__ = [
    "Case", "Correction", "Entry", "Figure", "Head", "Item", "Judge", "Note", "Photo", "Picture", "report", "typeset",
]  # fmt: skip
