"""The tab for review: adverts that a person should look at, one after the other, and what is decided on each."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gradio as gr

from model.photo import PhotoError, open_photo, thumbnail
from serve.page.answer import image, problem
from serve.page.own import user_of
from serve.page.plain import printable
from serve.review import as_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serve.casebook import User
    from serve.review import PictureShown, ReviewDesk, Undecided
    from serve.words import Words

PREVIEW: Final = 640
"""Longest side in pixels of a picture as it is shown."""

MAX_NAME: Final = 100
MAX_NOTE: Final = 1_000
FIELDS: Final = ("by", "advert", "choice", "label", "note", "again")
LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """Who reviews, and which adverts they put off, by id."""

    by: str = ""
    skipped: frozenset[str] = frozenset()


def review_tab(words: Words, desk: ReviewDesk, page: gr.Blocks, signed_in: bool) -> None:
    """Build the tab. Where people sign in, those alone see it who may correct."""

    def step(turn: Turn, event: gr.EventData, request: gr.Request) -> tuple[Turn, str]:
        form = {name: str(getattr(event, name, "")) for name in FIELDS}
        user = user_of(request)
        return take_turn(desk, words, _known(turn, user) if signed_in else turn, form, not signed_in or _may(user))

    def show(request: gr.Request) -> gr.Tab:
        return gr.Tab(visible=_may(user_of(request)))

    with gr.Tab(words.say("review_tab"), visible=not signed_in) as tab:
        turn = gr.State(Turn())
        shown = gr.HTML(
            _start(words, asks_name=not signed_in),
            elem_id="review",
            js_on_load=Path(__file__).with_name("form.js").read_text(encoding="utf-8"),
        )
        shown.submit(step, turn, [turn, shown], api_visibility="private", show_progress="hidden")
    if signed_in:
        page.load(show, None, tab, api_visibility="private", show_progress="hidden")


def take_turn(
    desk: ReviewDesk, words: Words, turn: Turn, form: Mapping[str, str], may: bool = True
) -> tuple[Turn, str]:
    """Answer for a form that was sent: `by` says who reviews, `choice` decides on `advert`, `again` forgets skips.

    `may` is whether this person is let. Never raises.
    """
    try:
        if not may:
            return turn, problem(words.say("review_refused"))
        turn = replace(turn, by=turn.by or _line(form["by"], MAX_NAME))
        if not turn.by:
            return turn, _start(words, asks_name=True)
        said = ""
        if form["again"]:
            turn = replace(turn, skipped=frozenset())
        elif form["choice"] == "skip":
            turn = replace(turn, skipped=turn.skipped | ({form["advert"]} & desk.adverts.keys()))
        elif form["advert"] in desk.adverts and not _decide(desk, words, turn.by, form):
            said = f'<div role="alert">{problem(words.say("review_meanwhile"))}</div>'
        return turn, said + _next(desk, words, turn)
    except Exception:
        LOG.exception("A review could not go on.")
        return turn, problem(words.say("our_fault"))


def _may(user: User | None) -> bool:
    return user is not None and user.may_correct


def _known(turn: Turn, user: User | None) -> Turn:
    """The turn of whoever is signed in, whatever a browser says."""
    return replace(turn, by=user.login if user else "")


def _decide(desk: ReviewDesk, words: Words, by: str, form: Mapping[str, str]) -> bool:
    """Keep what was chosen; false where somebody else was faster."""
    choice = as_choice(form["choice"])
    label = form["label"] if form["label"] in words.taxonomy else ""
    return choice is None or desk.decide(form["advert"], choice, label, by, _line(form["note"], MAX_NOTE))


def _line(text: str, longest: int) -> str:
    """What stands in a field."""
    return printable(text)[:longest]


def _start(words: Words, asks_name: bool) -> str:
    name = (
        f'<label>{escape(words.say("review_name"))}<input name="by" maxlength="{MAX_NAME}" required></label>'
        if asks_name
        else ""
    )
    start = f'<button class="choice filled">{escape(words.say("practice_start"))}</button>'
    return f"<p>{escape(words.say('review_intro'))}</p><form>{name}{start}</form>"


def _next(desk: ReviewDesk, words: Words, turn: Turn) -> str:
    """The next advert, or that there is none."""
    waiting = desk.waiting(turn.by)
    ahead = [advert for advert in waiting if advert.id not in turn.skipped]
    if ahead:
        return _advert(ahead[0], len(waiting), words)
    again = f'<form><button class="choice" name="again" value="1">{escape(words.say("review_again"))}</button></form>'
    done = escape(words.say("review_done", count=len(waiting)))
    return f'<h2 tabindex="-1">{done}</h2>{again if waiting else ""}'


def _advert(advert: Undecided, count: int, words: Words) -> str:
    left = escape(words.say("review_left", count=count))
    whose = " · ".join(_own(each) for each in (advert.id, advert.seller, advert.platform) if each)
    about = [words.say("verdict_of", name=_name(advert.answer, words))] if advert.answer else []
    about += [words.say("verdict_score", sure=words.percent(advert.score)), words.say("verdict_is_not")]
    reasons = "".join(f'<li lang="en" dir="ltr">{escape(reason)}</li>' for reason in advert.reasons)
    figures = "".join(_figure(number, each, words) for number, each in enumerate(advert.pictures, 1))
    return (
        f'<p class="muted">{left}</p><h2 tabindex="-1">{_own(advert.title or advert.id)}</h2><p>{whose}</p>'
        f'<p class="written" dir="auto">{escape(advert.text)}</p><div class="figures">{figures}</div>'
        f"<section><h3>{escape(words.say('reasons_title'))}</h3><ul>{reasons}</ul>"
        f"{''.join(f'<p>{escape(sentence)}</p>' for sentence in about)}</section>{_form(advert, words)}"
    )


def _figure(number: int, picture: PictureShown, words: Words) -> str:
    try:
        pixels = open_photo(picture.read(), max_side=PREVIEW).pixels
    except PhotoError:
        shown, said = "", f'<p class="wrong">{escape(words.say("review_no_picture"))}</p>'
    else:
        shown, said = image(thumbnail(pixels, PREVIEW), number, words), ""
    if picture.answer:
        found = (_name(picture.answer, words), words.percent(picture.probability))
        said += f"<p>{escape(words.say('between').join(found))}</p>"
    return f'<figure>{shown}<figcaption><span class="number">{number}</span>{said}</figcaption></figure>'


def _form(advert: Undecided, words: Words) -> str:
    names = sorted((words.name(key), key) for key in words.taxonomy)
    options = "".join(f'<option value="{key}">{escape(name)}</option>' for name, key in names)
    say = {text: escape(words.say(f"review_{text}")) for text in ("label", "note", "clear", "block", "skip")}
    buttons = "".join(
        f'<button class="choice" name="choice" value="{choice}">{say[choice]}</button>'
        for choice in ("clear", "block", "skip")
    )
    return (
        f'<form><input type="hidden" name="advert" value="{escape(advert.id)}">'
        f'<label>{say["label"]}<select name="label"><option value=""></option>{options}</select></label>'
        f'<label>{say["note"]}<input name="note" maxlength="{MAX_NOTE}" autocomplete="off"></label>'
        f'<div class="choices">{buttons}</div></form>'
    )


def _name(key: str, words: Words) -> str:
    """The name of a class; one of a bundle that this schreger does not know has none."""
    return words.name(key) if key in words.taxonomy else key


def _own(text: str) -> str:
    """What somebody wrote, in whatever direction they write."""
    return f"<bdi>{escape(text)}</bdi>"
