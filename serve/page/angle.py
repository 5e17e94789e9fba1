"""The tab for Schreger angles: a photo of a cut tusk, lines that are tapped on it, and what their angles suggest."""

from __future__ import annotations

import json
import logging
import math
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import gradio as gr

from model.photo import PhotoError, open_photo, thumbnail
from model.schreger import LEAST, SOURCE, WANTED, measure, record
from serve.overlay import data_uri
from serve.page.answer import bullets, problem, section
from serve.page.casepages import save_form
from serve.page.download import download
from serve.page.own import user_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from model.schreger import Angle, Measurement, Point
    from serve.casebook import User
    from serve.page.desk import Desk
    from serve.page.tray import Tray
    from serve.words import Words

PREVIEW: Final = 2048
"""Longest side in pixels of the photo that is tapped on: it can be enlarged several times on a phone."""

MAX_PAIRS: Final = 50
"""Pairs of lines on one photo."""

PHOTOS: Final = 1000
"""Photos that are known at the same time, of all people together; no picture is kept of them."""

SECTOR: Final = 0.03
"""Radius of a drawn angle, as a share of the photo's longest side."""

TO_THE_TAB: Final = (
    "angle_middle", "angle_edge", "angle_line", "angle_cross", "angle_full",
    "angle_sending", "angle_busy", "too_large", "error_empty",
)  # fmt: skip
"""Texts that the tab says by itself."""

LOG: Final = logging.getLogger(__name__)


class Cut(NamedTuple):
    """What is known of the file of a photo that is measured; sides in pixels, upright."""

    sha256: str
    width: int
    height: int


class Cuts:
    """The photos that are measured, by the path of their upload; pictures of them are kept by the browsers alone.

    Their bytes stay as long as those of other uploads where they may be saved to a case; elsewhere they go at once.
    """

    def __init__(self, tray: Tray) -> None:
        self._tray = tray
        self._known: dict[tuple[str, str], Cut] = {}

    def open(self, path: str, owner: str) -> tuple[Cut, dict[str, Any] | None]:
        """What is known of a photo of the owner's and, on its first time, the picture to show and its size.

        Raises:
            PhotoError: It is no photo.
            FileNotFoundError: It is not here, or no longer.
        """
        if cut := self._known.get((path, owner)):
            self._tray.touch(path)
            return cut, None
        read = self._tray.original if self._tray.keeps_originals else self._tray.take
        data = read(path, owner)
        if data is None:
            raise FileNotFoundError(path)
        photo = open_photo(data, max_side=PREVIEW)
        cut = self._known[path, owner] = Cut(photo.sha256, photo.width, photo.height)
        for oldest in [*self._known][:-PHOTOS]:
            self._known.pop(oldest, None)
        source = data_uri(thumbnail(photo.pixels, PREVIEW), "webp")
        return cut, {"src": source, "size": [photo.width, photo.height]}


def angle_tab(words: Words, cuts: Cuts, max_bytes: int, desk_of: Callable[[User], Desk] | None) -> None:
    """Build the tab; where people sign in, each is at a desk of their own."""

    def ask(asked: str, request: gr.Request) -> str:
        user = user_of(request)
        return answer_marks(cuts, words, asked, desk_of(user) if desk_of and user else None)

    with gr.Tab(words.say("angle_tab")):
        bench = gr.HTML(
            elem_id="angle",
            html_template=Path(__file__).with_name("angle.html").read_text(encoding="utf-8"),
            js_on_load=Path(__file__).with_name("angle.js").read_text(encoding="utf-8"),
            say={text: words.texts[text] for text in TO_THE_TAB},
            limit=max_bytes,
            most=MAX_PAIRS,
            before=_before(words),
            choose=words.say("angle_choose"),
            take=words.say("take"),
            alt=words.say("photo_alt", number=1),
            enlarge=words.say("angle_enlarge"),
            undo=words.say("angle_undo"),
            clear=words.say("angle_clear"),
            edge_seen=words.say("angle_edge_seen"),
        )
        asked = bench.submit(
            ask,
            bench,
            bench,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",  # as for photos: no question is dropped
        )
        asked.failure(None, None, bench, js="() => '{\"failed\": true}'")


def answer_marks(cuts: Cuts, words: Words, asked: str, desk: Desk | None = None) -> str:
    """Answer for marks on a photo: {"photo": path, "marks": [[x, y]], "edge_seen": bool}, in shares of its sides.

    The first two marks are the middle and the edge, then come four for each pair of lines. The answer says `done`; with
    a new photo it holds it as `photo`. `said` is HTML, `drawn` SVG in the photo's pixels. Never raises.

    `desk` is that of whoever asks, where people sign in.
    """
    reply: dict[str, Any] = {"done": True, "said": _before(words), "drawn": ""}
    try:
        path, points, edge_seen = _read(asked)
        if path:
            cut, reply["photo"] = cuts.open(path, desk.user.login if desk else "")
            if measured := _measured(points, edge_seen, cut):
                save = save_form([path], desk.cases(), words, asked) if desk else ""
                reply |= {"said": _said(measured, cut, words, save), "drawn": _drawn(measured.angles, cut)}
    except PhotoError as error:
        reply["said"] = problem(words.photo_error(error))
    except FileNotFoundError:
        reply["said"] = problem(words.say("gone"))
    except Exception:
        LOG.exception("An angle could not be measured.")
        reply["said"] = problem(words.say("our_fault"))
    return json.dumps(reply)


