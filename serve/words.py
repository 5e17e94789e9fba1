"""How a finding is said in a person's language. It names suspicion, never guilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from serve.texts import load_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.finding import Finding
    from model.legal import LegalStatus
    from model.photo import PhotoError, Quality
    from model.taxonomy import Taxonomy

ORDINARY: Final = frozenset({"antler", "bone", "coral", "horn", "shell", "tooth"})
"""Products that mostly come from animals nobody protects; a suspicion is not voiced for these."""


class Words:
    """Says things in one language."""

    def __init__(self, language: str, taxonomy: Taxonomy) -> None:
        self.language, self.taxonomy = language, taxonomy
        self.texts = load_texts(language)

    def say(self, text: str, /, **values: object) -> str:
        """One text, with what its braces name."""
        said: str = self.texts[text]
        return said.format_map(values) if values else said

    def several(self, text: str) -> tuple[str, ...]:
        """The sentences of a text that is a list."""
        return tuple(self.texts[text])

    def name(self, key: str) -> str:
        """The name of a node of the taxonomy."""
        return self.taxonomy.name(key, self.language)

    def percent(self, probability: float) -> str:
        """A probability as a person says it; never 0% or 100%, since nothing is that sure."""
        rounded = round(100 * probability)
        if 0 < rounded < 100:
            return self.say("percent", number=rounded)
        return self.say("over_99" if rounded else "under_1")

    def headline(self, finding: Finding) -> str:
        """The answer in one line."""
        if finding.status == "unfamiliar":
            return self.say("unfamiliar")
        if finding.status == "unusable":
            return self.say("cannot_tell", problems=self.problems(*finding.quality) or self.say("nothing_to_see"))
        if finding.answer is None:
            return self.say("cannot_tell", problems=self.say("none_likely"))
        kind, name = self.taxonomy[finding.answer].kind, self.name(finding.answer)
        broad = finding.status == "rolled_up"
        if broad:
            name = self.say("species_unclear" if kind == "taxon" else "kind_unclear", name=name)
        how = "suspected" if self.of_concern(finding.answer) else "is" if broad or kind == "other" else "looks_like"
        return _capital(self.say(how, name=name, sure=self.percent(finding.probability)))

    def remarks(self, finding: Finding) -> tuple[str, ...]:
        """What belongs right under the headline, so that nobody takes it for more than it is."""
        return tuple(self._remarks(finding))

    def _remarks(self, finding: Finding) -> Iterator[str]:
        if len(finding.photos) > 1:
            yield self.say("together", count=len(finding.photos))
        if finding.status == "unusable":
            return
        if finding.status == "unfamiliar":
            yield self.say("more_familiar", share=self.percent(finding.unfamiliarity))
            return
        likeliest, probability = finding.top[0]
        if finding.answer is not None and self.of_concern(finding.answer):
            yield self.say("is_not")
        if finding.status == "rolled_up":
            yield self.say("likeliest_unsure", name=self.name(likeliest), sure=self.percent(probability))
        elif finding.answer is not None and self._leaves_species_open(finding.answer):
            yield self.say("species_unnamed", name=self.name(finding.answer))

    def of_concern(self, key: str) -> bool:
        """Whether to speak of suspicion: products of animals that trade threatens. Look-alikes and animals are not."""
        return self.taxonomy[key].kind == "product" and key not in ORDINARY

    def likeliest_title(self, finding: Finding) -> str:
        """What stands over the list of the likeliest classes."""
        return self.say("likeliest_title" if finding.answer else "guesses_title")

    def next_steps(self, finding: Finding) -> tuple[str, ...]:
        """What to check on the thing, or to photograph next: mend the photos first, then look where it matters."""
        remedies = [self.say(f"remedy_{key}") for key in _advice(*finding.quality)]
        checks = self.taxonomy.checks(finding.answer, self.language) if finding.answer else ()
        if finding.answer and not checks:
            checks = self.taxonomy.checks(finding.top[0][0], self.language)
        return (*remedies, *(checks or self.several("how_to")))

    def look_alikes(self, finding: Finding) -> tuple[str, ...]:
        """Names of what the answer is mistaken for."""
        keys = self.taxonomy.look_alikes(finding.answer) if finding.answer else ()
        return tuple(self.name(key) for key in keys)

    def handling(self, finding: Finding) -> tuple[str, tuple[str, ...]] | None:
        """How to handle what the answer or the likeliest class names: a title and sentences, where there is any."""
        kind = self.taxonomy[finding.answer or finding.top[0][0]].kind
        if kind == "other" or finding.status == "unusable":
            return None
        name = "alive" if kind == "taxon" else "handling"
        return self.say(f"{name}_title"), self.several(name)

    def no_listing(self, finding: Finding) -> str:
        """What stands in place of the table of listings when it has no rows."""
        if finding.answer is None:
            return self.say("legal_unknown")
        return self.say("no_listing", name=self.name(finding.answer))

    def appendix(self, status: LegalStatus) -> str:
        """The listing in words."""
        return self.say(f"appendix_{status.appendix}")

    def evidence_caption(self, finding: Finding) -> str:
        """What the colours over a photo speak for: the likeliest class that its answer covers."""
        covered = (key for key, _ in finding.probabilities if finding.answer in (None, *self.taxonomy.lineage(key)))
        return self.say("evidence_of", name=self.name(next(covered)))

    def problems(self, *qualities: Quality) -> str:
        """What is wrong with photos, in one line; empty when all is well."""
        return self.say("between").join(self.say(f"problem_{key}") for key in _advice(*qualities))

    def photo_error(self, error: PhotoError) -> str:
        """Why a file cannot be used."""
        return self.say(f"error_{error.code}")

    def _leaves_species_open(self, key: str) -> bool:
        node = self.taxonomy[key]
        return node.kind == "taxon" and node.rank not in ("species", "subspecies")


def _advice(*qualities: Quality) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for quality in qualities for key in quality.advice))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
