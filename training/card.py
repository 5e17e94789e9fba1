"""The model card: generated from what a bundle was trained on and scored, never typed."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from training.evaluate.write import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from model.bundle import Description
    from model.manifest import Row
    from training.classes import Classes
    from training.evaluate.bootstrap import Figure

SPLITS = {
    "val": "Validation: chose the epoch and fitted the certainty",
    "test": "Test: other objects of the same sources",
    "source_test": "Source test: sources that training never saw",
}

FEW_SOURCES = 3

USE = """\
## Use

Meant for: a first look at a photo by an officer, an analyst or a researcher, who decides. The answer is a suspicion and
names what else it may be.

Refused: proof of anything; the species of worked ivory, its age, or whether it is legal; elephant against mammoth;
wild against captive-bred; a seizure, a ban or an accusation by this answer alone.
"""

LIMITS = """\
## Limits

- Most photos of ivory and bone come from one museum and one shop, on plain grounds. On sources that training never saw
  the figures are far lower: read the column "Source test".
- `pangolin_scale` was learned from close crops of living animals' armour. Loose, dried, heaped or bagged scales, which
  are what is seized, were not among the photos: how well they are recognised is unproven.
- Mammoth ivory counts as `ivory`. A photo of a surface does not tell them apart.
- Parrot species with few photos are answered by their genus or as "parrot"; see the table of classes.
- The shares of classes in these photos are not those of any trade: at a rare base rate most alarms are false.
"""


def write_card(
    described: Description,
    metrics: Mapping[str, Mapping[str, Figure]],
    rows: Sequence[Row],
    classes: Classes,
    file: Path,
) -> None:
    """Write MODEL_CARD.md."""
    train = [row for row in rows if row.split == "train" and row.label in classes.class_of]
    parts = (_head(described, train), USE, _figures(metrics), LIMITS, _classes(train, classes), _data(train))
    file.write_text("\n".join(parts), encoding="utf-8")


def _head(described: Description, train: Sequence[Row]) -> str:
    fitted = described.certainty
    return f"""\
# {described.name}

Tells {len(described.classes)} classes apart: ivory and what is mistaken for it, pangolin scales, parrots, and what else
is in such photos. {described.backbone} at {described.input.size} px, trained on {len(train)} photos of
{len({row.source for row in train})} sources from ImageNet weights (Apache-2.0).

Certainty, fitted on validation photos: temperature {fitted.temperature:.3f}; a node answers from probability
{fitted.threshold:.2f} (at most {fitted.target_error:.0%} of the answers given were wrong); a photo is called unfamiliar
when {fitted.unfamiliar_from:.0%} of known photos look more familiar.
"""


def _figures(metrics: Mapping[str, Mapping[str, Figure]]) -> str:
    names = list(dict.fromkeys(name for figures in metrics.values() for name in figures))
    lines = ["## Figures", "", *(f"- {SPLITS[split]}." for split in metrics), ""]
    lines += [f"| figure | {' | '.join(SPLITS[split].partition(':')[0] for split in metrics)} |"]
    lines += ["| --- " * (len(metrics) + 1) + "|"]
    for name in names:
        cells = (as_text(figures[name]) if name in figures else "-" for figures in metrics.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Value (95% interval by bootstrap over objects), number of photos.", ""])


def _classes(train: Sequence[Row], classes: Classes) -> str:
    photos = Counter(classes.class_of[row.label] for row in train)
    sources = defaultdict(set)
    merged = defaultdict(set)
    for row in train:
        key = classes.class_of[row.label]
        sources[key].add(row.source)
        if row.label != key:
            merged[key].add(row.label)
    lines = [f"A class of fewer than {FEW_SOURCES} sources may have learned the source instead: marked *.", ""]
    lines += ["| class | train photos | sources | answers also for |", "| --- | --- | --- | --- |"]
    for key in classes.keys:
        mark = "*" if len(sources[key]) < FEW_SOURCES else ""
        lines.append(f"| {key} | {photos[key]} | {len(sources[key])}{mark} | {', '.join(sorted(merged[key]))} |")
    return "\n".join(["## Classes", "", *lines, ""])


def _data(train: Sequence[Row]) -> str:
    licence = Counter(row.licence or "not stated" for row in train)
    lines = ["## Photos by licence", "", "Many photos are for research only or state no licence; none is shipped.", ""]
    lines += ["| licence as the source states it | train photos |", "| --- | --- |"]
    lines += [f"| {name.replace('|', '/')} | {count} |" for name, count in licence.most_common()]
    return "\n".join([*lines, ""])
