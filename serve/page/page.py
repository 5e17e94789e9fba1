"""The page as Gradio shows it, once in each language, and what happens when photos come in."""

from __future__ import annotations

import json
import logging
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import gradio as gr

from model.taxonomy import LANGUAGES
from serve.advert import Judge
from serve.page import answer
from serve.page.advert import advert_tab
from serve.page.angle import Cuts, angle_tab
from serve.page.casepages import cases_of, save_form, sign_out
from serve.page.door import MAX_BYTES
from serve.page.own import user_of
from serve.page.practice import practice_tab
from serve.page.review import review_tab
from serve.page.tray import KEPT, MAX_PHOTOS, Seen
from serve.texts import load_texts
from serve.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from serve.casebook import User
    from serve.page.desk import Desk
    from serve.page.tray import Tray
    from serve.practice import Practice
    from serve.review import ReviewDesk

TITLE: Final = "schreger"

DELETE_CACHE: Final = (60, KEPT)
"""Seconds between looks at the uploads, and the age from which one is deleted, asked about or not."""

WAITING: Final = 64
"""Items that may wait for their turn; those beyond are asked about again by their pages."""

AT_ONCE: Final = 2
"""Items that are looked at at the same time."""

HERE: Final = Path(__file__).parent
STYLE: Final = HERE / "style.css"
ICON: Final = HERE / "icon.svg"

SAMPLES: Final = {"lion": "lion.jpg", "cheetah": "cheetah1.jpg", "tower": "tower.jpg"}
"""Photos to try that the installed Gradio ships."""

TO_THE_DOOR: Final = (
    "sending", "looking", "no_connection", "busy", "too_large", "too_many", "no_camera", "remove_file", "error_empty",
)  # fmt: skip
"""Texts that the door for photos says by itself."""

HEAD: Final = """<script>
const rightToLeft = {right_to_left};
const language = location.pathname.split('/').pop() || 'en';
document.documentElement.lang = language;
document.documentElement.dir = rightToLeft.includes(language) ? 'rtl' : 'ltr';
// Who is no longer let in is asked for the code or the password again, on whatever tab they are.
const ask = fetch;
fetch = async (...asked) => {
  const answer = await ask(...asked);
  if (answer.status === 401) location.reload();
  return answer;
};
</script>"""

LOG: Final = logging.getLogger(__name__)


class Shown(NamedTuple):
    """What the page shows, each part as HTML; `door` tells the door for photos that it is done, and what is gone."""

    headline: str
    pictures: str
    details: str
    door: str = '{"done": true, "gone": []}'


def build_page(
    tray: Tray,
    practice: Practice | None = None,
    desk_of: Callable[[User], Desk] | None = None,
    review: ReviewDesk | None = None,
) -> gr.Blocks:
    """The page for one tray at /en, /fr and so on, with `practice` for officers in training and `review` of adverts.

    Where people sign in, each is at a desk of their own.
    """
    judge, cuts = Judge(tray.classifier), Cuts(tray)
    page = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=DELETE_CACHE)
    for language in LANGUAGES:
        with page.route(language, f"/{language}", show_in_navbar=False):
            words = Words(language, tray.classifier.taxonomy)
            _top(words, signed_in=desk_of is not None)
            with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
                _photos_tab(words, tray, desk_of)
                advert_tab(words, tray, judge, MAX_BYTES)
                angle_tab(words, cuts, MAX_BYTES, desk_of)
                if practice:
                    practice_tab(words, tray.classifier, practice)
                if review:
                    review_tab(words, review, page, signed_in=desk_of is not None)
            gr.HTML(_outro(words), elem_id="outro")
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


def head() -> str:
    """What stands in the head of each page: the language, the direction that it is read in, and who may read it."""
    right_to_left = [language for language in LANGUAGES if load_texts(language)["direction"] == "rtl"]
    return HEAD.replace("{right_to_left}", json.dumps(right_to_left))


def _top(words: Words, signed_in: bool) -> None:
    if signed_in:
        cases = f'<a href="{cases_of(words)}">{escape(words.say("cases"))}</a>'
        gr.HTML(cases + sign_out(words), elem_id="account")
    with gr.Row(elem_id="top"):
        gr.HTML(f"<h1>{TITLE}</h1><p>{escape(words.say('purpose'))}</p>", elem_id="intro")
        gr.HTML(_languages(words), elem_id="languages", js_on_load=_text("languages.js"))


