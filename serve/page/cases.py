"""The addresses of cases, in each language: their list, a case, a photo and the report of it, and what is written
there.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo, thumbnail
from serve.casebook import CasebookError
from serve.page.angle import Cut, note_of
from serve.page.casepages import MAX_NOTE, all_cases, cases_of, one_case, problem
from serve.page.plain import answer, form_of, printable
from serve.page.tray import MAX_PHOTOS, Seen
from serve.words import Words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from serve.casebook import CaseFile, User
    from serve.page.desk import Desk
    from serve.page.tray import Tray

    Report = Callable[[CaseFile, str], bytes]
    Form = dict[str, list[str]]

SAVED: Final = 1000
"""Forms that are remembered, so that none is saved twice."""

NOT_KEPT: Final = {"cache-control": "no-store"}
LOG: Final = logging.getLogger(__name__)


class Cases:
    """Answers whoever `serve.page.signin` let in. `report` writes that of a case in a language, where reports can be
    made.
    """

    def __init__(self, desk_of: Callable[[User], Desk], tray: Tray, report: Report | None) -> None:
        self.desk_of, self.tray, self.report = desk_of, tray, report
        self._reporting, self._saving = asyncio.Lock(), threading.Lock()
        self._saved: dict[tuple[str, str], str] = {}  # where a form of a user led to
        cases, case = "/{language}/cases", "/{language}/cases/{case}"
        self.routes = [
            Route(cases, self._list, methods=["GET"]),
            Route(cases, _posted(self._save), methods=["POST"]),
            Route(case, self._show, methods=["GET"]),
            Route(case, _posted(self._correct), methods=["POST"]),
            Route(f"{case}/notes", _posted(self._note), methods=["POST"]),
            Route(f"{case}/report.pdf", self._report, methods=["GET"]),
            Route(f"{case}/{{sha256}}", self._photo, methods=["GET"]),
        ]

    def _list(self, request: Request) -> Response:
        return answer(200, all_cases(self._desk(request), self._words(request)))

    def _show(self, request: Request) -> Response:
        desk, words = self._desk(request), self._words(request)
        file = desk.case(request.path_params["case"])
        if file is None:
            return answer(404, problem(desk, "case_gone", words))
        return self._page(desk, file, words, saved=request.query_params.get("saved"))

    def _photo(self, request: Request) -> Response:
        """A photo as any browser can show it, upright, without its metadata."""
        content = self._desk(request).photo(request.path_params["case"], request.path_params["sha256"])
        try:
            photo = open_photo(content or b"", max_side=DECODE_SIDE)
        except PhotoError:
            return Response(status_code=404)
        return Response(thumbnail(photo.pixels, DECODE_SIDE), media_type="image/webp", headers=NOT_KEPT)

    async def _report(self, request: Request) -> Response:
        """The report as a PDF file. It checks the whole casebook first, so there is one at a time; who waits for it
        holds no thread, which others need.
        """
        async with self._reporting:
            return await run_in_threadpool(self._report_now, request)

    def _report_now(self, request: Request) -> Response:
        desk, words = self._desk(request), self._words(request)
        file = desk.case(request.path_params["case"])
        if file is None or self.report is None:
            return answer(404, problem(desk, "case_gone", words))
        try:
            pdf = self.report(file, words.language)
        except CasebookError:
            LOG.exception("A report could not be written.")
            return answer(500, problem(desk, "our_fault", words))
        named = {"content-disposition": f'attachment; filename="case-{file.case.id[:12]}.pdf"'}
        return Response(pdf, media_type="application/pdf", headers={**NOT_KEPT, **named})

    def _save(self, request: Request, form: Form) -> Response:
        """A form that comes again, as from a finger that tapped twice, is answered as it was the first time."""
        sent = self._desk(request).user.login, str(form)
        with self._saving:
            if address := self._saved.get(sent):
                return RedirectResponse(address, 303)
            response = self._save_once(request, form)
            if response.status_code == 303:
                self._saved[sent] = response.headers["location"]
                for oldest in [*self._saved][:-SAVED]:
                    del self._saved[oldest]
        return response

    def _save_once(self, request: Request, form: Form) -> Response:
        desk, words = self._desk(request), self._words(request)
        old, name, title = (_line(form, field) for field in ("case", "name", "title"))
        if old and desk.case(old) is None:
            return answer(404, problem(desk, "case_gone", words))
        if not old and not name:
            return answer(400, problem(desk, "name_missing", words))
        if not old and desk.is_taken(name):
            return answer(409, problem(desk, "name_taken", words))
        photos, marks = form.get("photo", [])[:MAX_PHOTOS], _line(form, "marks")
        note = self._angles(photos, marks, desk, words) if marks else ""
        is_measured = bool(note) or not marks
        if not is_measured or desk.save(self.tray, photos, old or name, title, new=not old, note=note) is None:
            return answer(410, problem(desk, "gone", words))
        case = old or next(case.id for case, _ in desk.cases() if case.ref == name)
        return RedirectResponse(f"{cases_of(words)}/{case}?saved={'angle' if marks else 'photos'}", 303)

    def _angles(self, photos: list[str], marks: str, desk: Desk, words: Words) -> str:
        """The record of angles on one photo, measured again here; empty where there is none."""
        looked = self.tray.look(photos, desk.user.login)
        if len(looked) != 1 or not isinstance(seen := looked[0], Seen):
            return ""
        return note_of(marks, Cut(seen.sha256, seen.width, seen.height), words)

    def _note(self, request: Request, form: Form) -> Response:
        desk, words = self._desk(request), self._words(request)
        file = desk.case(request.path_params["case"])
        if file is None:
            return answer(404, problem(desk, "case_gone", words))
        lines = form.get("text", [""])[0][:MAX_NOTE].splitlines()
        text = "\n".join(map(printable, lines)).strip()
        if not text:
            return self._page(desk, file, words, wrong=words.say("note_missing"))
        desk.note(file.case.id, text)
        return RedirectResponse(f"{cases_of(words)}/{file.case.id}?saved=", 303)

    def _correct(self, request: Request, form: Form) -> Response:
        desk, words = self._desk(request), self._words(request)
        item, label, why = (_line(form, field) for field in ("item", "label", "why"))
        file = desk.case(request.path_params["case"])
        numbers = [str(each.item.number) for each in file.items] if file and desk.user.may_correct else []
        if file is None or item not in numbers or label not in words.taxonomy:
            return answer(404, problem(desk, "case_gone", words))
        if not why:
            return self._page(desk, file, words, wrong=words.say("why_missing"))
        desk.correct(file.case.id, int(item), label, why)
        return RedirectResponse(f"{cases_of(words)}/{file.case.id}?saved=", 303)

    def _page(self, desk: Desk, file: CaseFile, words: Words, saved: str | None = None, wrong: str = "") -> Response:
        page = one_case(desk, file, words, self.report is not None, saved, wrong)
        return answer(400 if wrong else 200, page)

    def _desk(self, request: Request) -> Desk:
        return self.desk_of(request.scope["user"])

    def _words(self, request: Request) -> Words:
        return Words(request.path_params["language"], self.tray.classifier.taxonomy)


def _posted(act: Callable[[Request, Form], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Answers a form that was sent, off the event loop."""

    async def answered(request: Request) -> Response:
        return await run_in_threadpool(act, request, await form_of(request))

    return answered


def _line(form: Form, field: str) -> str:
    """What stands in a field."""
    return printable(form.get(field, [""])[0])
