"""Verdicts that a person should look at: the queue, what people decide, and the way to Label Studio and back."""

from serve.review.decisions import (
    Choice,
    Decision,
    append_decision,
    as_choice,
    latest,
    one_line,
    read_decisions,
)
from serve.review.desk import ReviewDesk
from serve.review.label_studio import read_annotations, write_tasks
from serve.review.queue import PictureShown, ReviewError, Undecided

__all__ = [
    "Choice", "Decision", "PictureShown", "ReviewDesk", "ReviewError", "Undecided", "append_decision",
    "as_choice", "latest", "one_line", "read_annotations", "read_decisions", "write_tasks",
]  # fmt: skip
