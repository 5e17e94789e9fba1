"""How often the intervals of `schreger survey` cover the true share, and how wide they are.

Needs SCHREGER_DATA. 2,000 surveys each, 500 adverts labelled, drawn at random:
- posts: adverts/posts.csv, resampled by seller; verdicts on their text, cross-validated by seller;
- pictures: 20,000 adverts of 1,000 sellers, 1% of them with a picture of ivory, all pictures from the test photos;
  verdicts by the shipped bundle and policy.
The true share is that of the survey's own adverts; beside it, that of the sellers they were drawn from. Error rates are
measured on another draw of sellers (posts), or on the validation photos.
`--fit` writes serve/survey/error_rates.json: of the shipped combination on all posts, pictures too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.bundle import DEFAULT
from model.certainty import softmax
from model.classifier import Classifier
from model.manifest import read_manifest
from serve.advert.combination import load_combination
from serve.advert.policy import load_policy, thresholds
from serve.advert.signals import NAMES, Subject, measure
from serve.survey.corrected import ERROR_RATES
from serve.survey.exact import limits_in
from serve.survey.prevalence import UNLABELLED, VERDICTS, Rate, by_error_rates, by_labels, observed_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SURVEYS, LABELLED = 2000, 500
ADVERTS, SELLERS, PICTURES, BASE_RATE = 20_000, 1000, 5, 0.01
ALIKE = 4
"""How alike the sellers are: the sum of the parameters of the beta distribution that their rates are drawn from."""

SUBJECT = "tusk_ivory"
LARGEST_SELLER = "seed_0"


@dataclass(frozen=True, eq=False)
class Adverts:
    """Verdicts (N,), whether each offers the thing (N,), and whose it is (N,)."""

    verdicts: NDArray[np.int64]
    offers: NDArray[np.bool_]
    sellers: NDArray[np.int64]

    def part(self, rows: NDArray[np.int64]) -> Adverts:
        return Adverts(self.verdicts[rows], self.offers[rows], self.sellers[rows])

    def rates(self) -> Rates:
        """Recall and false alarms of the verdicts."""
        of = ((self.verdicts[rows] > 0, self.sellers[rows]) for rows in (self.offers, ~self.offers))
        recall, false_alarms = (observed_rate(*each) for each in of)
        return recall, false_alarms


Rates = tuple[Rate, Rate]
Draw = tuple[Adverts, Rates, float]
"""A survey, error rates measured elsewhere, and the share among those that its sellers were drawn from."""


def main() -> None:
    """Print a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("runs/adverts"), help="features (default: %(default)s)")
    parser.add_argument("--surveys", type=int, default=SURVEYS)
    parser.add_argument("--fit", action="store_true", help="write serve/survey/error_rates.json too")
    options = parser.parse_args()
    data = Path(os.environ.get("SCHREGER_DATA", "nowhere"))
    if not (data / "adverts/posts.csv").is_file():
        print("survey needs photos and posts: set SCHREGER_DATA to a folder with adverts/posts.csv", file=sys.stderr)
        return
    options.cache.mkdir(parents=True, exist_ok=True)
    posts, largest = read_posts(data)
    others = posts.part(np.flatnonzero(posts.sellers != largest))
    settings = {
        "posts": resampled(posts),
        f"posts without {LARGEST_SELLER}": resampled(others),
        "pictures": generated(
            judged_photos(data, options.cache, "test"), judged_photos(data, options.cache, "val").rates()
        ),
    }
    for name, draws in settings.items():
        print(f"\n{name}\n", *table(draws, options.surveys), sep="\n")
    if options.fit:
        ship(data, options.cache)


