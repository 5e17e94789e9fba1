"""Adverts in, verdicts out: the door for the command line, the API, the scan and the page."""

from serve.advert.advert import Advert, Reason, Verdict
from serve.advert.vet import vet, vet_all

__all__ = ["Advert", "Reason", "Verdict", "vet", "vet_all"]
