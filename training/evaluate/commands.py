"""`schreger evaluate`: one bundle on labelled photos, or two on the same."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import typer

from model.bundle import DEFAULT
from model.classifier import Classifier
from model.errors import SchregerError
from model.manifest import Row, Split, read_manifest
from training.atomic import writing
from training.evaluate.compare import compare
from training.evaluate.floor import check_floor, measure_floor
from training.evaluate.gaps import learned, strange_labels
from training.evaluate.measure import Measured, measure
from training.evaluate.page import write_comparison_page, write_page
from training.evaluate.plots import PLOTS, plot_all
from training.evaluate.report import make_report
from training.evaluate.sheets import SHEETS, write_sheets
from training.evaluate.tables import TABLES, write_files
from training.evaluate.write import print_comparison, print_figures, write_metrics
from training.labelled import find_photos
from training.memory import keep_freed_memory
from training.recipe import Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model.photo import PhotoError
    from training.evaluate.robustness import Robustness
    from training.evaluate.sources import LeftOut

COMPARISON, PAGE = "compare.json", "index.html"
SOME_UNREADABLE, MAY_NOT_REPLACE = 3, 4


class EvaluateError(SchregerError):
    """There is nothing to evaluate on, or nowhere to write."""


@dataclass(frozen=True)
class EvaluationSet:
    """The rows to evaluate, of one split or any; all rows of their manifest; its digest; where a row's photo lies."""

    chosen: list[Row]
    split: str
    rows: list[Row]
    digest: str
    locate: Callable[[Row], Path]


def command(
    out: Path,
    manifest: Path | None,
    split: str | None,
    bundle: str | None,
    data: Path | None,
    compare: tuple[str, str] | None,
    accept_unverified: bool,
    **wanted: bool,
) -> int:
    """Write what a bundle scores, or how two differ, to a folder; print the figures; return the exit status."""
    check_options(bundle, compare, accept_unverified, any(wanted.values()))
    keep_freed_memory()
    photos = read_photos(manifest, data, split)
    if compare:
        refuse_train(photos)
    with writing(out, EvaluateError):
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()  # now, not after the work
    first, *others = (Classifier.load(name) for name in compare or (DEFAULT if bundle is None else bundle,))
    if others:
        return compare_bundles(first, others[0], photos, out, accept_unverified)
    if wanted["baseline"]:
        check_floor(first, photos.rows)
    return evaluate_bundle(first, photos, out, Evaluation(**wanted))


def check_options(
    bundle: str | None, compare: tuple[str, str] | None, accept_unverified: bool, more_wanted: bool
) -> None:
    """Refuse an option that would be ignored.

    Raises:
        EvaluateError: There is one.
    """
    if compare and more_wanted:
        raise EvaluateError("--compare stands alone: evaluate each bundle for what the other options show.")
    if compare and bundle is not None:
        raise EvaluateError("--compare names both bundles: leave --bundle away.")
    if accept_unverified and not compare:
        raise EvaluateError("--accept-unverified is for --compare alone: leave it away.")


def refuse_train(photos: EvaluationSet) -> None:
    """Let no photo decide between two bundles that one of them may know by heart.

    Raises:
        EvaluateError: There is such a photo.
    """
    count = sum(row.split == "train" for row in photos.chosen)
    if count:
        raise EvaluateError(
            f"{count} of these photos are of split train, which a bundle may have learned from, so they cannot decide: "
            "compare on others, such as --split test."
        )


def evaluate_bundle(classifier: Classifier, photos: EvaluationSet, out: Path, wanted: Evaluation) -> int:
    """Measure one bundle and write everything about it; a floor that cannot be measured is said and left out."""
    for sentence in strange_labels(photos.chosen, classifier.taxonomy):
        typer.echo(sentence, err=True)
    measured = measure_all(classifier, photos)
    spoilt = _spoil(classifier, measured, photos) if wanted.robustness else []
    left_out = _leave_sources_out(classifier, photos) if wanted.leave_one_source_out else []
    trained_on_these = is_trained_on(classifier, photos)
    report = make_report(classifier, measured, photos.rows, photos.split, trained_on_these, spoilt, left_out)
    with writing(out, EvaluateError):
        clear(out)
        write_files(report, measured, out)
        sheets = write_sheets(report.predictions, photos.locate, out) if wanted.sheets else {}
        write_page(report, plot_all(report.predictions, out), sheets, out / PAGE)
    columns, unreadable = {classifier.bundle.id: report.figures}, measured.unreadable
    if wanted.baseline:
        try:
            floor = measure_floor(classifier, measured, photos.rows, photos.locate)
            columns["frozen lite2 + logistic regression"] = floor.figures
            unreadable = [*unreadable, *floor.unreadable]
        except SchregerError as error:
            typer.echo(str(error), err=True)
    print_figures(columns, f"{len(measured.rows)} photos, split {photos.split}")
    return name_unreadable(unreadable)


