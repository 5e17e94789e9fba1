"""A finding as HTML: the headline, the photos with their evidence, and all that belongs to the answer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from model.legal import legal_status
from model.photo import PhotoError
from serve.overlay import data_uri, heat, png
from serve.page.tray import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from model.finding import Finding
    from model.legal import LegalStatus
    from serve.page.tray import Looked
    from serve.words import Words

ANNOUNCED: Final = '<div role="status">${value}</div>'
"""A screen reader says what comes in here."""


def headline(finding: Finding, words: Words) -> str:
    """The answer in words, with what must not be read without it."""
    node = words.taxonomy[finding.answer] if finding.answer else None
    scientific = f"<p>{_latin(node.scientific)}</p>" if node and node.scientific else ""
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in words.remarks(finding))
    suspected = ' class="suspected"' if finding.answer and words.of_concern(finding.answer) else ""
    return f"<h2{suspected}>{escape(words.headline(finding))}</h2>{scientific}{remarks}"


def problem(sentence: str) -> str:
    """Why there is no answer."""
    return f'<p class="problem">{escape(sentence)}</p>'


def unanswered(looked: Iterable[Looked], words: Words) -> str:
    """Why photos have no answer, of which none could be opened."""
    errors = (words.photo_error(each) for each in looked if isinstance(each, PhotoError))
    return problem(next(errors, words.say("gone")))


def waiting(words: Words) -> str:
    """What stands in place of an answer before the first photo."""
    return f"<p class='muted'>{escape(words.say('waiting'))}</p>"


def how_to(words: Words) -> str:
    """How to make photos that can be answered."""
    return section(words.say("how_to_title"), bullets(words.several("how_to")))


def pictures(paths: Sequence[str], looked: Sequence[Looked], words: Words) -> str:
    """The photos, upright, each under its evidence map, with one slider for all maps."""
    figures = "".join(
        _figure(number, path, each, len(looked) > 1, words)
        for number, (path, each) in enumerate(zip(paths, looked, strict=True), 1)
    )
    slider = (
        f'<div class="strength"><label for="strength">{escape(words.say("strength"))}</label>'
        '<input type="range" id="strength" min="0" max="100" value="60" aria-describedby="evidence"></div>'
        f'<p id="evidence" class="muted">{escape(words.say("evidence_note"))}</p>'
    )
    shows_evidence = any(isinstance(each, Seen) and _speaks(each.finding) for each in looked)
    return (
        f'<section class="photos"><h3>{escape(words.say("photos_title"))}</h3><div class="figures">{figures}</div>'
        f"{slider if shows_evidence else ''}"
        f'<button type="button" class="choice" data-remove="">{escape(words.say("new_item"))}</button></section>'
    )


def _figure(number: int, path: str, looked: Looked, of_several: bool, words: Words) -> str:
    """One photo, or why it cannot be used, with what is wrong with it and the button that takes it away."""
    if isinstance(looked, Seen):
        shown, said = _layers(number, looked, words), _caption(looked.finding, of_several, words)
    else:
        error = words.photo_error(looked) if isinstance(looked, PhotoError) else words.say("gone")
        shown, said = "", f'<p class="wrong">{escape(error)}</p>'
    away = escape(words.say("remove", number=number))
    return (
        f'<figure>{shown}<figcaption><span class="number">{number}</span>{said}</figcaption>'
        f'<button type="button" class="remove" data-remove="{escape(path)}" aria-label="{away}" title="{away}">'
        '<span aria-hidden="true">×</span></button></figure>'
    )


def image(preview: bytes, number: int, words: Words, size: str = "") -> str:
    """A photo, of which `preview` is a WebP file."""
    return f'<img src="{data_uri(preview, "webp")}" alt="{escape(words.say("photo_alt", number=number))}"{size}>'


def _layers(number: int, seen: Seen, words: Words) -> str:
    # The size lets the page keep its place before the picture is there.
    layers = image(seen.preview, number, words, f' width="{seen.width}" height="{seen.height}"')
    if _speaks(seen.finding):
        layers += f'<img class="heat" src="{data_uri(png(heat(seen.finding.evidence[0])), "png")}" alt="">'
    return f'<div class="layers">{layers}</div>'


def _speaks(finding: Finding) -> bool:
    return finding.status != "unusable" and bool(finding.evidence)


def _caption(finding: Finding, of_several: bool, words: Words) -> str:
    lines = []
    if problems := words.problems(*finding.quality):
        lines.append(f'<p class="wrong">{escape(problems)}</p>')
    if of_several:
        lines.append(f"<p>{escape(words.say('alone', headline=words.headline(finding)))}</p>")
    if _speaks(finding):
        lines.append(f"<p>{escape(words.evidence_caption(finding))}</p>")
    return "".join(lines)


def details(looked: Sequence[Looked], finding: Finding, words: Words) -> str:
    """Everything below the headline."""
    usable = finding.status != "unusable"
    alike, handling = words.look_alikes(finding), words.handling(finding)
    return "".join((
        section(words.likeliest_title(finding), _likeliest(finding, words), "likeliest") if usable else "",
        section(words.say("next_title"), bullets(words.next_steps(finding)), "next"),
        section(words.say("mistaken_title"), bullets(alike, "chips"), "mistaken") if alike else "",
        section(words.say("legal_title"), _legal(finding, words), "legal"),
        section(handling[0], bullets(handling[1]), "handling") if handling else "",
        _about([each for each in looked if isinstance(each, Seen)], finding, words),
    ))  # fmt: skip


def _likeliest(finding: Finding, words: Words) -> str:
    rows = []
    for key, probability in finding.top:
        scientific = words.taxonomy[key].scientific
        name = escape(words.name(key)) + (f" {_latin(scientific)}" if scientific else "")
        rows.append(
            f'<li><span class="name">{name}</span> <span class="sure">{words.percent(probability)}</span>'
            f'<span class="bar" aria-hidden="true"><span style="width:{100 * probability:.1f}%"></span></span></li>'
        )
    return f"<ol>{''.join(rows)}</ol>"


def _legal(finding: Finding, words: Words) -> str:
    rows = legal_status(finding.answer) if finding.answer else ()
    if not rows:
        return f"<p>{escape(words.no_listing(finding))}</p>"
    head = "".join(f'<th scope="col" role="columnheader">{escape(title)}</th>' for title in _columns(words))
    body = "".join(f'<tr role="row">{_legal_cells(row, finding, words)}</tr>' for row in rows)
    note = words.say("legal_note") + ("" if words.language == "en" else f" {words.say('legal_english')}")
    # The roles keep the table a table for screen readers where the style sets its rows as blocks.
    return (
        f'<table role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table><p class="muted">{escape(note)}</p>'
    )


def _columns(words: Words) -> tuple[str, ...]:
    return words.several("legal_columns")


def _legal_cells(row: LegalStatus, finding: Finding, words: Words) -> str:
    named = _latin(row.scientific) if row.scientific else escape(words.name(finding.answer or row.key))
    remarks = _english(row.annotation)
    if row.uncertain:
        remarks += f"<p><em>{escape(words.say('uncertain'))}</em> {_english(row.uncertain)}</p>"
    listing = f"<strong>{escape(words.appendix(row))}</strong>"
    cells = (named, listing, remarks, _english(row.source), row.as_of and f'<span dir="ltr">{escape(row.as_of)}</span>')
    return "".join(
        f'<td role="cell" data-title="{escape(title)}">{cell}</td>'
        for title, cell in zip(_columns(words), cells, strict=True)
    )


def _about(seen: Sequence[Seen], finding: Finding, words: Words) -> str:
    files = [words.say("photo_size", kind=each.format, width=each.width, height=each.height) for each in seen]
    facts = [
        ("about_rule", f"{words.say(f'rule_{finding.rule}')} ({finding.rule})"),
        *((key, fact) for each, file in zip(seen, files, strict=True)
          for key, fact in (("about_file", file), ("about_sha256", each.sha256))),
        ("about_bundle", finding.bundle),
    ]  # fmt: skip
    items = "".join(f"<dt>{escape(words.say(key))}</dt><dd>{escape(fact)}</dd>" for key, fact in facts)
    return f'<dl class="about">{items}</dl>'


def section(title: str, body: str, name: str = "") -> str:
    """A part of the page under a title of its own."""
    return f'<section class="{name}"><h3>{escape(title)}</h3>{body}</section>'


def bullets(sentences: Iterable[str], name: str = "") -> str:
    """Sentences as a list."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{name}">{items}</ul>'


def _latin(scientific: str) -> str:
    return f'<i lang="la" dir="ltr">{escape(scientific)}</i>'


def _english(text: str) -> str:
    return f'<span lang="en" dir="ltr">{escape(text)}</span>' if text else ""
