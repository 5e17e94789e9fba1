"""The tab that vets an advert: a form, and then the verdict in words, its reasons, and each picture's finding."""

from __future__ import annotations

import json
import logging
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gradio as gr

from model.photo import PhotoError, open_photo, thumbnail
from serve.advert import Advert
from serve.page import answer
from serve.page.own import owner_of
from serve.page.tray import MAX_PHOTOS

if TYPE_CHECKING:
    from model.finding import Finding
    from serve.advert import Judge, Reason, Verdict
    from serve.page.tray import Tray
    from serve.words import Words

MAX_TITLE: Final = 1_000
MAX_TEXT: Final = 10_000
"""Characters; together they fit into an event of the page's door, whatever the script."""

PREVIEW: Final = 640
"""Longest side in pixels of a picture as it is shown."""

TO_THE_FORM: Final = (
    "sending", "looking", "too_large", "too_many", "error_empty", "remove_file", "advert_nothing", "advert_again",
)  # fmt: skip
"""Texts that the form says by itself."""

DONE: Final = '{"done": true}'
HERE: Final = Path(__file__).parent
LOG: Final = logging.getLogger(__name__)


def advert_tab(words: Words, tray: Tray, judge: Judge, max_bytes: int) -> None:
    """Build the tab; the uploads come by the tray."""

    def ask(asked: str, request: gr.Request) -> tuple[str, str]:
        return show_verdict(tray, judge, words, asked, owner_of(request))

    with gr.Tab(words.say("advert_tab")), gr.Row(elem_id="advert"):
        form = gr.HTML(
            elem_id="advert_form",
            html_template=(HERE / "advert.html").read_text(encoding="utf-8"),
            js_on_load=(HERE / "advert.js").read_text(encoding="utf-8"),
            say={text: words.texts[text] for text in TO_THE_FORM},
            limit=max_bytes,
            most=MAX_PHOTOS,
            words=MAX_TITLE,
            letters=MAX_TEXT,
            title=words.say("advert_title"),
            text=words.say("advert_text"),
            seller=words.say("advert_seller"),
            seller_note=words.say("advert_seller_note"),
            pictures=words.say("advert_pictures"),
            ask=words.say("advert_ask"),
        )
        waiting = f'<p class="muted">{escape(words.say("advert_waiting"))}</p>'
        shown = gr.HTML(waiting, elem_id="verdict", html_template=answer.ANNOUNCED)
    asked = gr.on(
        form.submit,
        ask,
        form,
        [shown, form],
        api_visibility="private",
        show_progress="hidden",
        concurrency_id="items",
        trigger_mode="multiple",
    )
    asked.failure(None, None, form, js="() => '{\"failed\": true}'")  # too busy, or the server is gone


def show_verdict(tray: Tray, judge: Judge, words: Words, asked: str, owner: str = "") -> tuple[str, str]:
    """The verdict as HTML, and for the form that it is done. Takes its fields and the paths of uploads as JSON.

    `owner` is whoever asks, as the tray knows them. Never raises.
    """
    try:
        given = json.loads(asked)
        pictures = [tray.take(str(path), owner) or b"" for path in given["pictures"][:MAX_PHOTOS]]
        title, text, seller_text = (str(given[name])[:MAX_TEXT] for name in ("title", "text", "seller_text"))
        advert = Advert("page", title=title, text=text, seller_text=seller_text, pictures=tuple(pictures))
        return verdict_html(judge.vet(advert), pictures, words), DONE
    except Exception:
        LOG.exception("An advert could not be vetted.")
        return answer.problem(words.say("our_fault")), DONE


def verdict_html(verdict: Verdict, pictures: list[bytes], words: Words) -> str:
    """Everything that is said of an advert."""
    suspected = "" if verdict.verdict == "clear" else ' class="suspected"'
    about = [words.say("verdict_of", name=words.name(verdict.answer))] if verdict.answer else []
    about += [words.say("verdict_score", sure=words.percent(verdict.score)), words.say("verdict_is_not")]
    versions = (("about_policy", verdict.policy), ("about_bundle", verdict.bundle))
    facts = "".join(f"<dt>{escape(words.say(key))}</dt><dd><bdi>{escape(fact)}</bdi></dd>" for key, fact in versions)
    return (
        f"<h2{suspected}>{escape(words.say(f'verdict_{verdict.verdict}'))}</h2>"
        f"{''.join(f'<p>{escape(sentence)}</p>' for sentence in about)}"
        f"{_reasons(verdict.reasons, words) if verdict.reasons else ''}"
        f"{_pictures(verdict, pictures, words) if pictures else ''}"
        f'<dl class="about">{facts}</dl>'
    )


def _reasons(reasons: tuple[Reason, ...], words: Words) -> str:
    rows = "".join(
        f"<li><strong>{escape(words.say(f'reason_{reason.kind}'))}</strong>"
        f'<span class="sure" dir="ltr">{f"{reason.weight:+.1f}" if reason.weight else ""}</span>'
        f'<p lang="en" dir="ltr">{escape(reason.sentence)}</p></li>'
        for reason in reasons
    )
    note = words.say("reasons_note") + ("" if words.language == "en" else f" {words.say('reasons_english')}")
    title = escape(words.say("reasons_title"))
    return f'<section class="reasons"><h3>{title}</h3><ul>{rows}</ul><p class="muted">{escape(note)}</p></section>'


def _pictures(verdict: Verdict, pictures: list[bytes], words: Words) -> str:
    figures = "".join(
        _figure(number, picture, finding, words)
        for number, (picture, finding) in enumerate(zip(pictures, verdict.findings, strict=True), 1)
    )
    return f'<section><h3>{escape(words.say("photos_title"))}</h3><div class="figures">{figures}</div></section>'


def _figure(number: int, picture: bytes, finding: Finding | PhotoError, words: Words) -> str:
    if isinstance(finding, PhotoError):
        shown, said = "", f'<p class="wrong">{escape(words.photo_error(finding))}</p>'
    else:
        preview = thumbnail(open_photo(picture, max_side=PREVIEW).pixels, PREVIEW)
        shown, said = answer.image(preview, number, words), f"<p>{escape(words.headline(finding))}</p>"
    return f'<figure>{shown}<figcaption><span class="number">{number}</span>{said}</figcaption></figure>'