def compare_bundles(old: Classifier, new: Classifier, photos: EvaluationSet, out: Path, accept_unverified: bool) -> int:
    """Measure two bundles on the same photos and decide whether the new one may replace the old one."""
    gaps = list_comparison_gaps((old, new), photos)
    for sentence in gaps:
        typer.echo(sentence, err=True)
    before, after = measure_all(old, photos), measure_all(new, photos)
    predictions = before.predictions(old.classes), after.predictions(new.classes)
    comparison = compare((old.bundle.id, new.bundle.id), *predictions, new.taxonomy, accept_unverified, gaps)
    with writing(out, EvaluateError):
        clear(out)
        write_metrics(comparison.as_json, out / COMPARISON)
        write_comparison_page(comparison, photos.split, out / PAGE)
    print_comparison(comparison)
    unreadable = name_unreadable(after.unreadable)
    return unreadable if comparison.may_replace else MAY_NOT_REPLACE


def list_comparison_gaps(bundles: Sequence[Classifier], photos: EvaluationSet) -> list[str]:
    """What each bundle saw of the photos before, and labels that none can know."""
    seen = [
        f"{each.bundle.id}: {sentence}"
        for each in bundles
        for sentence in learned(photos.chosen, is_trained_on(each, photos), each.bundle.description.continued_from)
    ]
    return [*dict.fromkeys(seen), *strange_labels(photos.chosen, bundles[-1].taxonomy)]


def is_trained_on(classifier: Classifier, photos: EvaluationSet) -> bool:
    """Whether a bundle was trained from this very manifest; of one trained from several, nobody can tell."""
    return classifier.bundle.description.training_manifest == photos.digest


def clear(out: Path) -> None:
    """Remove what an earlier evaluation wrote, so that nothing of another bundle lies beside what is new."""
    for name in (COMPARISON, PAGE, *TABLES, *(f"{plot}.png" for plot in PLOTS)):
        (out / name).unlink(missing_ok=True)
    for sheet in (out / SHEETS).glob("*.jpg"):
        sheet.unlink()
    with suppress(OSError):  # there is none, or it holds something else
        (out / SHEETS).rmdir()


def _spoil(classifier: Classifier, measured: Measured, photos: EvaluationSet) -> list[Robustness]:
    from training.evaluate.robustness import measure_robustness

    done = []
    for each in measure_robustness(classifier, measured, photos.locate):
        typer.echo(f"{each.name}: {each.photos} photos", err=True)
        done.append(each)
    return done


def _leave_sources_out(classifier: Classifier, photos: EvaluationSet) -> list[LeftOut]:
    from training.evaluate.sources import embed, leave_sources_out

    typer.echo("features of the train and validation photos, then a head for each source left out", err=True)
    embedded = embed(classifier, photos.rows, photos.locate)
    return list(leave_sources_out(embedded, classifier.classes, classifier.taxonomy))


def measure_all(classifier: Classifier, photos: EvaluationSet) -> Measured:
    """What a bundle says of the photos.

    Raises:
        EvaluateError: None of them can be opened.
    """
    measured = measure(classifier, photos.chosen, photos.locate)
    if not measured.rows:
        row, error = measured.unreadable[0]
        raise EvaluateError(f"None of the {len(photos.chosen)} photos can be opened; of {row.file}: {error}")
    return measured


def read_photos(manifest: Path | None, data: Path | None, split: str | None) -> EvaluationSet:
    """The photos of a manifest.

    Raises:
        EvaluateError: No photo is in the split.
        LabelledError: No photos are named.
        ManifestError: The manifest cannot be used.
    """
    found, locate = find_photos(manifest, data)
    rows = read_manifest(found)
    digest = hashlib.sha256(found.read_bytes()).hexdigest()
    return EvaluationSet(choose(rows, split), split or "any", rows, digest, locate)


def choose(rows: Sequence[Row], split: str | None) -> list[Row]:
    """The rows of one split, or all.

    Raises:
        EvaluateError: There is no such split, or no such row.
    """
    if split is not None and split not in get_args(Split):
        raise EvaluateError(f"There is no split {split!r}; the splits are {', '.join(get_args(Split))}.")
    chosen = [row for row in rows if split in (None, row.split)]
    if not chosen:
        raise EvaluateError(f"The manifest has no photos{f' in split {split}' if split else ''}.")
    return chosen


def name_unreadable(unreadable: Sequence[tuple[Row, PhotoError]]) -> int:
    """Name on stderr the photos that could not be opened; return the exit status."""
    for row, error in unreadable:
        typer.echo(f"{row.file}: {error}", err=True)
    return SOME_UNREADABLE if unreadable else 0
