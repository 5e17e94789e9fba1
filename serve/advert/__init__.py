"""Adverts in, verdicts out: the door for the command line, the API, the scan and the page."""

from serve.advert.advert import Advert, Reason, Verdict
from serve.advert.vet import Judge, vet, vet_all

__all__ = ["Advert", "Judge", "Reason", "Verdict", "vet", "vet_all"]