def _photos_tab(words: Words, tray: Tray, desk_of: Callable[[User], Desk] | None) -> None:
    def ask(asked: str, request: gr.Request) -> Shown:
        user = user_of(request)
        return show_item(tray, words, asked, desk_of(user) if desk_of and user else None)

    before = _before(words)
    with gr.Tab(words.say("photos_tab")), gr.Row(elem_id="board"):
        with gr.Column(elem_id="left"):
            door = _door(words, tray)
            pictures = gr.HTML(before.pictures, elem_id="pictures", js_on_load=_text("evidence.js"))
        with gr.Column(elem_id="right"):
            headline = gr.HTML(before.headline, elem_id="headline", html_template=answer.ANNOUNCED)
            details = gr.HTML(before.details, elem_id="details")

    shown = [headline, pictures, details, door]
    asked = gr.on(
        door.upload,
        ask,
        door,
        shown,
        api_visibility="private",
        show_progress="hidden",
        concurrency_id="items",
        concurrency_limit=AT_ONCE,
        trigger_mode="multiple",  # otherwise Gradio drops the question that follows at once on an answer
    )
    asked.failure(None, None, door, js="() => '{\"failed\": true}'")  # too busy, or the server is gone


def show_item(tray: Tray, words: Words, asked: str, desk: Desk | None = None) -> Shown:
    """Answer for the photos of one item, given as JSON: {"photos": [paths], "removed": [paths]}. Never raises.

    `desk` is that of whoever asks, where people sign in.
    """
    try:
        owner = desk.user.login if desk else ""
        photos, removed = _paths(asked)
        tray.forget(removed, owner)
        if not photos:
            return _before(words)
        looked = tray.look(photos, owner)
        finding = tray.item(looked)
        door = json.dumps({"done": True, "gone": [path for path, each in zip(photos, looked, strict=True) if not each]})
        pictures = answer.pictures(photos, looked, words)
        if finding is None:
            return _before(words)._replace(pictures=pictures, headline=answer.unanswered(looked, words), door=door)
        details = answer.details(looked, finding, words)
        if desk:
            seen = [path for path, each in zip(photos, looked, strict=True) if isinstance(each, Seen)]
            details = save_form(seen, desk.cases(), words) + details
        return Shown(answer.headline(finding, words), pictures, details, door)
    except Exception:
        LOG.exception("Photos could not be answered.")
        return _before(words)._replace(headline=answer.problem(words.say("our_fault")))


def _paths(asked: str) -> tuple[list[str], list[str]]:
    """Paths to show and paths to forget; whatever else a browser may send counts as none."""
    try:
        given = json.loads(asked)
        lists = [[path for path in given[part] if isinstance(path, str)] for part in ("photos", "removed")]
    except (KeyError, TypeError, ValueError, RecursionError):
        return [], []
    photos, removed = ([*dict.fromkeys(paths)][:MAX_PHOTOS] for paths in lists)
    return photos, removed


def _before(words: Words) -> Shown:
    """What is shown before the first photo."""
    return Shown(answer.waiting(words), "", answer.how_to(words))


def _door(words: Words, tray: Tray) -> gr.HTML:
    samples = "".join(
        f'<button type="button" data-sample="{name}">{escape(words.say(f"example_{name}"))}</button>'
        for name in tray.samples
    )
    return gr.HTML(
        elem_id="photo",
        html_template=_text("upload.html"),
        js_on_load=_text("upload.js"),
        say={text: words.texts[text] for text in TO_THE_DOOR},
        limit=MAX_BYTES,
        most=MAX_PHOTOS,
        samples=f"{escape(words.say('try'))} {samples}" if samples else "",
        choose=words.say("choose"),
        take=words.say("take"),
        or_drop=words.say("or_drop"),
        shoot=words.say("shoot"),
        close_camera=words.say("close_camera"),
    )


def _languages(words: Words) -> str:
    """The menu of languages."""
    names = {language: load_texts(language)["language_name"] for language in LANGUAGES}
    links = "".join(
        f'<li><a href="{language}" lang="{language}" hreflang="{language}"'
        f' aria-current="{str(language == words.language).lower()}">{escape(name)}</a></li>'
        for language, name in names.items()
    )
    chosen = f'<span class="unseen">{escape(words.say("language"))}: </span>{escape(words.say("language_name"))}'
    return f"<details><summary>{chosen}</summary><ul>{links}</ul></details>"


def _outro(words: Words) -> str:
    limits = "".join(f"<li>{escape(limit)}</li>" for limit in words.several("limits"))
    title, privacy = escape(words.say("limits_title")), escape(words.say("privacy"))
    return f"<section><h3>{title}</h3><ul>{limits}</ul></section><p>{privacy}</p>"


def samples() -> dict[str, Path]:
    """Photos to try, by name."""
    folder = Path(gr.__file__).parent / "media_assets" / "images"
    return {name: folder / file for name, file in SAMPLES.items() if (folder / file).is_file()}


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
