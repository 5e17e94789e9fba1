"""Composes the API: addresses, desk, guard, and one shape for everything that goes wrong."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from serve.api.desk import Desk
from serve.api.error import ApiError, of_status, our_fault, to_response
from serve.api.guard import Guard
from serve.api.limits import Limits
from serve.api.routes import PREFIX, public, router

if TYPE_CHECKING:
    from model.classifier import Classifier
    from serve.api.keys import Keys
    from serve.links import Known

OPENAPI = f"{PREFIX}/openapi.json"
ABOUT = "Judges adverts by pictures and words, and says what photos show. It gives a suspicion, never proof."


def build_api(
    classifier: Classifier, keys: Keys | None = None, limits: Limits | None = None, known: Known | None = None
) -> Guard:
    """The API as an ASGI app that answers below PREFIX. Without keys, whoever reaches it may use it.

    `known` are pictures that those sent to be matched are looked for among.
    """
    desk = Desk(classifier, limits or Limits(), known)
    app = FastAPI(
        title="schreger",
        version=version("schreger"),
        description=ABOUT,
        openapi_url=OPENAPI,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.include_router(public)
    # The guard checks keys; this tells the OpenAPI document that they are needed.
    app.include_router(router, dependencies=[Security(HTTPBearer(auto_error=False))] if keys else [])
    app.add_exception_handler(ApiError, _tell)
    app.add_exception_handler(HTTPException, _tell)
    app.add_exception_handler(Exception, _tell)
    return Guard(app, desk, keys, {OPENAPI, *_paths(public)}, {OPENAPI, *_paths(public), *_paths(router)})


def _paths(router: APIRouter) -> set[str]:
    return {route.path for route in router.routes if isinstance(route, APIRoute)}


async def _tell(request: Request, raised: Exception) -> Response:
    """Whatever is raised, as the error that a client reads."""
    headers = None
    if isinstance(raised, ApiError):
        error = raised
    elif isinstance(raised, HTTPException):
        error, headers = of_status(raised.status_code), raised.headers  # a 405 says in them what is allowed
    else:
        error = our_fault()
    return to_response(error, request.state.request_id, headers)
