"""A finding as HTML: the headline, the picture with its evidence, and all that belongs to the answer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from model.legal import legal_status
from serve.page import words
from serve.page.overlay import data_uri, heat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.finding import Finding
    from model.legal import LegalStatus
    from model.photo import Photo
    from model.taxonomy import Taxonomy


def headline(finding: Finding, taxonomy: Taxonomy) -> str:
    """The answer in words, with what must not be read without it."""
    node = taxonomy[finding.answer] if finding.answer else None
    scientific = f"<p><i>{escape(node.scientific)}</i></p>" if node and node.scientific else ""
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in words.remarks(finding, taxonomy))
    suspected = ' class="suspected"' if finding.answer and words.of_concern(finding.answer, taxonomy) else ""
    return f"<h2{suspected}>{escape(words.headline(finding, taxonomy))}</h2>{scientific}{remarks}"


def problem(sentence: str) -> str:
    """Why there is no answer."""
    return f'<p class="problem">{escape(sentence)}</p>'


def waiting() -> str:
    """What stands in place of an answer before the first photo."""
    return f"<p class='muted'>{escape(words.WAITING)}</p>"


def how_to() -> str:
    """How to make a photo that can be answered."""
    return _section(words.HOW_TO_TITLE, _list(words.HOW_TO))


def picture(photo: Photo, finding: Finding, taxonomy: Taxonomy) -> str:
    """The photo, upright, under its evidence map and the slider for it; an unusable photo alone."""
    height, width = photo.pixels.shape[:2]
    layers = _image(data_uri(photo.pixels), words.PHOTO_ALT, width, height)
    if finding.status == "unusable" or not finding.evidence:
        return f'<figure><div class="layers">{layers}</div></figure>'
    layers += f'<img class="heat" src="{data_uri(heat(finding.evidence[0]))}" alt="">'
    return (
        f'<figure><div class="layers">{layers}</div>'
        f'<div class="strength"><label for="strength">{escape(words.STRENGTH)}</label>'
        '<input type="range" id="strength" min="0" max="100" value="60" aria-describedby="evidence"></div>'
        f'<figcaption id="evidence">{escape(words.evidence_caption(finding, taxonomy))}</figcaption></figure>'
    )


def details(photo: Photo, finding: Finding, taxonomy: Taxonomy) -> str:
    """Everything below the headline."""
    usable = finding.status != "unusable"
    alike = words.look_alikes(finding, taxonomy)
    return "".join((
        _section(words.likeliest_title(finding), _likeliest(finding, taxonomy), "likeliest") if usable else "",
        _section(words.NEXT_TITLE, _list(words.next_steps(finding, taxonomy)), "next"),
        _section(words.MISTAKEN_TITLE, _list(alike, "chips"), "mistaken") if alike else "",
        _section(words.LEGAL_TITLE, _legal(finding, taxonomy), "legal"),
        _about(photo, finding),
    ))  # fmt: skip


def _likeliest(finding: Finding, taxonomy: Taxonomy) -> str:
    rows = []
    for key, probability in finding.top:
        scientific = taxonomy[key].scientific
        name = escape(taxonomy.name(key)) + (f" <i>{escape(scientific)}</i>" if scientific else "")
        rows.append(
            f'<li><span class="name">{name}</span> <span class="sure">{words.percent(probability)}</span>'
            f'<span class="bar" aria-hidden="true"><span style="width:{100 * probability:.1f}%"></span></span></li>'
        )
    return f"<ol>{''.join(rows)}</ol>"


def _legal(finding: Finding, taxonomy: Taxonomy) -> str:
    rows = legal_status(finding.answer) if finding.answer else ()
    if not rows:
        return f"<p>{escape(words.no_listing(finding, taxonomy))}</p>"
    head = "".join(f'<th scope="col" role="columnheader">{escape(title)}</th>' for title in words.LEGAL_COLUMNS)
    body = "".join(f'<tr role="row">{_legal_cells(row, finding, taxonomy)}</tr>' for row in rows)
    # The roles keep the table a table for screen readers where the style sets its rows as blocks.
    return (
        f'<table role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table><p class="muted">{escape(words.LEGAL_NOTE)}</p>'
    )


def _legal_cells(row: LegalStatus, finding: Finding, taxonomy: Taxonomy) -> str:
    named = f"<i>{escape(row.scientific)}</i>" if row.scientific else escape(taxonomy.name(finding.answer or row.key))
    remarks = escape(row.annotation)
    if row.uncertain:
        remarks += f"<p><em>{escape(words.UNCERTAIN)}</em> {escape(row.uncertain)}</p>"
    listing = f"<strong>{escape(words.appendix(row))}</strong>"
    cells = (named, listing, remarks, escape(row.source), escape(row.as_of))
    return "".join(
        f'<td role="cell" data-title="{escape(title)}">{cell}</td>'
        for title, cell in zip(words.LEGAL_COLUMNS, cells, strict=True)
    )


def _about(photo: Photo, finding: Finding) -> str:
    facts = {
        "rule": f"{words.RULES[finding.rule]} ({finding.rule})",
        "file": words.photo_size(photo.format, photo.width, photo.height),
        "sha256": photo.sha256,
        "bundle": finding.bundle,
    }
    items = "".join(f"<dt>{escape(words.ABOUT[key])}</dt><dd>{escape(fact)}</dd>" for key, fact in facts.items())
    return f'<dl class="about">{items}</dl>'


def _section(title: str, body: str, name: str = "") -> str:
    return f'<section class="{name}"><h3>{escape(title)}</h3>{body}</section>'


def _list(sentences: Iterable[str], name: str = "") -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{name}">{items}</ul>'


def _image(source: str, alt: str, width: int, height: int) -> str:
    return f'<img src="{source}" alt="{escape(alt)}" width="{width}" height="{height}">'
