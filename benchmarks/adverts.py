"""How well verdicts agree with the labels of real posts, cross-validated by seller.

Needs SCHREGER_DATA with adverts/posts.csv. In each fold the combination and its thresholds are made anew from the
other sellers. Pictures are judged by a head that saw none of them, on the half of the embedding that no photo of the
posts has tuned (the last 1280 of the 2560 numbers of lite2). `--fit` writes weights.json and the card that ship; then
`benchmarks/survey.py --fit` measures the errors of the new verdicts, by which surveys correct.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from model.bundle import DEFAULT
from model.certainty import softmax
from model.classifier import Classifier, Opened
from model.manifest import read_manifest
from model.taxonomy import load_taxonomy
from serve.advert.combination import FILE, Combination, Rate
from serve.advert.policy import load_policy, thresholds
from serve.advert.signals import NAMES, Subject, measure
from serve.advert.words import find_words
from training.refit import balanced_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

POSTS = "WLT-OSN posts"
LARGEST_SELLER = "seed_0"
PRETRAINED_HALF = slice(1280, None)
FOLDS, INNER_FOLDS, REPEATS, DRAWS = 10, 5, 5, 1000
PICTURE_SIGNALS = ("has_picture", "picture", "named_and_picture", "cover_and_picture")
CARD = FILE.with_name("CARD.md")
SUBJECT = "tusk_ivory"
VERSION = "2"
INVERSE_REGULARISATION = 0.1

TEMPLATE = """\
# The combination that vets adverts

Version {version}. Logistic regression over {signals} named signals (`signals.py`). `benchmarks/adverts.py --fit` makes
it, and this card.

Fitted on {posts} posts of {sellers} sellers on one social network (Mou et al., ICWSM 2024, research use only).
{positive} offer ivory, {largest} of them by one seller. Nearly all are English. For other things than ivory the same
weights are used; how well is unmeasured.

## Matthews correlation, cross-validated by seller

{figures}

Weights and thresholds are made anew in each fold, by the shipped policy. Pictures are judged by a head that saw none of
them, on the half of the embedding that was not tuned with them. Intervals: bootstrap over sellers.

## Weights

In log odds, for one unit of the signal and for one standard deviation over the posts. Intercept {intercept}.

| signal | per unit | per deviation |
| --- | --- | --- |
{table}
"""


@dataclass(frozen=True)
class Posts:
    """Signals (N, S) in the order of NAMES, labels (N,), sellers (N,), and the probability that pictures show ivory."""

    signals: NDArray[np.float64]
    labels: NDArray[np.int64]
    sellers: NDArray[np.str_]
    shown: NDArray[np.float64]
    says_ivory: NDArray[np.bool_]


def main() -> None:
    """Print the figures; with --fit, ship what was fitted on all posts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("runs/adverts"), help="features (default: %(default)s)")
    parser.add_argument("--sellers", type=int, help="only so many sellers, drawn, for a quick look")
    parser.add_argument("--fit", action="store_true", help="write serve/advert/weights.json and CARD.md too")
    options = parser.parse_args()
    data = Path(os.environ.get("SCHREGER_DATA", "nowhere"))
    if not (data / "adverts/posts.csv").is_file():
        print("adverts needs posts: set SCHREGER_DATA to a folder with adverts/posts.csv", file=sys.stderr)
        return
    options.cache.mkdir(parents=True, exist_ok=True)
    posts, picture_rates = read_posts(data, options.cache, options.sellers)
    lines = list(figures(posts, picture_rates))
    print("\n".join(lines))
    if options.fit:
        ship(posts, own_picture_rates(data, options.cache), lines)


