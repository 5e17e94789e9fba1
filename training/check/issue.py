"""What a check can find: every kind, how bad it is, and how people call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from model.manifest import Row

Severity = Literal["error", "warning", "note"]

KINDS: dict[str, tuple[Severity, str]] = {
    "missing_file": ("error", "Files that are not there"),
    "broken_file": ("error", "Files that cannot be opened"),
    "altered_file": ("error", "Files that are not those of the manifest (sha256)"),
    "unknown_label": ("error", "Labels that the taxonomy lacks"),
    "group_across_splits": ("error", "Groups in more than one split"),
    "source_across_splits": ("error", "Sources in source test and in another split"),
    "copy_across_splits": ("error", "The same photo in more than one split"),
    "copy_other_label": ("error", "The same photo under different labels"),
    "near_copy_across_splits": ("error", "Nearly the same photo in more than one split"),
    "near_copy_other_label": ("warning", "Nearly the same photo under different labels"),
    "likely_label_error": ("warning", "Likely label errors"),
    "group_labels_differ": ("warning", "Groups with more than one label"),
    "wrong_size": ("warning", "Width and height unlike the manifest's"),
    "few_photos": ("warning", "Labels with too few photos to be a class"),
    "few_sources": ("warning", "Labels from too few sources"),
    "no_val_or_test": ("warning", "Labels that cannot be measured"),
    "shortcut_border": ("warning", "Labels that the border of the photo gives away"),
    "shortcut_size": ("warning", "Labels that the size of the photo gives away"),
    "shortcut_quality": ("warning", "Labels that sharpness, brightness and contrast give away"),
    "licence_missing": ("warning", "No licence stated"),
    "licence_not_open": ("note", "Licences that are not plainly open"),
    "shortcuts": ("note", "How well labels are predicted from what is not the object"),
    "copy": ("note", "The same photo more than once"),
    "near_copy": ("note", "Nearly the same photo in different groups"),
    "look_alike_across_splits": ("note", "Look-alikes in more than one split"),
    "look_alike_other_label": ("note", "Look-alikes under different labels"),
    "look_alike": ("note", "Look-alikes in different groups"),
    "no_split": ("note", "Photos that have no split yet"),
}
"""Severity and title of each kind, the worst first: an error spoils figures or training, a warning may."""


@dataclass(frozen=True)
class Issue:
    """One thing found.

    `rows` are the photos concerned, those that show it best first; `sentence` says it plainly; `figure` is the number
    that it rests on, named in the sentence; `suggested` is the label that a likely label error should have.
    """

    kind: str
    rows: tuple[Row, ...]
    sentence: str
    figure: float | None = None
    suggested: str | None = None

    @property
    def severity(self) -> Severity:
        return KINDS[self.kind][0]


def quoted(names: object) -> str:
    """Names in order, for a sentence."""
    return ", ".join(sorted(map(str, names)))  # type: ignore[call-overload]
