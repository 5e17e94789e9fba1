"""How an advert becomes a verdict: what its pictures show, what its words say, and both together."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from model.photo import PhotoError
from serve.advert import ocr
from serve.advert.advert import Verdict
from serve.advert.combination import load_combination
from serve.advert.policy import load_policy, thresholds
from serve.advert.reasons import explain
from serve.advert.signals import Subject, measure, namings
from serve.advert.words import find_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from model.classifier import Classifier
    from model.finding import Finding
    from serve.advert.advert import Advert, Level, Picture
    from serve.advert.policy import Policy
    from serve.advert.words import Match

LEVELS: tuple[Level, ...] = ("clear", "review", "block")


def vet(advert: Advert, classifier: Classifier, policy: Policy | None = None, read: bool = True) -> Verdict:
    """The verdict on one advert. Its pictures are opened; its url is not.

    Args:
        advert: What the seller wrote and shows.
        classifier: What looks at the pictures.
        policy: By default the shipped one.
        read: Whether text in pictures is read too, where the extra `ocr` is installed.
    """
    return Judge(classifier, policy, read).vet(advert)


def vet_all(
    adverts: Iterable[Advert], classifier: Classifier, policy: Policy | None = None, read: bool = True
) -> Iterator[Verdict]:
    """Verdicts in the order of the adverts; pictures of several are classified together."""
    judge = Judge(classifier, policy, read)
    waiting: deque[Advert] = deque()

    def pictures() -> Iterator[Picture]:
        for advert in adverts:
            waiting.append(advert)
            yield from advert.pictures

    results = (result if isinstance(result, PhotoError) else result[1] for result in classifier.stream(pictures()))
    while True:
        first = next(results, None)
        while waiting and not waiting[0].pictures:
            yield judge(waiting.popleft(), ())
        if first is None:
            return
        advert = waiting.popleft()
        findings = (first, *islice(results, len(advert.pictures) - 1))
        yield judge(advert, findings, judge.texts(advert))


class Judge:
    """Makes verdicts from what pictures show and words say. Safe to share between threads; arguments as of `vet`."""

    def __init__(self, classifier: Classifier, policy: Policy | None = None, read: bool = True) -> None:
        policy = policy or load_policy()
        self.classifier, self.read = classifier, read and ocr.can_read()
        self.combination = load_combination()
        self.limits = thresholds(policy, self.combination)
        self.subjects = [Subject.of(key, classifier.taxonomy, classifier.classes) for key in policy.subjects]
        self.version = f"{policy.version}/{self.combination.version}"

    def __call__(self, advert: Advert, findings: Sequence[Finding | PhotoError], texts: Sequence[str] = ()) -> Verdict:
        """The verdict; its answer and reasons are of the subject that the advert most likely offers.

        `findings` and `texts` are what its pictures show, and what is written in them.
        """
        good = [finding for finding in findings if not isinstance(finding, PhotoError)]
        pictures = [dict(finding.probabilities) for finding in good]
        words = find_words("\n".join([advert.title, advert.text, *texts]))
        of_seller = find_words(advert.seller_text)
        level, score, signals, subject, shown, is_named = max(
            (self._weigh(subject, words, pictures) for subject in self.subjects), key=Weighed.rank
        )
        clear = LEVELS[level] == "clear"
        return Verdict(
            id=advert.id,
            verdict=LEVELS[level],
            score=score,
            answer=self._shown(good) if clear and not is_named else _answer(words, good, subject),
            reasons=explain(words, signals, shown, subject, self.combination, self.classifier.taxonomy, of_seller),
            findings=tuple(findings),
            error=" ".join(filter(None, [advert.error, *_unreadable(findings)])),
            policy=self.version,
            bundle=self.classifier.bundle.id,
        )

    def vet(self, advert: Advert) -> Verdict:
        """The verdict on one advert, whose pictures are looked at in this thread, one after the other."""
        looked = map(self.classifier.look, advert.pictures)
        findings = [each if isinstance(each, PhotoError) else each[1] for each in looked]
        return self(advert, findings, self.texts(advert))

    def texts(self, advert: Advert) -> list[str]:
        """What is written in its pictures, where that is read."""
        return [ocr.read_text(picture) for picture in advert.pictures] if self.read else []

    def _weigh(self, subject: Subject, words: Sequence[Match], pictures: Sequence[dict[str, float]]) -> Weighed:
        shown = [subject.probability(picture) for picture in pictures]
        signals = measure(words, shown, subject)
        score = self.combination.score(signals)
        level = self.limits.level(subject.key, score, signals, max(shown, default=0.0))
        return Weighed(LEVELS.index(level), score, signals, subject, shown, bool(namings(words, subject)))

    def _shown(self, good: Sequence[Finding]) -> str | None:
        return self.classifier.combine(good).answer if good else None


class Weighed(NamedTuple):
    """An advert weighed for one subject; levels are numbered from the mildest."""

    level: int
    score: float
    signals: dict[str, float]
    subject: Subject
    shown: list[float]
    is_named: bool

    def rank(self) -> tuple[int, bool, float]:
        """Highest for what the advert most likely offers; last what no word names and no picture could show."""
        return self.level, self.is_named or self.subject.seen, self.score


def _answer(words: Sequence[Match], good: Sequence[Finding], subject: Subject) -> str | None:
    """What the words name, else what the pictures show of the subject; where these differ, the subject itself."""
    named = [word for word in namings(words, subject) if word.harmless_by is None]
    in_words = {word.entry.means for word in named}
    if not in_words:
        sure = [finding for finding in good if finding.answer in subject.below]
        return max(sure, key=lambda finding: finding.probability).answer if sure else subject.key
    if "ivory" in in_words:  # where ivory is named, its inlay and the tusk that it was are too
        return "ivory"
    return in_words.pop() if len(in_words) == 1 else subject.key


def _unreadable(findings: Sequence[Finding | PhotoError]) -> list[str]:
    return [f"Picture {n}: {each}" for n, each in enumerate(findings, 1) if isinstance(each, PhotoError)]
