"""The model card: generated from what a bundle was trained on and scored, never typed."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import yaml

from model.bundle import RECIPE
from training.classes import FEW_SOURCES, left_out
from training.evaluate.figures import TOP_1
from training.evaluate.products import LEFT_ASIDE
from training.evaluate.write import as_text
from training.heaps import DRAWN, SCALES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from model.bundle import Description
    from model.manifest import Row
    from training.classes import Classes
    from training.evaluate.bootstrap import Figure

    Metrics = Mapping[str, Mapping[str, Figure]]

SPLITS = {"val": "Validation", "test": "Test", "source_test": "Source test"}
FITTED_ON = "chose the epoch and fitted the certainty"

MOST_FROM_ONE, SOURCES_LISTED = 0.5, 25
CROP = "crop"
"""In the note of a photo that is a part cut from another."""

USE = """\
## Use

Meant for: a first look at a photo by an officer, an analyst or a researcher, who decides. The answer is a suspicion and
names what else it may be.

Refused: proof of anything; the species of worked ivory, its age, or whether it is legal; elephant against mammoth;
wild against captive-bred; a seizure, a ban or an accusation by this answer alone.
"""


def write_card(described: Description, metrics: Metrics, rows: Sequence[Row], classes: Classes, file: Path) -> None:
    """Write MODEL_CARD.md; what the network started from is read from the recipe that lies beside it."""
    train = [row for row in rows if row.split == "train" and row.label in classes.class_of]
    limits = "\n".join(["## Limits", "", *(f"- {sentence}" for sentence in _limits(metrics, rows, train, classes)), ""])
    figures = _figures(metrics, _meanings(described, rows, train))
    head = _head(described, train, file.parent / RECIPE)
    parts = (head, USE, figures, limits, _classes(train, classes), _sources(train), _licences(train))
    file.write_text("\n".join(parts), encoding="utf-8")


def _head(described: Description, train: Sequence[Row], recipe: Path) -> str:
    fitted = described.certainty
    origin = f"that of {described.continued_from}, " if described.continued_from else ""
    promise = "too few answers were right to promise a share of wrong ones"
    if fitted.target_error is not None:
        promise = f"at most {fitted.target_error:.0%} of the answers given were wrong"
    return f"""\
# {described.name}

Tells {len(described.classes)} classes apart. {described.backbone} at {described.input.size} px,
trained on {len(train)} photos of {len({row.source for row in train})} sources, {_start(described, recipe)}.

