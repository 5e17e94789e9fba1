"""What a monitor reads of the API at /v1/metrics, in the text format of Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

if TYPE_CHECKING:
    from model.classifier import Classifier
    from serve.api.workers import Workers

__all__ = ["CONTENT_TYPE", "Metrics"]

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60)


class Metrics:
    """Counts what happens; safe between threads. `requests` also says how long answers took."""

    def __init__(self, classifier: Classifier, workers: Workers) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "schreger_request_seconds",
            "Time from a request to the end of its answer; status 499 is a client that left.",
            ("path", "status"),
            registry=self.registry,
            buckets=SECONDS,
        )
        self.verdicts = Counter("schreger_verdicts", "Adverts by verdict.", ("verdict",), registry=self.registry)
        self.photos = Counter(
            "schreger_photos", "Photos by status, or by why they cannot be read.", ("outcome",), registry=self.registry
        )
        waiting = Gauge("schreger_waiting", "Adverts and photos that wait for a core.", registry=self.registry)
        waiting.set_function(lambda: workers.waiting)
        engine = classifier.engine
        used = {"bundle": classifier.bundle.id, "engine": engine.name, "precision": engine.precision}
        Info("schreger_model", "The model that answers.", registry=self.registry).info(used)

    def text(self) -> bytes:
        """All of it as it is now."""
        return generate_latest(self.registry)