def figures(posts: Posts, picture_rates: tuple[Rate, ...]) -> Iterator[str]:
    """A table: Matthews correlation of each way to decide, with 95% intervals by bootstrap over sellers."""
    pictures = posts.signals[:, NAMES.index("has_picture")] > 0
    largest = posts.sellers == LARGEST_SELLER
    subsets = {"all": slice(None), "with pictures": pictures, f"without {LARGEST_SELLER}": ~largest}
    shapes = {
        name: f"{name} (n={posts.labels[rows].size}, {posts.labels[rows].sum()} positive)"
        for name, rows in subsets.items()
    }
    yield f"| alarm | {' | '.join(shapes.values())} |"
    yield "| --- | --- | --- | --- |"
    words = posts.signals[:, NAMES.index("named")] > 0
    no_pictures = {"without": PICTURE_SIGNALS}
    ways: dict[str, NDArray[np.bool_]] = {
        'the word "ivory"': np.tile(posts.says_ivory, (REPEATS, 1)),
        "lexicon alone: names it, not in a harmless context": np.tile(words, (REPEATS, 1)),
        "text alone": cross_validated(posts, picture_rates, **no_pictures),
        "pictures alone, at the other sellers' best threshold": by_pictures(posts),
        "together, as shipped": cross_validated(posts, picture_rates),
    }
    for name, alarms in ways.items():
        cells = [interval(posts, alarms, rows) for rows in subsets.values()]
        yield f"| {name} | {' | '.join(cells)} |"
    together = ways["together, as shipped"]
    precision = np.mean([posts.labels[alarm].mean() for alarm in together])
    recall = np.mean([alarm[posts.labels == 1].mean() for alarm in together])
    yield f"\nTogether: precision {precision:.2f}, recall {recall:.2f}, mean of {REPEATS} x {FOLDS} folds of sellers."


def interval(posts: Posts, alarms: NDArray[np.bool_], rows: Any) -> str:
    """Mean of the repeats, and its interval over draws of sellers."""
    labels, sellers, alarms = posts.labels[rows], posts.sellers[rows], alarms[:, rows]
    names, place = np.unique(sellers, return_inverse=True)
    generator = np.random.default_rng(0)
    cells = ((1, 1), (1, 0), (0, 1), (0, 0))  # true and false positives, false and true negatives

    def count(alarm: NDArray[np.bool_], flagged: int, label: int) -> NDArray[np.float64]:
        return np.bincount(place, weights=(alarm == flagged) & (labels == label), minlength=len(names))

    counts = np.stack([[count(alarm, *cell) for cell in cells] for alarm in alarms])

    def matthews(sums: NDArray[np.float64]) -> float:
        tp, fp, fn, tn = sums.T
        root = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        return float(np.mean((tp * tn - fp * fn) / np.maximum(root, 1)))

    draws = [matthews(counts[:, :, generator.integers(0, len(names), len(names))].sum(2)) for _ in range(DRAWS)]
    low, high = np.quantile(draws, (0.025, 0.975))
    value = np.mean([matthews_corrcoef(labels, alarm) for alarm in alarms])
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def cross_validated(
    posts: Posts, picture_rates: tuple[Rate, ...], without: tuple[str, ...] = (), repeats: int = REPEATS
) -> NDArray[np.bool_]:
    """Alarms (repeats, N): each post judged by what was fitted, thresholds included, on other sellers."""
    used = np.array([name not in without for name in NAMES])
    alarms = np.zeros((repeats, len(posts.labels)), bool)
    for repeat in range(repeats):
        for others, held in folds(posts, FOLDS, repeat):
            combination = fit(part(posts, others), picture_rates if "picture" not in without else (), used)
            judge = verdicts(combination)
            alarms[repeat, held] = [judge(*row) for row in zip(posts.signals[held], posts.shown[held], strict=True)]
    return alarms


def by_pictures(posts: Posts) -> NDArray[np.bool_]:
    """Alarms (REPEATS, N) where a picture shows ivory, at the threshold that is best on other sellers."""
    alarms = np.zeros((REPEATS, len(posts.labels)), bool)
    for repeat in range(REPEATS):
        for others, held in folds(posts, FOLDS, repeat):
            shown, labels = posts.shown[others], posts.labels[others]
            levels = np.quantile(shown[shown > 0], np.linspace(0, 1, 100))
            best = max(levels, key=lambda level: matthews_corrcoef(labels, shown >= level))
            alarms[repeat, held] = posts.shown[held] >= best
    return alarms


def fit(posts: Posts, picture_rates: Any, used: NDArray[np.bool_]) -> Combination:
    """Weights on all of these posts; rates from scores of sellers that the weights were fitted without."""
    scores = np.zeros(len(posts.labels))
    for others, held in folds(posts, INNER_FOLDS, 0):
        weights, intercept = regression(posts.signals[others], posts.labels[others], used)
        scores[held] = 1 / (1 + np.exp(-posts.signals[held] @ weights - intercept))
    weights, intercept = regression(posts.signals, posts.labels, used)
    by_name = {name: float(weight) for name, weight in zip(NAMES, weights, strict=True)}
    by_subject = picture_rates if isinstance(picture_rates, dict) else {SUBJECT: picture_rates}
    return Combination(VERSION, by_name, intercept, rates_of(scores, posts.labels == 1), by_subject)


