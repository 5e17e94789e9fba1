"""Where requests are answered: adverts and photos go to the workers; what comes of it is told as the schema says."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from model.legal import legal_status
from model.photo import PhotoError
from serve.advert import Advert, Judge
from serve.api.error import ApiError
from serve.api.metrics import Metrics
from serve.api.schemas import (
    Fault,
    FindingOut,
    ItemOut,
    Likely,
    MatchesOut,
    ModelOut,
    PictureOut,
    ReasonOut,
    VerdictOut,
)
from serve.api.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.classifier import Classifier
    from model.finding import Finding
    from serve.api.limits import Limits
    from serve.api.schemas import AdvertIn
    from serve.links import Known

Result = TypeVar("Result")


class Desk:
    """Answers requests with one classifier; `known` are the pictures that others are matched with."""

    def __init__(self, classifier: Classifier, limits: Limits, known: Known | None = None) -> None:
        self.classifier, self.limits, self.known = classifier, limits, known
        self.judge = Judge(classifier)
        self.judge.vet(Advert("first"))  # so that nobody waits for the tables of words
        self.workers = Workers(limits.waiting)
        self.metrics = Metrics(classifier, self.workers)

    async def vet(self, adverts: Sequence[AdvertIn]) -> list[VerdictOut]:
        """Verdicts in the order of the adverts."""
        return await self._work([partial(self._vet, advert) for advert in adverts])

    async def classify(self, pictures: Sequence[bytes]) -> ItemOut:
        """The finding of an item from its photos, of those that can be read."""
        looked = await self._work([partial(self.classifier.look, picture) for picture in pictures])
        results = [each if isinstance(each, PhotoError) else each[1] for each in looked]
        findings = [each for each in results if not isinstance(each, PhotoError)]
        item = self.classifier.combine(findings) if len(findings) > 1 else next(iter(findings), None)
        return ItemOut(
            item=self._finding(item) if item else None,
            pictures=self._pictures(pictures, results),
            bundle=self.classifier.bundle.id,
        )

    async def match(self, pictures: Sequence[bytes]) -> MatchesOut:
        """The hash of each picture, and the known pictures that it is linked to.

        Raises:
            ApiError: What hashes pictures is not installed here.
        """
        try:
            from serve.api.matching import match
        except ModuleNotFoundError:
            raise ApiError(
                501, "not_installed", "Pictures cannot be matched here: the extra links is missing."
            ) from None
        matched = await self._work([partial(match, picture, self.known, self.classifier) for picture in pictures])
        return MatchesOut(pictures=tuple(matched), bundle=self.classifier.bundle.id)

    def model(self) -> ModelOut:
        """What answers, and the limits."""
        return ModelOut(
            version=version("schreger"),
            bundle=self.classifier.bundle.id,
            engine=self.classifier.engine.name,
            precision=self.classifier.engine.precision,
            policy=self.judge.version,
            classes=tuple(self.classifier.classes),
            limits=vars(self.limits),
        )

    async def _work(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        return await asyncio.gather(*map(asyncio.wrap_future, self.workers.submit(tasks)))

    def _vet(self, given: AdvertIn) -> VerdictOut:
        """One advert, in the thread of a worker."""
        verdict = self.judge.vet(Advert(**dict(given)))
        self.metrics.verdicts.labels(verdict.verdict).inc()
        return VerdictOut(
            id=verdict.id,
            verdict=verdict.verdict,
            score=round(verdict.score, 4),
            answer=verdict.answer,
            name=self._name(verdict.answer),
            reasons=tuple(
                ReasonOut(kind=reason.kind, sentence=reason.sentence, weight=round(reason.weight, 4))
                for reason in verdict.reasons
            ),
            pictures=self._pictures(given.pictures, verdict.findings),
            policy=verdict.policy,
            bundle=verdict.bundle,
        )

    def _pictures(self, pictures: Sequence[bytes], results: Sequence[Finding | PhotoError]) -> tuple[PictureOut, ...]:
        return tuple(self._picture(picture, result) for picture, result in zip(pictures, results, strict=True))

    def _picture(self, picture: bytes, result: Finding | PhotoError) -> PictureOut:
        sha256 = hashlib.sha256(picture).hexdigest()
        if isinstance(result, PhotoError):
            self.metrics.photos.labels(result.code).inc()
            return PictureOut(sha256=sha256, error=Fault(code=result.code, message=str(result)))
        self.metrics.photos.labels(result.status).inc()
        return PictureOut(sha256=sha256, finding=self._finding(result))

    def _finding(self, finding: Finding) -> FindingOut:
        listed = legal_status(finding.answer, self.classifier.taxonomy) if finding.answer else ()
        return FindingOut(
            status=finding.status,
            answer=finding.answer,
            name=self._name(finding.answer),
            probability=round(finding.probability, 4),
            top=tuple(Likely(key=key, probability=round(probability, 4)) for key, probability in finding.top),
            unfamiliarity=round(finding.unfamiliarity, 4),
            advice=tuple(dict.fromkeys(advice for quality in finding.quality for advice in quality.advice)),
            cites=tuple(dict.fromkeys(status.appendix for status in listed)),
        )

    def _name(self, key: str | None) -> str | None:
        return self.classifier.taxonomy.name(key) if key else None