def table(draws: Iterator[Draw], surveys: int) -> Iterator[str]:
    """One line a method: how often its interval covers, and its mean width, in percent of adverts."""
    yield "| method | covers its adverts' share | mean width | covers the sellers' share | mean width |"
    yield "| --- | --- | --- | --- | --- |"
    kept: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    generator = np.random.default_rng(1)
    for _, (adverts, rates, population) in zip(range(surveys), draws, strict=False):
        share = adverts.offers.mean()
        for name, (low, high, seller_low, seller_high) in estimates(adverts, rates, generator).items():
            own, all_sellers = low <= share <= high, seller_low <= population <= seller_high
            kept[name].append((own, high - low, all_sellers, seller_high - seller_low))
    for name, rows in kept.items():
        own, width, all_sellers, seller_width = 100 * np.mean(rows, axis=0)
        yield f"| {name} | {own:.1f}% | {width:.2f} | {all_sellers:.1f}% | {seller_width:.2f} |"


def estimates(
    adverts: Adverts, rates: Rates, generator: np.random.Generator
) -> dict[str, tuple[float, float, float, float]]:
    """Intervals by method: ours, and those that one might use instead."""
    labelled = generator.choice(len(adverts.offers), LABELLED, replace=False)
    labels = np.full(len(adverts.offers), UNLABELLED)
    labels[labelled] = adverts.offers[labelled]
    alarms = adverts.verdicts > 0
    ours = by_labels(adverts.verdicts, labels, adverts.sellers)
    assert ours is not None  # noqa: S101 - some are labelled
    known = by_error_rates(observed_rate(alarms, adverts.sellers), *rates)
    alone = limits_in(len(labels), LABELLED, int(adverts.offers[labelled].sum()))
    normal = normal_ppi(adverts.offers[labelled].astype(float), alarms[labelled].astype(float), alarms.mean())
    return {
        "**labels and verdicts, as shipped**": (ours.low, ours.high, ours.seller_low, ours.seller_high),
        "labels alone, exact": alone * 2,
        "PPI++, normal interval": normal * 2,
        "error rates, as shipped": (known.low, known.high, known.seller_low, known.seller_high),
    }


def normal_ppi(offers: NDArray[np.float64], alarms: NDArray[np.float64], alarm_share: float) -> tuple[float, float]:
    """PPI++ with power tuning and its normal interval (Angelopoulos, Duchi and Zrnic 2023), unlabelled adverts many."""
    spread = alarms.var(ddof=1)
    weight = np.cov(offers, alarms)[0, 1] / spread if spread else 0.0
    rest = offers - weight * alarms
    share, half = weight * alarm_share + rest.mean(), 1.96 * np.sqrt(rest.var(ddof=1) / len(rest))
    return share - half, share + half


def resampled(posts: Adverts, seed: int = 0) -> Iterator[Draw]:
    """Surveys of sellers drawn with replacement, as many as there are; error rates of another such draw."""
    generator = np.random.default_rng(seed)
    rows = [np.flatnonzero(posts.sellers == seller) for seller in np.unique(posts.sellers)]
    while True:
        survey, elsewhere = (draw_sellers(posts, rows, generator) for _ in range(2))
        yield survey, elsewhere.rates(), float(posts.offers.mean())


def draw_sellers(posts: Adverts, rows: list[NDArray[np.int64]], generator: np.random.Generator) -> Adverts:
    """Adverts of the sellers drawn; one drawn twice is two sellers."""
    drawn = [rows[place] for place in generator.integers(0, len(rows), len(rows))]
    survey = posts.part(np.concatenate(drawn))
    return Adverts(survey.verdicts, survey.offers, np.repeat(np.arange(len(drawn)), [len(each) for each in drawn]))


