"""What clients send and get, as pydantic models; the OpenAPI document is made of them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from model.finding import Status
from serve.advert.advert import Level
from serve.api.limits import MAX_ADVERTS, MAX_PICTURES, MAX_TEXT, MAX_WORDS


def _decoded(value: Any) -> Any:
    """The bytes of a picture that came as base64; those of a form are bytes already."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise PydanticCustomError("base64", "a picture must be written in base64") from None


Words = Annotated[str, Field(max_length=MAX_WORDS)]
Picture = Annotated[
    bytes, BeforeValidator(_decoded), WithJsonSchema({"type": "string", "format": "byte", "contentEncoding": "base64"})
]
Probability = Annotated[float, Field(ge=0, le=1)]


class Given(BaseModel):
    """What a client sends: nothing that is not asked for, so that a misspelt name does not go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AdvertIn(Given):
    """One advert. Only its title, text and pictures are judged; the url is never opened."""

    id: Words = Field("", description="Yours; it is given back.")
    platform: Words = ""
    seller: Words = ""
    url: Words = Field("", description="Text alone: it is never opened.")
    title: Words = ""
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    price: Words = ""
    currency: Words = ""
    location: Words = ""
    language: Words = ""
    posted_at: Words = ""
    seller_text: Annotated[str, Field(max_length=MAX_TEXT, description="Told among the reasons, not judged.")] = ""
    pictures: Annotated[tuple[Picture, ...], Field(max_length=MAX_PICTURES)] = ()


class AdvertsIn(Given):
    """Many adverts."""

    adverts: Annotated[tuple[AdvertIn, ...], Field(min_length=1, max_length=MAX_ADVERTS)]


class PhotosIn(Given):
    """Photos of one item."""

    pictures: Annotated[tuple[Picture, ...], Field(min_length=1, max_length=MAX_PICTURES)]


class Likely(BaseModel):
    """A class and its probability."""

    key: str
    probability: Probability


class FindingOut(BaseModel):
    """What a photo or an item probably shows."""

    status: Status
    answer: str | None = Field(description="Key of the taxonomy; null where nothing is sure enough.")
    name: str | None = Field(description="The answer in English.")
    probability: Probability = Field(description="Of the answer, or of the likeliest class where there is none.")
    top: tuple[Likely, ...] = Field(description="The five likeliest classes.")
    unfamiliarity: Probability
    advice: tuple[str, ...] = Field(description="What would make the photo better: too_dark, blurred and so on.")
    cites: tuple[str, ...] = Field(description="CITES appendices of what the answer can come from.")


class Fault(BaseModel):
    """Why a picture cannot be read."""

    code: str
    message: str


class PictureOut(BaseModel):
    """One picture, in the order sent: its finding, or else why it cannot be read."""

    sha256: str = Field(description="Of the bytes received.")
    finding: FindingOut | None = None
    error: Fault | None = None


class ReasonOut(BaseModel):
    """One reason; its weight is what it adds in log odds, 0 where it is for information."""

    kind: str
    sentence: str
    weight: float


class VerdictOut(BaseModel):
    """What becomes of an advert: a suspicion, never proof."""

    id: str
    verdict: Level
    score: Probability = Field(description="That it offers what `answer` names.")
    answer: str | None = Field(description="Key of the taxonomy; null where words and pictures name nothing.")
    name: str | None = Field(description="The answer in English.")
    reasons: tuple[ReasonOut, ...] = Field(description="Heaviest first.")
    pictures: tuple[PictureOut, ...]
    policy: str
    bundle: str


class VerdictsOut(BaseModel):
    """Verdicts in the order of the adverts."""

    verdicts: tuple[VerdictOut, ...]


class ItemOut(BaseModel):
    """What photos of one item show together, and each alone."""

    item: FindingOut | None = Field(description="Null where no photo can be read.")
    pictures: tuple[PictureOut, ...]
    bundle: str


class MatchOut(BaseModel):
    """A known picture: an entry of a hash list, or a picture of an advert, which has an `id`."""

    by: Literal["identical", "pdq", "mirrored", "embedding"] = Field(
        description="Equal bytes, a copy, a mirrored copy, or the same item."
    )
    distance: float = Field(description="Bits that differ (pdq, mirrored), or one minus the cosine (embedding).")
    entry: str | None = Field(None, description="The hash list, and its own name for the picture.")
    id: str | None = None
    seller: str | None = None
    platform: str | None = None


class MatchedOut(BaseModel):
    """One picture, in the order sent: its hash and what is like it, or else why it cannot be read."""

    sha256: str = Field(description="Of the bytes received.")
    pdq: str | None = Field(None, description="64 hexadecimal digits.")
    quality: Annotated[int, Field(ge=0, le=100)] | None = Field(None, description="Below 50 a hash is not matched.")
    matches: tuple[MatchOut, ...] = Field((), description="The strongest first.")
    error: Fault | None = None


class MatchesOut(BaseModel):
    """What pictures are linked to. Alike pictures do not show that sellers know each other."""

    pictures: tuple[MatchedOut, ...]
    bundle: str


class HealthOut(BaseModel):
    """It is up, and the model is loaded."""

    status: Literal["ok"] = "ok"


class ModelOut(BaseModel):
    """What answers, and how much it takes on."""

    version: str
    bundle: str
    engine: str
    precision: str
    policy: str
    classes: tuple[str, ...]
    limits: dict[str, float]


class ErrorOut(BaseModel):
    """Why there is no answer: a code that stays the same and one sentence for people."""

    class Detail(BaseModel):
        """The error itself; tell us its `request_id` when you report it."""

        code: str
        message: str
        request_id: str

    error: Detail
