"""The addresses below /v1, and how a request's body is read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from serve.api.desk import Desk
from serve.api.error import ApiError, invalid
from serve.api.limits import MAX_PICTURES, MAX_TEXT
from serve.api.metrics import CONTENT_TYPE
from serve.api.schemas import (
    AdvertIn,
    AdvertsIn,
    ErrorOut,
    Given,
    HealthOut,
    ItemOut,
    MatchesOut,
    ModelOut,
    PhotosIn,
    VerdictOut,
    VerdictsOut,
)

PREFIX = "/v1"
ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body cannot be read."},
    401: {"description": "The key is missing or not known."},
    408: {"description": "The request took too long to arrive."},
    411: {"description": "The length of the body is not said."},
    413: {"description": "The body is too large."},
    415: {"description": "The body is neither a form nor JSON."},
    422: {"description": "The request is not as the schema says."},
    429: {"description": "Too much is waiting, or too much was asked; Retry-After says in seconds when to try again."},
    503: {"description": "It took too long."},
}
NOT_HERE: dict[str, Any] = {"model": ErrorOut, "description": "What it takes is not installed on this server."}

Body = TypeVar("Body", bound=Given)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
public = APIRouter(prefix=PREFIX)
router = APIRouter(prefix=PREFIX, responses={status: {"model": ErrorOut, **said} for status, said in ERRORS.items()})


def _batch() -> dict[str, Any]:
    """The body of a batch for the OpenAPI document."""
    schema = AdvertsIn.model_json_schema()
    schema["properties"]["adverts"]["items"] = schema.pop("$defs")["AdvertIn"]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _body(model: type[Given]) -> dict[str, Any]:
    """A body for the OpenAPI document: JSON with pictures in base64, or a form with pictures as files."""
    schema = model.model_json_schema()
    pictures = schema["properties"]["pictures"] | {"items": {"type": "string", "format": "binary"}}
    form = schema | {"properties": schema["properties"] | {"pictures": pictures}}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


@public.get("/health")
async def health() -> HealthOut:
    """Whether it is up."""
    return HealthOut()


@router.get("/model")
async def model(desk: AtDesk) -> ModelOut:
    """What answers: bundle, engine, policy, classes; and the limits."""
    return desk.model()


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE.partition(";")[0]: {}}}})
async def metrics(desk: AtDesk) -> Response:
    """What a monitor reads, in the text format of Prometheus."""
    return Response(desk.metrics.text(), media_type=CONTENT_TYPE)


@router.post("/vet", openapi_extra=_body(AdvertIn))
async def vet(request: Request, desk: AtDesk) -> VerdictOut:
    """Judge one advert by its pictures and words."""
    (verdict,) = await desk.vet([await _read(request, AdvertIn)])
    return verdict


@router.post("/vet/batch", openapi_extra=_batch())
async def vet_batch(request: Request, desk: AtDesk) -> VerdictsOut:
    """Judge many adverts; the verdicts come in their order."""
    batch = await _read(request, AdvertsIn, forms=False)
    return VerdictsOut(verdicts=tuple(await desk.vet(batch.adverts)))


@router.post("/classify", openapi_extra=_body(PhotosIn))
async def classify(request: Request, desk: AtDesk) -> ItemOut:
    """Say what photos of one item show."""
    return await desk.classify((await _read(request, PhotosIn)).pictures)


@router.post("/match", openapi_extra=_body(PhotosIn), responses={501: NOT_HERE})
async def match(request: Request, desk: AtDesk) -> MatchesOut:
    """Hash pictures, and look for them among those that this server knows."""
    return await desk.match((await _read(request, PhotosIn)).pictures)


async def _read(request: Request, model: type[Body], forms: bool = True) -> Body:
    """The body of a request: JSON, or a form where forms are taken.

    Raises:
        ApiError: It is of another kind, or not as the model says.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            return model.model_validate_json(await request.body())
        if forms and kind == "multipart/form-data":
            return model.model_validate(await _form(request))
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False)) from None
    except MultiPartException as error:
        raise ApiError(400, "invalid_request", f"The form cannot be read: {error.message.rstrip('.')}.") from None
    kinds = "multipart/form-data or application/json" if forms else "application/json"
    raise ApiError(415, "unsupported_media_type", f"Send {kinds}.")


class _Parser(MultiPartParser):
    """Refuses a form that was cut off: the part that was cut would be missing without a word."""

    spool_max_size = 2**40  # never to a disk; the body was limited before
    _ended = False

    def on_end(self) -> None:
        self._ended = True

    async def parse(self) -> FormData:
        self.stream = self._whole(self.stream)  # what the stream raises closes the files that were begun
        return await super().parse()

    async def _whole(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            yield chunk
        if not self._ended:
            raise MultiPartException("The boundary that closes it is missing")


async def _form(request: Request) -> dict[str, Any]:
    """The fields of a form: `pictures` is a list of files, any other is one text."""
    limits = {"max_files": 10 * MAX_PICTURES, "max_fields": 100, "max_part_size": 4 * MAX_TEXT + 4}
    form = await _Parser(request.headers, request.stream(), **limits).parse()
    try:
        return {name: await _field(name, form.getlist(name)) for name in form}
    finally:
        await form.close()


async def _field(name: str, values: list[UploadFile | str]) -> Any:
    if name == "pictures":
        return [await _content(value) for value in values]
    return values[0] if len(values) == 1 else values  # a list is no text, and is refused


async def _content(file: UploadFile | str) -> bytes:
    if isinstance(file, str):
        raise ApiError(422, "invalid_request", "The request cannot be used: send each of the pictures as a file.")
    return await file.read()