def regression(signals: NDArray[np.float64], labels: NDArray[np.int64], used: NDArray[np.bool_]) -> Any:
    """Weights (S,), zero for signals that are not used, and the intercept."""
    scaler = StandardScaler().fit(signals)
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=1000).fit(scaler.transform(signals) * used, labels)
    weights = model.coef_[0] / scaler.scale_ * used
    return weights, float(model.intercept_[0] - weights @ scaler.mean_)


def verdicts(combination: Combination) -> Callable[[NDArray[np.float64], float], bool]:
    """Whether the shipped policy raises an alarm over a post."""
    limits = thresholds(load_policy(), combination)

    def alarm(row: NDArray[np.float64], shown: float) -> bool:
        signals = dict(zip(NAMES, row.tolist(), strict=True))
        return limits.level(SUBJECT, combination.score(signals), signals, shown) != "clear"

    return alarm


def rates_of(scores: NDArray[np.float64], wanted: NDArray[np.bool_]) -> tuple[Rate, ...]:
    """Rates at every score of the wanted, strictest first, at most 60 of them.

    Of false alarms (k + 1) / (n + 2), since none among n others does not mean that there are none.
    """
    levels = np.unique(scores[wanted])
    levels = levels[np.unique(np.linspace(0, len(levels) - 1, 60).round().astype(int))] if len(levels) else levels
    others = scores[~wanted]
    false_alarms = [((others >= level).sum() + 1) / (len(others) + 2) for level in levels]
    rows = list(zip(levels, [(scores[wanted] >= level).mean() for level in levels], false_alarms, strict=True))[::-1]
    return tuple(Rate(*(round(float(value), 5) for value in row)) for row in rows)


def folds(posts: Posts, count: int, seed: int) -> Any:
    """Places of the other sellers' posts and of those held back."""
    return StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(
        posts.signals, posts.labels, posts.sellers
    )


def part(posts: Posts, rows: NDArray[np.int64]) -> Posts:
    return Posts(
        posts.signals[rows], posts.labels[rows], posts.sellers[rows], posts.shown[rows], posts.says_ivory[rows]
    )