def note_of(asked: str, cut: Cut, words: Words) -> str:
    """What a case notes of marks as `answer_marks` takes them: the figures in words, and below them the record as JSON.
    Empty where they measure nothing.
    """
    _, points, edge_seen = _read(asked)
    try:
        measured = _measured(points, edge_seen, cut)
    except ValueError:
        measured = None
    return f"{sentence(measured, words)}\n{json.dumps(_kept(measured, cut, words))}" if measured else ""


def _measured(points: list[Point], edge_seen: bool, cut: Cut) -> Measurement | None:
    """What marks measure, given in shares of the photo's sides; None before the first pair of lines is whole."""
    marks = [(round(x * cut.width, 1), round(y * cut.height, 1)) for x, y in points]
    pairs = list(zip(*[iter(marks[2:])] * 4, strict=False))
    return measure(marks[0], marks[1], edge_seen, pairs) if pairs else None


def _kept(measured: Measurement, cut: Cut, words: Words) -> dict[str, Any]:
    """The record of a measurement made now."""
    return record(measured, *cut, datetime.now(UTC).isoformat(timespec="seconds")) | {"text": sentence(measured, words)}


def _read(asked: str) -> tuple[str, list[Point], bool]:
    """The path of a new photo, marks, and whether the edge is seen; whatever else a browser may send counts as none."""
    try:
        given = json.loads(asked)
        points = [(float(x), float(y)) for x, y in given["marks"][: 2 + 4 * MAX_PAIRS]]
        path, edge_seen = given["photo"], given["edge_seen"] is True
    except (KeyError, TypeError, ValueError, RecursionError):
        return "", [], False
    inside = all(0 <= x <= 1 and 0 <= y <= 1 for x, y in points)
    return path if isinstance(path, str) else "", points if inside else [], edge_seen


def _before(words: Words) -> str:
    """How to measure, and what it is worth."""
    return section(words.say("angle_how_to_title"), bullets(words.several("angle_how_to"))) + _limits(words)


def _said(measured: Measurement, cut: Cut, words: Words, save: str) -> str:
    doubts = [words.say(f"angle_{doubt}", wanted=WANTED, least=LEAST) for doubt in measured.doubts]
    degrees = (f"{number}: {angle.degrees:.0f}°" for number, angle in enumerate(measured.angles, 1))
    angles = [
        each if angle.outer else words.say("angle_not_counted", angle=each)
        for each, angle in zip(degrees, measured.angles, strict=True)
    ]
    kept = _kept(measured, cut, words)
    suggested = words.say(f"angle_{measured.suggests or 'nothing'}")
    return (
        f'<h2>{escape(kept["text"])}</h2><p class="suggested">{escape(suggested)}</p>'
        f"{bullets(doubts, 'wrong')}{bullets(angles, 'chips')}"
        + download(f"schreger-angle-{cut.sha256[:8]}.json", "application/json", _json(kept), words.say("angle_save"))
        + save
        + _limits(words)
    )


def sentence(measured: Measurement, words: Words) -> str:
    """The figures in one line, as a note of a case may say them."""
    if measured.mean is None or measured.range is None:
        return words.say("angle_no_outer")
    if measured.sd is None:
        return words.say("angle_one", mean=f"{measured.mean:.1f}")
    low, high = (f"{each:.0f}" for each in measured.range)
    return words.say(
        "angle_mean", mean=f"{measured.mean:.1f}", sd=f"{measured.sd:.1f}", low=low, high=high, count=measured.n
    )


def _limits(words: Words) -> str:
    source = f'<p class="muted">{escape(words.say("angle_rule", source=SOURCE))}</p>'
    return section(words.say("angle_worth"), bullets(words.several("angle_limits")) + source)


def _json(kept: dict[str, Any]) -> str:
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def _drawn(angles: tuple[Angle, ...], cut: Cut) -> str:
    """Each angle as a sector that opens outwards, with its number and its degrees beside it."""
    radius = SECTOR * max(cut.width, cut.height)

    def around(angle: Angle, turn: float, distance: float) -> str:
        bearing = math.radians(angle.bearing + turn)
        return f"{angle.at[0] + distance * math.cos(bearing):.1f} {angle.at[1] + distance * math.sin(bearing):.1f}"

    drawn = []
    for number, angle in enumerate(angles, 1):
        start, end = (around(angle, side * angle.degrees / 2, radius) for side in (-1, 1))
        x, y = around(angle, 0, 1.8 * radius).split()
        drawn.append(
            f'<g{"" if angle.outer else " class=inner"}><path d="M {angle.at[0]} {angle.at[1]} L {start}'
            f' A {radius:.1f} {radius:.1f} 0 0 1 {end} Z"/>'
            f'<text x="{x}" y="{y}">{number}: {angle.degrees:.0f}°</text></g>'
        )
    return "".join(drawn)
