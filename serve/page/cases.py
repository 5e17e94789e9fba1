"""The addresses of cases: their list, a case, a photo of it, and what is saved and corrected there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from model.classifier import DECODE_SIDE
from model.photo import PhotoError, open_photo, thumbnail
from serve.page.casepages import all_cases, one_case, problem
from serve.page.plain import form_of, headers_of, language_of
from serve.page.tray import MAX_PHOTOS
from serve.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from serve.casebook import User
    from serve.page.desk import Desk
    from serve.page.tray import Tray

NOT_KEPT: Final = {"cache-control": "no-store"}


class Cases:
    """Answers whoever `serve.page.signin` let in."""

    def __init__(self, desk_of: Callable[[User], Desk], tray: Tray) -> None:
        self.desk_of, self.tray = desk_of, tray
        case = "/cases/{case}"
        self.routes = [
            Route("/cases", self._list, methods=["GET"]),
            Route("/cases", self._save, methods=["POST"]),
            Route(case, self._show, methods=["GET"]),
            Route(case, self._correct, methods=["POST"]),
            Route(f"{case}/{{sha256}}", self._photo, methods=["GET"]),
        ]

    def _list(self, request: Request) -> Response:
        return _html(all_cases(self._desk(request), self._words(request)))

    def _show(self, request: Request) -> Response:
        desk, words = self._desk(request), self._words(request)
        file = desk.case(request.path_params["case"])
        if file is None:
            return _html(problem(desk, words.say("case_gone"), words), 404)
        return _html(one_case(desk, file, words, saved="saved" in request.query_params))

    def _photo(self, request: Request) -> Response:
        """A photo as any browser can show it, upright, without its metadata."""
        content = self._desk(request).photo(request.path_params["case"], request.path_params["sha256"])
        try:
            photo = open_photo(content or b"", max_side=DECODE_SIDE)
        except PhotoError:
            return Response(status_code=404)
        return Response(thumbnail(photo.pixels, DECODE_SIDE), media_type="image/webp", headers=NOT_KEPT)

    async def _save(self, request: Request) -> Response:
        form = await form_of(request.receive)
        return await run_in_threadpool(self._save_form, request, form)

    def _save_form(self, request: Request, form: dict[str, list[str]]) -> Response:
        desk, words = self._desk(request), self._words(request)
        old, name, title = (_line(form, field) for field in ("case", "name", "title"))
        if old and desk.case(old) is None:
            return _html(problem(desk, words.say("case_gone"), words), 404)
        if not old and not name:
            return _html(problem(desk, words.say("name_missing"), words), 400)
        if not old and desk.is_taken(name):
            return _html(problem(desk, words.say("name_taken"), words), 409)
        number = desk.save(self.tray, form.get("photo", [])[:MAX_PHOTOS], old or name, title, new=not old)
        if number is None:
            return _html(problem(desk, words.say("gone"), words), 410)
        case = old or next(case.id for case, _ in desk.cases() if case.ref == name)
        return RedirectResponse(f"/cases/{case}?saved", 303)

    async def _correct(self, request: Request) -> Response:
        form = await form_of(request.receive)
        return await run_in_threadpool(self._correct_form, request, form)

    def _correct_form(self, request: Request, form: dict[str, list[str]]) -> Response:
        desk, words = self._desk(request), self._words(request)
        item, label, why = (_line(form, field) for field in ("item", "label", "why"))
        file = desk.case(request.path_params["case"])
        numbers = [str(each.item.number) for each in file.items] if file and desk.user.may_correct else []
        if file is None or item not in numbers or label not in words.taxonomy:
            return _html(problem(desk, words.say("case_gone"), words), 404)
        if not why:
            return _html(one_case(desk, file, words, wrong=words.say("why_missing")), 400)
        desk.correct(file.case.id, int(item), label, why)
        return RedirectResponse(f"/cases/{file.case.id}?saved", 303)

    def _desk(self, request: Request) -> Desk:
        return self.desk_of(request.scope["user"])

    def _words(self, request: Request) -> Words:
        return Words(language_of(headers_of(request.scope)), self.tray.classifier.taxonomy)


def _line(form: dict[str, list[str]], field: str) -> str:
    """What stands in a field, without what nobody can see."""
    return "".join(letter for letter in form.get(field, [""])[0] if letter.isprintable()).strip()


def _html(page: str, status: int = 200) -> Response:
    return HTMLResponse(page, status, NOT_KEPT)
