"""Cases as HTML: their list, one case with its items, and the form that saves what is on the page."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Final

from model.finding import Finding
from model.photo import Quality
from serve.page.plain import alert, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from serve.casebook import CaseFile, ItemFile
    from serve.casebook.records import Result
    from serve.page.desk import Desk, Listed
    from serve.words import Words

FORGET: Final = "<script>sessionStorage.removeItem('photos')</script>"
"""What was saved is off the page when its photos are the next item."""


def sign_out(words: Words) -> str:
    """The button that ends the session; the next person finds no photos here."""
    said = escape(words.say("sign_out"))
    return f'<form method="post" action="/signout" onsubmit="sessionStorage.clear()"><button>{said}</button></form>'


def save_form(paths: Sequence[str], cases: Iterable[Listed], words: Words) -> str:
    """What saves the photos at these paths, as they are answered on the page."""
    photos = "".join(f'<input type="hidden" name="photo" value="{escape(path)}">' for path in paths)
    options = "".join(f'<option value="{case.id}">{escape(case.ref)}</option>' for case, _ in cases)
    say = {text: escape(words.say(text)) for text in words.texts if text.startswith("save")}
    return (
        f'<details class="save"><summary>{say["save_title"]}</summary><form method="post" action="/cases">{photos}'
        f'<label>{say["save_case"]}<select name="case"><option value="">{say["save_new"]}</option>{options}</select>'
        f'</label><label class="name">{say["save_name"]}<input name="name" maxlength="100" autocomplete="off"></label>'
        f'<label>{say["save_item"]}<input name="title" maxlength="200" autocomplete="off"></label>'
        f'<p class="muted">{say["save_note"]}</p><button class="choice filled">{say["save"]}</button></form></details>'
    )


def all_cases(desk: Desk, words: Words) -> str:
    """The page that lists the cases of a desk."""
    rows = "".join(
        f'<li><a href="/cases/{case.id}">{_text(case.ref)}</a> {_text(case.title)}<br>'
        f"{escape(words.say('opened', by=owner, at=_day(case.at)))}</li>"
        for case, owner in desk.cases()
    )
    listed = f"<ul>{rows}</ul>" if rows else f"<p>{escape(words.say('no_cases'))}</p>"
    return _page(desk, f"<h1>{escape(words.say('cases'))}</h1>{listed}", words)


def one_case(desk: Desk, file: CaseFile, words: Words, saved: bool = False, wrong: str = "") -> str:
    """The page of a case; `saved` where something was just added to it."""
    opened = escape(words.say("opened", by=file.owner, at=_day(file.case.at)))
    head = f"<h1>{_text(file.case.ref)}</h1><p>{_text(file.case.title)}</p><p>{opened}</p>{alert(wrong)}"
    if saved:
        head += f'<p role="status"><strong>{escape(words.say("saved"))}</strong></p>{FORGET}'
    notes = "".join(f"<p>{_text(note.text)} ({_text(note.by)}, {_day(note.at)})</p>" for note in file.notes)
    items = "".join(_item(desk, file, item, words) for item in file.items)
    return _page(desk, head + notes + items, words)


def problem(desk: Desk, sentence: str, words: Words) -> str:
    """A page that says why something was not done."""
    return _page(desk, alert(sentence), words)


def _page(desk: Desk, body: str, words: Words) -> str:
    links = "".join(
        f'<a href="{path}">{escape(words.say(text))}</a>' for path, text in (("/", "to_photos"), ("/cases", "cases"))
    )
    name = f"<span>{_text(desk.user.login)}</span>"
    return page(words.language, f"<nav>{links}{name}{sign_out(words)}</nav>{body}")


def _item(desk: Desk, file: CaseFile, item: ItemFile, words: Words) -> str:
    title = " ".join(filter(None, (words.say("item", number=item.item.number), item.item.title)))
    lines = [headline(item.result, words)] if item.result else []
    lines += [
        words.say("corrected", name=_name(each.label, words), by=each.by, why=each.why) for each in item.corrections
    ]
    lines += [f"{note.text} ({note.by}, {_day(note.at)})" for note in item.notes]
    photos = "".join(
        f'<img src="/cases/{file.case.id}/{photo.sha256}" loading="lazy"'
        f' alt="{escape(words.say("photo_alt", number=number))}">'
        for number, photo in enumerate(item.photos, 1)
    )
    correct = _correct_form(file.case.id, item, words) if desk.user.may_correct else ""
    said = "".join(f"<p>{_text(line)}</p>" for line in lines)
    return f'<section><h2>{_text(title)}</h2>{said}<div class="photos">{photos}</div>{correct}</section>'


def _correct_form(case_id: str, item: ItemFile, words: Words) -> str:
    names = sorted((words.name(key), key) for key in words.taxonomy)
    options = "".join(f'<option value="{key}">{escape(name)}</option>' for name, key in names)
    say = {text: escape(words.say(f"correct_{text}")) for text in ("title", "label", "why", "save")}
    return (
        f'<details><summary>{say["title"]}</summary><form method="post" action="/cases/{case_id}">'
        f'<input type="hidden" name="item" value="{item.item.number}"><label>{say["label"]}'
        f'<select name="label" required><option value=""></option>{options}</select></label>'
        f'<label>{say["why"]}<input name="why" maxlength="1000" required autocomplete="off"></label>'
        f"<button>{say['save']}</button></form></details>"
    )


def headline(result: Result, words: Words) -> str:
    """What was found, in one line, as the page said it."""
    if result.answer and result.answer not in words.taxonomy:  # of a bundle that this schreger does not know
        return f"{result.answer}, {words.percent(result.probability)}"
    quality = (Quality(**{**each, "advice": tuple(each["advice"])}) for each in json.loads(result.quality))
    probabilities = tuple((key, share) for key, share in json.loads(result.probabilities))
    found = Finding(
        answer=result.answer,
        status=result.status,  # type: ignore[arg-type]
        probability=result.probability,
        probabilities=probabilities,
        unfamiliarity=result.unfamiliarity,
        quality=tuple(quality),
        bundle=result.bundle,
    )
    return words.headline(found)


def _name(key: str, words: Words) -> str:
    return words.name(key) if key in words.taxonomy else key


def _day(at: str) -> str:
    return at[:10]


def _text(text: str) -> str:
    """What somebody wrote, in whatever direction they write."""
    return f"<bdi>{escape(text)}</bdi>"
