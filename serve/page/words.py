"""Every sentence of the page, and how a finding is said. It names suspicion, never guilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.finding import Finding, Rule
    from model.legal import LegalStatus
    from model.taxonomy import Taxonomy

TITLE: Final = "schreger"
PURPOSE: Final = (
    "What does this photo probably show? Ivory, bone, resin and other materials, pangolin scales, parrots and other "
    "animals."
)
IS_NOT: Final = "A suspicion, not proof. A photo does not show species of worked ivory, age, or legality."
PRIVACY: Final = "The photo is used for this answer only and is not kept."

CHOOSE: Final = "Choose a photo"
TAKE: Final = "Take a photo"
OR_DROP: Final = "or drop one here, or paste one"
TRY: Final = "Or try:"
EXAMPLES: Final = {"lion.jpg": "a lion", "cheetah1.jpg": "a cheetah", "tower.jpg": "a tower"}

UPLOADING: Final = {
    "sending": "Sending the photo …",
    "looking": "Looking at it …",
    "too_large": "This file is larger than 20 MB; send a smaller one.",
    "not_sent": "The photo did not arrive; check the connection and try again.",
    "no_camera": "No camera can be used here; choose a photo instead.",
}
SHOOT: Final = "Take the picture"
CLOSE_CAMERA: Final = "Close the camera"

WAITING: Final = "The answer appears here."
HOW_TO_TITLE: Final = "For a photo that can be answered"
HOW_TO: Final = (
    "Show the whole thing against a plain background, in even light without flash.",
    "Then go close, square to the surface, to a cut end, a break or a worn edge: grain and pores show there.",
    "Put a ruler or a coin beside it, and send the camera's own file rather than a copy from a chat.",
)

LIKELIEST_TITLE: Final = "The five likeliest"
GUESSES_TITLE: Final = "Nearest guesses, not an answer"
NEXT_TITLE: Final = "What to check or photograph next"
MISTAKEN_TITLE: Final = "Often mistaken for"
LEGAL_TITLE: Final = "CITES listing"
LEGAL_COLUMNS: Final = ("Taxon", "Listing", "Remarks", "Source", "As of")
LEGAL_NOTE: Final = (
    "Listings of what such a thing can come from, with their source and date. They change: check the lists in force. "
    "They say nothing about this one item."
)
LEGAL_UNKNOWN: Final = "No answer, so no listing is shown."
NOT_DETERMINED: Final = "Not determined"
APPENDIX: Final = {
    "I": "Appendix I",
    "II": "Appendix II",
    "III": "Appendix III",
    "mixed": "Differs by species or population",
    "none": "Not listed",
    "not_determined": NOT_DETERMINED,
}
UNCERTAIN: Final = "Not certain:"

PHOTO_ALT: Final = "The photo, upright"
STRENGTH: Final = "Evidence over the photo"
ABOUT: Final = {"rule": "Decided by", "bundle": "Model", "sha256": "SHA-256 of the file received", "file": "File"}
RULES: Final[dict[Rule, str]] = {
    "nothing_to_see": "there is nothing to see",
    "unlike_known_photos": "the photo is unlike those that the model learned from",
    "class_sure": "one kind is sure enough",
    "parent_sure": "no kind is sure enough, but something broader is",
    "none_sure": "nothing is sure enough, however broad",
}

GONE: Final = "The photo is no longer here; choose it again."
OUR_FAULT: Final = "Something went wrong here, not with your photo; try it again."

ORDINARY: Final = frozenset({"antler", "bone", "coral", "horn", "shell", "tooth"})
"""Products that mostly come from animals nobody protects; a suspicion is not voiced for these."""

ADVICE: Final = {
    "too_dark": ("too dark", "Photograph it again in more light."),
    "too_bright": ("too bright", "Photograph it again in softer light, without flash."),
    "blurred": ("blurred", "Hold still, let the camera focus, and photograph it again."),
    "too_small": ("too small", "Go closer, or send the photo in its full size."),
    "low_contrast": ("too little contrast", "Photograph it against a background of another colour."),
}
"""For each advice of a photo's quality: what is wrong, and what to do about it."""


def percent(probability: float) -> str:
    """A probability as a person says it; never 0% or 100%, since nothing is that sure."""
    rounded = round(100 * probability)
    return "over 99%" if rounded >= 100 else "under 1%" if rounded <= 0 else f"{rounded}%"