def generated(photos: Adverts, rates: Rates, seed: int = 0) -> Iterator[Draw]:
    """Adverts with one of the seller's few pictures; who offers ivory does so in a fifth of the adverts, on average."""
    generator = np.random.default_rng(seed)
    shows, other = np.flatnonzero(photos.offers), np.flatnonzero(~photos.offers)
    while True:
        sizes = 1 + generator.multinomial(ADVERTS - SELLERS, generator.dirichlet(np.ones(SELLERS)))
        sellers = np.repeat(np.arange(SELLERS), sizes)
        rate = generator.beta(ALIKE * BASE_RATE, ALIKE * (1 - BASE_RATE), SELLERS)
        offers = generator.random(ADVERTS) < rate[sellers]
        kind = generator.integers(0, PICTURES, ADVERTS)
        pictures = np.where(
            offers, *(generator.choice(pool, (SELLERS, PICTURES))[sellers, kind] for pool in (shows, other))
        )
        yield Adverts(photos.verdicts[pictures], offers, sellers), rates, BASE_RATE


def read_posts(data: Path) -> tuple[Adverts, int]:
    """The posts with verdicts on their text, each by what was fitted on other sellers, and who wrote most offers."""
    adverts = verdicts_benchmark()
    posts = adverts.read_posts(data, None, None)[0]
    used = np.array([name not in adverts.PICTURE_SIGNALS for name in NAMES])
    verdicts = np.zeros(len(posts.labels), int)
    for fitted, held in adverts.folds(posts, adverts.FOLDS, 0):
        combination = adverts.fit(adverts.part(posts, fitted), (), used)
        limits = thresholds(load_policy(), combination)
        for place in held:
            signals = dict(zip(NAMES, posts.signals[place].tolist(), strict=True))
            verdicts[place] = VERDICTS.index(limits.level(SUBJECT, combination.score(signals), signals, 0.0))
    names, sellers = np.unique(posts.sellers, return_inverse=True)
    return Adverts(verdicts, posts.labels == 1, sellers), int(np.flatnonzero(names == LARGEST_SELLER)[0])


def judged_photos(data: Path, cache: Path, split: str) -> Adverts:
    """Each photo of a split as an advert of its own without words, judged by the shipped bundle and policy."""
    rows = [row for row in read_manifest(data / "manifest.csv") if row.split == split]
    _, logits, _ = verdicts_benchmark().features(data, cache / f"{split}.npz", [row.file for row in rows])
    classifier = Classifier.load(DEFAULT)
    subject, combination = Subject.of(SUBJECT, classifier.taxonomy), load_combination()
    limits = thresholds(load_policy(), combination)
    shown = softmax(logits, classifier.certainty.temperature)[:, np.isin(classifier.classes, list(subject.below))].sum(
        1
    )
    verdicts = []
    for probability in shown.tolist():
        signals = measure((), (probability,), subject)
        verdicts.append(VERDICTS.index(limits.level(SUBJECT, combination.score(signals), signals, probability)))
    offers = np.isin([row.label for row in rows], list(subject.below))
    _, groups = np.unique([row.group for row in rows], return_inverse=True)
    return Adverts(np.array(verdicts), offers, groups)


def ship(data: Path, cache: Path) -> None:
    """Write the error rates of the shipped combination on posts of sellers that it was not fitted on."""
    adverts = verdicts_benchmark()
    posts, picture_rates = adverts.read_posts(data, cache, None)
    alarms = adverts.cross_validated(posts, picture_rates, repeats=1)[0]
    _, sellers = np.unique(posts.sellers, return_inverse=True)
    rates = Adverts(alarms.astype(int), posts.labels == 1, sellers).rates()
    written = [{"share": round(rate.share, 5), "draws": round(rate.draws, 1)} for rate in rates]
    content = {
        "policy": f"{load_policy().version}/{load_combination().version}",
        "subject": SUBJECT,
        "measured_on": f"{len(alarms):,} posts of {sellers.max() + 1} sellers on one social network",
        "recall": written[0],
        "false_alarms": written[1],
    }
    ERROR_RATES.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def verdicts_benchmark() -> Any:
    """The benchmark of verdicts, whose posts, folds and fits these are."""
    sys.path.append(str(Path(__file__).parents[1]))
    from benchmarks import adverts

    return adverts


if __name__ == "__main__":
    main()
