"""What a client is told when a request is not answered: {"error": {"code", "message", "request_id"}}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import JSONResponse

from model.errors import SchregerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

BY_STATUS = {
    400: ("invalid_request", "The body cannot be read; send what its Content-Type says."),
    404: ("not_found", "There is nothing at this address; /v1/openapi.json lists what there is."),
    405: ("method_not_allowed", "This address takes another method; /v1/openapi.json says which."),
}
"""What the web framework itself refuses."""

IN_PLAIN_WORDS = {
    "extra_forbidden": "there is no such field",
    "missing": "it is needed",
    "bytes_type": "a picture must be written in base64",
    "model_type": "an object is wanted",
    "string_type": "one text is wanted, as a string",
    "string_too_long": "at most {max_length} characters are taken",
    "too_long": "at most {max_length} are taken at a time",
    "tuple_type": "a list is wanted",
    "too_short": "at least {min_length} is needed",
}
"""For clients, what pydantic says in terms of Python, by its type of error."""


class ApiError(SchregerError):
    """A request that is not answered.

    `str(error)` is one plain sentence, `code` is stable, `status` is HTTP's; `retry_after` is in whole seconds.
    """

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


def busy(seconds: int) -> ApiError:
    """There is more to do than may wait."""
    return ApiError(429, "busy", f"Too much is waiting to be looked at; try again in {seconds} seconds.", seconds)


def our_fault() -> ApiError:
    """Something broke here; the log says what, beside the id of the request."""
    return ApiError(500, "our_fault", "Something went wrong here; report it with the id of this request.")


def invalid(errors: Sequence[Any]) -> ApiError:
    """A request that is not as the schema says, from the errors that pydantic lists; the first is told."""
    first = errors[0]
    where = ".".join(map(str, first["loc"])) or "body"
    plain = IN_PLAIN_WORDS.get(first["type"])
    why = plain.format(**first.get("ctx", {})) if plain else first["msg"].rstrip(".")
    return ApiError(422, "invalid_request", f"The request cannot be used: {where}: {why}.")


def of_status(status: int) -> ApiError:
    """The error for a status that the web framework answers by itself."""
    return ApiError(status, *BY_STATUS.get(status, BY_STATUS[400]))


def to_response(error: ApiError, request_id: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to the client."""
    content = {"error": {"code": error.code, "message": str(error), "request_id": request_id}}
    own = {"retry-after": str(error.retry_after)} if error.retry_after else {}
    if error.status == 401:
        own["www-authenticate"] = "Bearer"  # clients send what they have only when they are asked
    return JSONResponse(content, error.status, {**(headers or {}), **own})