def headline(finding: Finding, taxonomy: Taxonomy) -> str:
    """The answer in one line."""
    if finding.status == "unfamiliar":
        return "Unlike anything this model knows"
    if finding.status == "unusable":
        return f"Cannot tell: {'; '.join(_problems(finding)) or 'there is nothing to see in this photo'}"
    if finding.answer is None:
        return "Cannot tell: no answer is likely enough"
    node, name, sure = taxonomy[finding.answer], taxonomy.name(finding.answer), percent(finding.probability)
    if finding.status == "rolled_up":
        name += ", species unclear" if node.kind == "taxon" else ", kind unclear"
    if of_concern(finding.answer, taxonomy):
        return f"Suspected {name}, {sure}"
    if finding.status == "rolled_up" or node.kind == "other":
        return f"{_capital(name)}, {sure}"
    return f"Looks like {name}, {sure}"


def remarks(finding: Finding, taxonomy: Taxonomy) -> tuple[str, ...]:
    """What belongs right under the headline, so that nobody takes it for more than it is."""
    return tuple(_remarks(finding, taxonomy))


def _remarks(finding: Finding, taxonomy: Taxonomy) -> Iterator[str]:
    if finding.status == "unusable":
        return
    if finding.status == "unfamiliar":
        share = _capital(percent(finding.unfamiliarity))
        yield f"{share} of known photos look more familiar; an answer would be a guess."
        return
    likeliest, probability = finding.top[0]
    if finding.answer is not None and of_concern(finding.answer, taxonomy):
        yield IS_NOT
    if finding.status == "rolled_up":
        yield f"Likeliest: {taxonomy.name(likeliest)}, {percent(probability)}, not sure enough for an answer."
    elif finding.answer is not None and _unnamed_species(finding.answer, taxonomy):
        yield f"Which species of {taxonomy.name(finding.answer)} it is, this model does not say."


def of_concern(key: str, taxonomy: Taxonomy) -> bool:
    """Whether to speak of suspicion: products of animals that trade threatens. Look-alikes and animals are not."""
    return taxonomy[key].kind == "product" and key not in ORDINARY


def likeliest_title(finding: Finding) -> str:
    """What stands over the list of the likeliest classes."""
    return LIKELIEST_TITLE if finding.answer else GUESSES_TITLE


def next_steps(finding: Finding, taxonomy: Taxonomy) -> tuple[str, ...]:
    """What to check on the thing, or to photograph next: mend the photo first, then look where it matters."""
    remedies = [ADVICE[key][1] for key in _advice(finding) if key in ADVICE]
    checks = taxonomy.checks(finding.answer) if finding.answer else ()
    if finding.answer and not checks:
        checks = taxonomy.checks(finding.top[0][0])
    return (*remedies, *(checks or HOW_TO))


def look_alikes(finding: Finding, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Names of what the answer is mistaken for."""
    keys = taxonomy.look_alikes(finding.answer) if finding.answer else ()
    return tuple(taxonomy.name(key) for key in keys)


def no_listing(finding: Finding, taxonomy: Taxonomy) -> str:
    """What stands in place of the table of listings when it has no rows."""
    if finding.answer is None:
        return LEGAL_UNKNOWN
    return f"No listing is recorded here for {taxonomy.name(finding.answer)}."


def appendix(status: LegalStatus) -> str:
    """The listing in words."""
    return APPENDIX.get(status.appendix, NOT_DETERMINED)


def evidence_caption(finding: Finding, taxonomy: Taxonomy) -> str:
    """What the colours over the photo mean, and what they do not."""
    name = taxonomy.name(finding.top[0][0])
    where = f"Where the photo spoke for “{name}”: yellow the most, no colour hardly at all."
    return f"{where} This is what the model looked at, not proof."


def photo_size(kind: str, width: int, height: int) -> str:
    """The received file in a few words."""
    return f"{kind}, {width} × {height} pixels"


def _advice(finding: Finding) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for quality in finding.quality for key in quality.advice))


def _problems(finding: Finding) -> list[str]:
    return [ADVICE[key][0] if key in ADVICE else key.replace("_", " ") for key in _advice(finding)]


def _unnamed_species(key: str, taxonomy: Taxonomy) -> bool:
    return taxonomy[key].kind == "taxon" and taxonomy[key].rank not in ("species", "subspecies")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