def read_posts(data: Path, cache: Path | None, sellers: int | None) -> tuple[Posts, tuple[Rate, ...]]:
    """The posts with their signals, and the rates of the head that judged their pictures, on validation photos.

    Without a cache, pictures are not looked at.
    """
    with (data / "adverts/posts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if sellers:
        names = sorted({row["seller"] for row in rows if row["label"] == "1"})[:: max(1, 60 // sellers)]
        others = sorted({row["seller"] for row in rows} - set(names))[: 3 * sellers]
        rows = [row for row in rows if row["seller"] in {*names, *others}]
    files = sorted({file for row in rows for file in row["pictures"].split(";") if file})
    shown, rates = unseen_head(data, cache, files) if cache else ({}, ())
    subject = Subject.of(SUBJECT, load_taxonomy())
    of_posts = [[shown[file] for file in row["pictures"].split(";") if file in shown] for row in rows]
    signals = [measure(find_words(row["text"]), seen, subject) for row, seen in zip(rows, of_posts, strict=True)]
    return Posts(
        np.array([[each[name] for name in NAMES] for each in signals]),
        np.array([int(row["label"]) for row in rows]),
        np.array([row["seller"] for row in rows]),
        np.array([max(seen, default=0.0) for seen in of_posts]),
        np.array(["ivory" in row["text"].lower() for row in rows]),
    ), rates


def unseen_head(data: Path, cache: Path, files: list[str]) -> tuple[dict[str, float], tuple[Rate, ...]]:
    """The probability of ivory in each picture by a head that saw no post's, and its rates on validation photos."""
    manifest = [row for row in read_manifest(data / "manifest.csv") if row.split in ("train", "val")]
    own = [row for row in manifest if not row.source.startswith(POSTS)]
    embeddings, _, _ = features(data, cache / "photos.npz", [row.file for row in own])
    half = unit(embeddings[:, PRETRAINED_HALF])
    labels = np.array([row.label for row in own])
    train, val = (np.array([row.split == split for row in own]) for split in ("train", "val"))
    classes = Classifier.load(DEFAULT).classes
    known = np.isin(labels, classes)
    numbers = np.array([classes.index(label) if label in classes else -1 for label in labels])
    present, weight, bias = balanced_head(half[train & known], numbers[train & known])
    ivory = np.isin(np.array(classes)[present], list(Subject.of(SUBJECT, load_taxonomy()).below))
    temperature = 0.73  # fitted on the validation photos

    def probability(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        return softmax((vectors @ weight.T + bias).astype(np.float32), temperature)[:, ivory].sum(1)

    wanted = np.isin(labels, list(Subject.of(SUBJECT, load_taxonomy()).below))
    rates = rates_of(probability(half[val]), wanted[val])
    vectors, _, opened = features(data, cache / "posts.npz", files)
    of_pictures = probability(unit(vectors[:, PRETRAINED_HALF]))
    return {file: float(p) for file, p, good in zip(files, of_pictures, opened, strict=True) if good}, rates


def own_picture_rates(data: Path, cache: Path) -> dict[str, tuple[Rate, ...]]:
    """Rates of the shipped bundle's pictures alone, by subject of the policy, on validation photos."""
    rows = [row for row in read_manifest(data / "manifest.csv") if row.split == "val"]
    _, logits, _ = features(data, cache / "val.npz", [row.file for row in rows])
    classifier = Classifier.load(DEFAULT)
    probabilities = softmax(logits, classifier.certainty.temperature)
    found = {}
    for key in load_policy().subjects:
        subject = Subject.of(key, classifier.taxonomy)
        columns = np.isin(classifier.classes, list(subject.below))
        wanted = np.isin([row.label for row in rows], list(subject.below))
        if columns.any() and wanted.any():
            found[key] = rates_of(probabilities[:, columns].sum(1), wanted)
    return found


def features(data: Path, cache: Path, files: list[str]) -> Any:
    """Embeddings (N, d), logits (N, C) and whether each file opened (N,), kept in `cache`."""
    if cache.is_file():
        with np.load(cache) as kept:
            place = {file: number for number, file in enumerate(kept["files"])}
            if set(files) <= set(place):
                rows = [place[file] for file in files]
                return kept["embeddings"][rows], kept["logits"][rows], kept["opened"][rows]
    classifier = Classifier.load(DEFAULT)
    blank = classifier.engine.run(np.zeros((1, classifier.size, classifier.size, 3), np.uint8))

    def look(file: str) -> Any:
        opened = classifier.open(data / file)
        good = isinstance(opened, Opened)
        output = classifier.engine.run(opened.pixels[None]) if good else blank
        return output.embedding[0], output.logits[0], good

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        embeddings, logits, opened = map(np.array, zip(*pool.map(look, files), strict=True))
    np.savez(cache, files=np.array(files), embeddings=embeddings, logits=logits, opened=opened)
    return embeddings, logits, opened


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def ship(posts: Posts, picture_rates: dict[str, tuple[Rate, ...]], lines: list[str]) -> None:
    """Fit on all posts, and write the weights and their card."""
    combination = fit(posts, picture_rates, np.ones(len(NAMES), bool))
    rows = lambda rates: [[each.threshold, each.recall, each.false_alarms] for each in rates]  # noqa: E731
    content = {
        "version": VERSION,
        "intercept": round(combination.intercept, 4),
        "weights": {name: round(weight, 4) for name, weight in combination.weights.items()},
        "rates": rows(combination.rates),
        "picture_rates": {key: rows(rates) for key, rates in picture_rates.items()},
    }
    text = json.dumps(content, indent=1).replace("\n   ", " ").replace("\n  ]", " ]")
    FILE.write_text(text + "\n", encoding="utf-8")
    spread = posts.signals.std(0)
    ranked = sorted(zip(NAMES, content["weights"].values(), spread, strict=True), key=lambda row: -abs(row[1] * row[2]))
    table = [f"| {name} | {weight:+.2f} | {weight * deviation:+.2f} |" for name, weight, deviation in ranked]
    values = {
        "version": VERSION,
        "signals": len(NAMES),
        "posts": f"{len(posts.labels):,}",
        "sellers": len(set(posts.sellers)),
        "positive": posts.labels.sum(),
        "largest": posts.labels[posts.sellers == LARGEST_SELLER].sum(),
        "figures": "\n".join(lines),
        "intercept": f"{combination.intercept:+.2f}",
        "table": "\n".join(table),
    }
    CARD.write_text(TEMPLATE.format(**values), encoding="utf-8")


if __name__ == "__main__":
    main()
