"""The tab for practice: photos that a trainer labelled, one after the other, and what came of the answers."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import gradio as gr

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo, thumbnail
from serve.page.answer import bullets, image, problem, section
from serve.page.download import download
from serve.practice import ROUND, Answer, Practice, Question, report, scores, to_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model.classifier import Classifier
    from model.photo import Photo
    from serve.words import Words

LAST_ROUND: Final = 999

LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """How far a person is in a round: the questions to come, the first of them asked, and the answers given."""

    round: int
    questions: tuple[Question, ...]
    answers: tuple[Answer, ...] = ()


def practice_tab(words: Words, classifier: Classifier, practice: Practice) -> None:
    """Build the tab. Each session has its own turn; a browser gets pixels, and neither path nor name of a file."""

    def step(turn: Turn | None, event: gr.EventData) -> tuple[Turn | None, str]:
        form = {name: str(getattr(event, name, "")) for name in ("round", "answer", "number")}
        return take_turn(practice, classifier, words, turn, form)

    with gr.Tab(words.say("practice_tab")):
        turn = gr.State(None)
        shown = gr.HTML(
            _start(practice, words, 1),
            elem_id="practice",
            js_on_load=Path(__file__).with_name("form.js").read_text(encoding="utf-8"),
        )
        shown.submit(step, turn, [turn, shown], api_visibility="private", show_progress="hidden")


def take_turn(
    practice: Practice, classifier: Classifier, words: Words, turn: Turn | None, form: Mapping[str, str]
) -> tuple[Turn | None, str]:
    """Answer for a form that was sent: `round` starts one, `answer` answers the question `number`, none goes on."""
    try:
        if form.get("round") or turn is None:
            number = _number(form.get("round", ""))
            return _ask(Turn(number, practice.round(number)), practice, words)
        if form.get("answer") and turn.questions and form.get("number") == str(len(turn.answers)):
            return _answered(turn, form["answer"], practice, classifier, words)
        return _ask(turn, practice, words)
    except Exception:
        LOG.exception("Practice could not go on.")
        return turn, problem(words.say("our_fault"))


def _number(text: str) -> int:
    return min(max(int(text), 1), LAST_ROUND) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def _ask(turn: Turn, practice: Practice, words: Words) -> tuple[Turn, str]:
    """The next question whose photo can be opened, or the results."""
    while turn.questions:
        question, *others = turn.questions
        if photo := _open(question):
            return turn, _question(turn, question, photo, words)
        turn = replace(turn, questions=tuple(others))
    return turn, _results(turn, practice, words)


def _answered(turn: Turn, given: str, practice: Practice, classifier: Classifier, words: Words) -> tuple[Turn, str]:
    question, *others = turn.questions
    photo = _open(question)
    if photo is None or given not in question.choices:
        return _ask(turn, practice, words)
    answer = Answer(question.label, given, photo.sha256)
    after = replace(turn, questions=tuple(others), answers=(*turn.answers, answer))
    said = words.headline(classifier.classify([photo]))
    return after, _explained(after, answer, photo, said, words)


def _open(question: Question) -> Photo | None:
    try:
        return open_photo(question.file, max_side=DECODE_SIDE)
    except PhotoError as error:
        LOG.warning("Left out of the practice: %s: %s", question.file, error)
        return None


def _start(practice: Practice, words: Words, number: int) -> str:
    photos = sum(map(len, practice.photos.values()))
    said = words.say("practice_intro", photos=photos, kinds=len(practice.photos), count=min(ROUND, photos))
    return f"<p>{escape(said)}</p>{_round_form(words, number)}"


def _round_form(words: Words, number: int) -> str:
    return (
        f'<form><label>{escape(words.say("practice_round"))} <input type="number" name="round" min="1"'
        f' max="{LAST_ROUND}" value="{min(number, LAST_ROUND)}" required></label>'
        f'<p class="muted">{escape(words.say("practice_round_note"))}</p>'
        f'<button class="choice filled">{escape(words.say("practice_start"))}</button></form>'
    )


def _question(turn: Turn, question: Question, photo: Photo, words: Words) -> str:
    number = len(turn.answers)
    asked = words.say("practice_question", number=number + 1, count=number + len(turn.questions))
    choices = "".join(
        f'<button class="choice" name="answer" value="{key}">{escape(words.name(key))}</button>'
        for key in question.choices
    )
    return (
        f'<h2 tabindex="-1">{escape(asked)}</h2>{_picture(photo, number + 1, words)}'
        f'<form><input type="hidden" name="number" value="{number}"><div class="choices">{choices}</div></form>'
    )


def _explained(turn: Turn, answer: Answer, photo: Photo, said: str, words: Words) -> str:
    """What it is, what it is mistaken for, what to check on it and on what it was taken for, and the model's word."""
    label, given = words.name(answer.label), words.name(answer.given)
    verdict = words.say("practice_right" if answer.right else "practice_wrong", label=label, given=given)
    alike = [words.name(key) for key in words.taxonomy.look_alikes(answer.label)]
    checks = dict.fromkeys(
        check for key in (answer.label, answer.given) for check in words.taxonomy.checks(key, words.language)
    )
    go_on = words.say("practice_next" if turn.questions else "practice_results")
    return (
        f'<h2 tabindex="-1" class="{"right" if answer.right else "wrong"}">{escape(verdict)}</h2>'
        f"{_picture(photo, len(turn.answers), words)}"
        f'<form><button class="choice filled">{escape(go_on)}</button></form>'
        + (section(words.say("mistaken_title"), bullets(alike, "chips")) if alike else "")
        + (section(words.say("next_title"), bullets(checks)) if checks else "")
        + f"<details><summary>{escape(words.say('practice_model'))}</summary><p>{escape(said)}</p></details>"
    )


def _picture(photo: Photo, number: int, words: Words) -> str:
    return image(thumbnail(photo.pixels, DECODE_SIDE), number, words)


def _results(turn: Turn, practice: Practice, words: Words) -> str:
    if not turn.answers:
        return problem(words.say("practice_unreadable")) + _start(practice, words, turn.round)
    right = sum(answer.right for answer in turn.answers)
    score = words.say("practice_score", right=right, count=len(turn.answers))
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in words.several("practice_columns"))
    kept = report(turn.round, turn.answers, datetime.now(UTC).isoformat(timespec="seconds"))
    name = f"schreger-practice-{turn.round}"
    saved = (
        (f"{name}.csv", "text/csv", to_csv(turn.answers), words.say("practice_save_answers")),
        (f"{name}.json", "application/json", json.dumps(kept, indent=1) + "\n", words.say("practice_save_report")),
    )
    return (
        f'<h2 tabindex="-1">{escape(score)}</h2>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{_rows(turn, words)}</tbody></table>"
        f'<div class="choices">{"".join(download(*each) for each in saved)}</div>' + _round_form(words, turn.round + 1)
    )


def _rows(turn: Turn, words: Words) -> str:
    """One row a label: how many were right, and what the others were taken for."""
    rows = []
    for label, given in scores(turn.answers).items():
        taken = (f"{words.name(key)} × {count}" for key, count in given.most_common() if key != label)
        cells = (words.name(label), f"{given[label]} / {given.total()}", words.say("between").join(taken))
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    return "".join(rows)