Certainty, {origin}fitted on validation photos: temperature {fitted.temperature:.3f}; a node answers from probability
{fitted.threshold:.2f} ({promise}); a photo is called unfamiliar
when {fitted.unfamiliar_from:.0%} of known photos look more familiar.
{_unseen(fitted.unseen_error)}"""


def _unseen(error: float | None) -> str:
    if error is None:
        return ""
    return f"Of the answers to validation photos whose source was left out of learning, {error:.0%} were wrong.\n"


def _start(described: Description, recipe: Path) -> str:
    if described.continued_from:
        return (
            f"on top of what {described.continued_from} knew, from which the backbone and the certainty are taken;\n"
            "a class without photos below is known from its exemplars alone"
        )
    content = yaml.safe_load(recipe.read_text(encoding="utf-8")) if recipe.exists() else {}
    weights = content.get("backbone", {}).get("weights")
    named = {"package": "from ImageNet weights (Apache-2.0)", "none": "from random weights", None: "from other weights"}
    return named.get(weights, f"from the weights {weights}")


def _meanings(described: Description, rows: Sequence[Row], train: Sequence[Row]) -> dict[str, str]:
    """What the photos of each split are to this bundle."""
    old = described.continued_from
    return {
        "val": f"nothing was fitted on it, the certainty is that of {old}" if old else FITTED_ON,
        "test": "other objects of the same sources",
        "source_test": f"{_unseen_sources(rows, train)}{f'; {old} may have' if old else ''}",
    }


def _unseen_sources(rows: Sequence[Row], train: Sequence[Row]) -> str:
    """How true it is that training never saw them."""
    learned, photos = {row.source for row in train}, [row for row in rows if row.split == "source_test"]
    shared = sum(row.source in learned for row in photos)
    but = f" (but for {shared} of {len(photos)} photos, whose sources have train photos too)" if shared else ""
    return f"sources that training never saw{but}"


def _figures(metrics: Metrics, meanings: Mapping[str, str]) -> str:
    if not metrics:
        return "## Figures\n\nNothing was measured.\n"
    names = list(dict.fromkeys(name for figures in metrics.values() for name in figures))
    lines = ["## Figures", "", *(f"- {SPLITS[split]}: {meanings[split]}." for split in metrics), ""]
    lines += [f"| figure | {' | '.join(SPLITS[split] for split in metrics)} |"]
    lines += ["| --- " * (len(metrics) + 1) + "|"]
    for name in names:
        cells = (as_text(figures[name]) if name in figures else "-" for figures in metrics.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Value (95% interval by bootstrap over objects), number of photos.", ""])


def _limits(metrics: Metrics, rows: Sequence[Row], train: Sequence[Row], classes: Classes) -> Iterator[str]:
    """What the data and the figures say of themselves, a sentence or two each."""
    yield _elsewhere(metrics, _unseen_sources(rows, train))
    sources = _sources_of(train, classes)
    lonely = [f"{key} ({_largest(sources[key]):.0%})" for key in classes.keys
              if key in LEFT_ASIDE and _largest(sources[key]) > MOST_FROM_ONE]  # fmt: skip
    if lonely:
        yield (
            "Most train photos of these come from one source, whose ground and light may have been learned in place of "
            f"the thing: {', '.join(lonely)}."
        )
    for key in _cropped(train, classes):
        yield (
            f"{key} was learned from parts cut from photos of something larger. Loose, heaped or packed pieces were "
            "hardly among them: how well they are recognised is unproven."
        )
    if SCALES in classes.keys:
        drawn = sum(classes.class_of[row.label] == SCALES and _noted(DRAWN, row) for row in train)
        yield (
            "Pangolin scales are seized loose, dried, heaped or bagged, or as skins. Train photos that were drawn "
            f"to look so: {drawn}. Drawn heaps are not seized heaps: how well these are recognised is unproven."
        )
    unmeasured = _without_photos(metrics, rows, classes)
    if unmeasured:
        yield f"No photo measured shows these classes, so nothing is known of them: {', '.join(unmeasured)}."
    if "ivory" in classes.keys:
        yield "Mammoth ivory counts as ivory. A photo of a surface does not tell them apart."
    merged = {row.label for row in train if row.label != classes.class_of[row.label]}
    if merged:
        yield f"Labels with too few photos, answered by a broader name: {len(merged)}, see the table of classes."
    if few := left_out(rows, classes):
        yield few
    yield "The shares of classes in these photos are not those of any trade: at a rare base rate most alarms are false."


def _elsewhere(metrics: Metrics, unseen: str) -> str:
    at_home, elsewhere = (metrics.get(split, {}).get(TOP_1) for split in ("test", "source_test"))
    if elsewhere is None:
        return "No photo of a source that training never saw was measured: expect lower figures on such photos."
    before = f", against {at_home.value:.3f} on other objects of the sources it learned from" if at_home else ""
    return f"On {unseen}, {TOP_1} is {elsewhere.value:.3f}{before}."


def _cropped(train: Sequence[Row], classes: Classes) -> list[str]:
    """Classes most of whose photos, but for drawn ones, are parts cut from others."""
    photographed = [row for row in train if not _noted(DRAWN, row)]
    crops = Counter(classes.class_of[row.label] for row in photographed if _noted(CROP, row))
    photos = Counter(classes.class_of[row.label] for row in photographed)
    return [key for key in classes.keys if crops[key] > photos[key] / 2]


def _noted(word: str, row: Row) -> bool:
    return word in row.note.replace(";", " ").split()


def _without_photos(metrics: Metrics, rows: Iterable[Row], classes: Classes) -> list[str]:
    shown = {classes.class_of.get(row.label) for row in rows if row.split in metrics}
    return [key for key in classes.keys if key not in shown] if metrics else []


def _classes(train: Sequence[Row], classes: Classes) -> str:
    sources, merged = _sources_of(train, classes), defaultdict(set)
    for row in train:
        if row.label != classes.class_of[row.label]:
            merged[classes.class_of[row.label]].add(row.label)
    lines = [f"A class of fewer than {FEW_SOURCES} sources may have learned the source instead: marked *.", ""]
    lines += ["| class | train photos | sources | largest source | answers also for |", "| --- " * 5 + "|"]
    for key in classes.keys:
        if not sources[key]:
            lines.append(f"| {key} | 0 | 0 | - | |")
            continue
        mark = "*" if len(sources[key]) < FEW_SOURCES else ""
        cells = (key, sources[key].total(), f"{len(sources[key])}{mark}", f"{_largest(sources[key]):.0%}")
        lines.append(f"| {' | '.join(map(str, cells))} | {', '.join(sorted(merged[key]))} |")
    return "\n".join(["## Classes", "", *lines, ""])


def _sources(train: Sequence[Row]) -> str:
    photos = Counter(row.source for row in train)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for row in train:
        labels[row.source][row.label] += 1
    lines = ["## Photos by source", "", "| source | train photos | mostly |", "| --- | --- | --- |"]
    for source, count in photos.most_common(SOURCES_LISTED):
        commonest = ", ".join(label for label, _ in labels[source].most_common(3))
        lines.append(f"| {_cell(source)} | {count} | {commonest} |")
    rest = len(photos) - SOURCES_LISTED
    if rest > 0:
        left = photos.total() - sum(count for _, count in photos.most_common(SOURCES_LISTED))
        lines.append(f"| smaller sources ({rest}) | {left} |  |")
    return "\n".join([*lines, ""])


def _licences(train: Sequence[Row]) -> str:
    photos = Counter(row.licence or "not stated" for row in train)
    lines = ["## Photos by licence", "", "As the sources state them. No photo is shipped with the bundle.", ""]
    lines += ["| licence | train photos |", "| --- | --- |"]
    lines += [f"| {_cell(name)} | {count} |" for name, count in photos.most_common()]
    return "\n".join([*lines, ""])


def _sources_of(train: Sequence[Row], classes: Classes) -> dict[str, Counter[str]]:
    """How many train photos of each class are of each source."""
    counts: dict[str, Counter[str]] = {key: Counter() for key in classes.keys}
    for row in train:
        counts[classes.class_of[row.label]][row.source] += 1
    return counts


def _largest(counts: Counter[str]) -> float:
    """Share of the largest source."""
    return max(counts.values()) / counts.total() if counts else 0.0


def _cell(text: str) -> str:
    return text.replace("|", "/")
