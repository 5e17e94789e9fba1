"""The page as Gradio shows it, and what happens when a photo comes in."""

from __future__ import annotations

import logging
import os
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import gradio as gr

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo
from serve.page import answer, words

if TYPE_CHECKING:
    from model.classifier import Classifier

MAX_BYTES: Final = 20_000_000
"""Largest photo that is taken."""

DELETE_CACHE: Final = (60, 300)
"""Seconds between looks at the uploads, and the age from which one is deleted, answered or not."""

WAITING: Final = 64
"""Photos that may wait for their turn; to those beyond, the page says that it is busy."""

AT_ONCE: Final = 2
"""Photos that are classified at the same time."""

HERE: Final = Path(__file__).parent
STYLE: Final = HERE / "style.css"
ICON: Final = HERE / "icon.svg"

ANNOUNCED: Final = '<div role="status">${value}</div>'
"""A screen reader says what comes in here."""

LOG: Final = logging.getLogger(__name__)


class Shown(NamedTuple):
    """What the page shows, each part as HTML; `photo` is emptied, since the upload has been used."""

    headline: str
    picture: str
    details: str
    photo: str = ""


NOTHING: Final = Shown(answer.waiting(), "", answer.how_to())


def build_page(classifier: Classifier, uploads: Path) -> gr.Blocks:
    """The page for one classifier; `uploads` is the folder that Gradio puts uploads into."""
    page = gr.Blocks(title=words.TITLE, analytics_enabled=False, delete_cache=DELETE_CACHE)
    with page:
        gr.HTML(f"<h1>{escape(words.TITLE)}</h1><p>{escape(words.PURPOSE)}</p>", elem_id="intro")
        with gr.Row(elem_id="board"):
            with gr.Column(elem_id="left"):
                with gr.Column(elem_id="entry"):
                    photo = _photo_door()
                    examples = _examples()
                picture = gr.HTML(NOTHING.picture, elem_id="picture", js_on_load=_text("evidence.js"))
            with gr.Column(elem_id="right"):
                headline = gr.HTML(NOTHING.headline, elem_id="headline", html_template=ANNOUNCED)
                details = gr.HTML(NOTHING.details, elem_id="details")
        gr.HTML(f"<p>{escape(words.IS_NOT)} {escape(words.PRIVACY)}</p>", elem_id="outro")

        shown = [headline, picture, details, photo]
        take = partial(_take, classifier, uploads)
        sent = gr.on(photo.upload, take, photo, shown, api_visibility="private", show_progress="hidden")
        sent.failure(None, None, photo, js="() => ''")  # too busy, or the server is gone: Gradio says so
        for button, file in examples:
            show = partial(show_photo, classifier, file)
            button.click(show, None, shown, api_visibility="private", show_progress="hidden")
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


def show_photo(classifier: Classifier, source: bytes | Path) -> Shown:
    """Classify a photo and say what it shows, or why it cannot be used. Never raises."""
    try:
        photo = open_photo(source, max_side=DECODE_SIDE)
        finding = classifier.classify([photo], evidence=True)
        return Shown(
            answer.headline(finding, classifier.taxonomy),
            answer.picture(photo, finding, classifier.taxonomy),
            answer.details(photo, finding, classifier.taxonomy),
        )
    except PhotoError as error:
        return _problem(str(error))
    except Exception:
        LOG.exception("A photo could not be answered.")
        return _problem(words.OUR_FAULT)


def _take(classifier: Classifier, uploads: Path, path: str) -> Shown:
    """Answer an upload. The path comes from the browser: only a file within the uploads is opened."""
    try:
        file = Path(path).resolve(strict=True)
        if not file.is_relative_to(uploads.resolve()):
            return _problem(words.GONE)
        data = file.read_bytes()
        # Emptied now rather than removed: Gradio removes it soon, and forgets only files that it removed itself.
        os.truncate(file, 0)
    except (OSError, TypeError, ValueError):  # gone, a folder, or no path at all
        return _problem(words.GONE)
    return show_photo(classifier, data)


def _problem(sentence: str) -> Shown:
    return NOTHING._replace(headline=answer.problem(sentence))


def _photo_door() -> gr.HTML:
    return gr.HTML(
        elem_id="photo",
        html_template=_text("upload.html"),
        js_on_load=_text("upload.js"),
        say=words.UPLOADING,
        limit=MAX_BYTES,
        choose=words.CHOOSE,
        take=words.TAKE,
        or_drop=words.OR_DROP,
        shoot=words.SHOOT,
        close_camera=words.CLOSE_CAMERA,
    )


def _examples() -> list[tuple[gr.Button, Path]]:
    """A button for each example photo that the installed Gradio ships."""
    folder = Path(gr.__file__).parent / "media_assets" / "images"
    found = [(folder / name, label) for name, label in words.EXAMPLES.items() if (folder / name).is_file()]
    if not found:
        return []
    with gr.Row(elem_id="examples"):
        gr.HTML(f"<span>{escape(words.TRY)}</span>")
        return [(gr.Button(label, size="sm", min_width=0), file) for file, label in found]


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
