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
    from serve.casebook.records import Note, Result
    from serve.page.desk import Desk, Listed
    from serve.words import Words

FORGET: Final = {what: f"<script>sessionStorage.removeItem('{what}')</script>" for what in ("photos", "angle")}
"""What was saved is off its tab, which is then free for the next item."""

MAX_NOTE: Final = 5_000
"""Letters of a note that is written on the page: they fit into a form, whatever the script."""


def sign_out(words: Words) -> str:
    """The button that ends the session; the next person finds no photos here."""
    said = escape(words.say("sign_out"))
    return f'<form method="post" action="/signout" onsubmit="sessionStorage.clear()"><button>{said}</button></form>'


def save_form(paths: Sequence[str], cases: Iterable[Listed], words: Words, marks: str = "") -> str:
    """What saves the photos at these paths, as they are answered on the page, with the angles that `marks` measure."""
    sent = [("photo", path) for path in paths] + [("marks", marks)] * bool(marks)
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in sent)
    options = "".join(f'<option value="{case.id}">{escape(case.ref)}</option>' for case, _ in cases)
    say = {text: escape(words.say(text)) for text in words.texts if text.startswith("save")}
    return (
        f'<details class="save"><summary>{say["save_title"]}</summary>'
        f'<form method="post" action="{cases_of(words)}">{hidden}<label>{say["save_case"]}'
        '<select name="case" onchange="this.form.elements.name.required = !this.value">'
        f'<option value="">{say["save_new"]}</option>{options}</select></label>'
        f'<label class="name">{say["save_name"]}<input name="name" maxlength="100" autocomplete="off" required></label>'
        f'<label>{say["save_item"]}<input name="title" maxlength="200" autocomplete="off"></label>'
        f'<p class="muted">{say["save_note"]}</p><button class="choice filled">{say["save"]}</button></form></details>'
    )


def all_cases(desk: Desk, words: Words) -> str:
    """The page that lists the cases of a desk."""
    rows = "".join(
        f'<li><a href="{cases_of(words)}/{case.id}">{_text(case.ref)}</a> {_text(case.title)}<br>'
        f"{escape(words.say('opened', by=owner, at=_day(case.at)))}</li>"
        for case, owner in desk.cases()
    )
    listed = f"<ul>{rows}</ul>" if rows else f"<p>{escape(words.say('no_cases'))}</p>"
    return _page(desk, f"<h1>{escape(words.say('cases'))}</h1>{listed}", words)


def one_case(
    desk: Desk, file: CaseFile, words: Words, has_report: bool, saved: str | None = None, wrong: str = ""
) -> str:
    """The page of a case; `saved` names what of another tab was just added to it, "" something else."""
    address = f"{cases_of(words)}/{file.case.id}"
    opened = escape(words.say("opened", by=file.owner, at=_day(file.case.at)))
    head = f"<h1>{_text(file.case.ref)}</h1><p>{_text(file.case.title)}</p><p>{opened}</p>{alert(wrong)}"
    if saved is not None:
        head += f'<p role="status"><strong>{escape(words.say("saved"))}</strong></p>{FORGET.get(saved, "")}'
    if has_report:
        head += f'<p><a href="{address}/report.pdf">{escape(words.say("report_get"))}</a></p>'
    items = "".join(_item(desk, address, item, words) for item in file.items)
    return _page(desk, head + items + _notes(file.notes) + _note_form(address, words), words)


def problem(desk: Desk, text: str, words: Words) -> str:
    """A page that says why something was not done."""
    return _page(desk, alert(words.say(text)), words)


def cases_of(words: Words) -> str:
    """The address of the list of cases in a language."""
    return f"/{words.language}/cases"


def _page(desk: Desk, body: str, words: Words) -> str:
    addresses = {"to_photos": f"/{words.language}", "cases": cases_of(words)}
    links = "".join(f'<a href="{address}">{escape(words.say(text))}</a>' for text, address in addresses.items())
    name = f"<span>{_text(desk.user.login)}</span>"
    return page(words.language, f"<nav>{links}{name}{sign_out(words)}</nav>{body}")


def _item(desk: Desk, address: str, item: ItemFile, words: Words) -> str:
    title = " ".join(filter(None, (words.say("item", number=item.item.number), item.item.title)))
    lines = [headline(item.result, words)] if item.result else []
    lines += [
        words.say("corrected", name=_name(each.label, words), by=each.by, why=each.why) for each in item.corrections
    ]
    photos = "".join(
        f'<img src="{address}/{photo.sha256}" loading="lazy" alt="{escape(words.say("photo_alt", number=number))}">'
        for number, photo in enumerate(item.photos, 1)
    )
    correct = _correct_form(address, item, words) if desk.user.may_correct else ""
    said = "".join(f"<p>{_text(line)}</p>" for line in lines) + _notes(item.notes)
    return f'<section><h2>{_text(title)}</h2>{said}<div class="photos">{photos}</div>{correct}</section>'


def _notes(notes: Iterable[Note]) -> str:
    return "".join(map(_note, notes))


def _note(note: Note) -> str:
    """A note with its line breaks; the record that it may end with is for programs, and folded up."""
    said, _, record = note.text.partition("\n{")
    folded = f'<details><summary>JSON</summary><p dir="ltr">{{{escape(record)}</p></details>' if record else ""
    return f'<div class="note"><p>{escape(said)}</p>{folded}<p>{_text(note.by)}, {_day(note.at)}</p></div>'


def _note_form(address: str, words: Words) -> str:
    say = {text: escape(words.say(f"note_{text}")) for text in ("title", "text", "save")}
    return (
        f'<details><summary>{say["title"]}</summary><form method="post" action="{address}/notes">'
        f'<label>{say["text"]}<textarea name="text" rows="4" maxlength="{MAX_NOTE}" required></textarea></label>'
        f"<button>{say['save']}</button></form></details>"
    )


def _correct_form(address: str, item: ItemFile, words: Words) -> str:
    names = sorted((words.name(key), key) for key in words.taxonomy)
    options = "".join(f'<option value="{key}">{escape(name)}</option>' for name, key in names)
    say = {text: escape(words.say(f"correct_{text}")) for text in ("title", "label", "why", "save")}
    return (
        f'<details><summary>{say["title"]}</summary><form method="post" action="{address}">'
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
