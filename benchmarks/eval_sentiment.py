"""Every figure of sentiment beside a plain baseline: python -m benchmarks.eval_sentiment --data FOLDER [--test].

FOLDER holds what is there of the sets in `benchmarks/labelled.py`; what is not there is not measured. `--test` measures
the test parts, which nothing was chosen by and `make eval` leaves alone. Intervals are percentiles of 1,000 bootstrap
samples with a fixed seed. *Unsure* counts as wrong. The calibration error is the usual one: for every text the
probability of the most probable class against how often that class is right, in fifteen bins of like width, weighted by
their texts. That of claims leaves out the texts that are judged unsure. The baseline is a linear model over tf-idf of
words, learnt from PotTS train; for English it is VADER as published. What a text costs is CPU time of this process on
this machine, the plain method's as its floor.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.labelled import CLASSES, Texts, read, read_numbered
from pipeline.sentiment import assess, classify, weigh
from pipeline.sentiment.words import cut
from schemas.mention import Language, SentimentClass

SAMPLES, SEED = 1_000, 20
BINS = 15
STEPS, RATE, RIDGE = 300, 0.05, 1.0
UNSURE = 3
COST = 150.0
"""Microseconds of CPU that a text may take."""

Array = np.ndarray[Any, Any]
Plainly = Callable[[Sequence[str]], Array]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a data set: its first file, its names for people, its language, and what is wanted of it."""

    path: str
    dataset: str
    split: str
    code: str
    wanted: dict[str, float]


_ELSEWHERE = {"macro-F1": 0.55, "negative F1": 0.5, "calibration error": 0.05}
_ENGLISH = {"macro-recall": 0.6, "calibration error": 0.05}
DEV = (
    Part("potts/dev.tsv.gz", "PotTS", "dev", "de", {"macro-F1": 0.66, "calibration error": 0.05}),
    Part("germeval2017/dev.xml.gz", "GermEval 2017", "dev, never learnt from", "de", _ELSEWHERE),
    Part("sb10k/train.tsv.gz", "SB10k", "train, never learnt from", "de", _ELSEWHERE),
    Part("english/val_text.txt", "English tweets", "val, never learnt from", "en", _ENGLISH),
)
TEST = (
    Part("sb10k/test.tsv.gz", "SB10k", "test, never learnt from", "de", _ELSEWHERE),
    Part("mobasa/test.xml.gz", "MobASA", "test", "de", {}),
    Part("english/test_text.txt", "English tweets", "test, never learnt from", "en", _ENGLISH),
)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is true, what was said (`UNSURE` for nothing), what is most probable, and how probable that is."""

    truth: Array
    said: Array
    best: Array
    claimed: Array

    def of(self, some: Array) -> "Answers":
        """Return the answers of some texts, as often as they are named."""
        return Answers(self.truth[some], self.said[some], self.best[some], self.claimed[some])


Measure = Callable[[Answers], float]


def figures(folder: Path, parts: Sequence[Part] = DEV) -> list[Figure]:
    """Return the figures of every part that `folder` holds."""
    found: list[Figure] = []
    learnt: Plainly | None = None
    plain: Plainly = vader
    for part in parts:
        if not (folder / part.path).exists():
            continue
        if part.code == "en":
            texts, plain = read_numbered(folder / "english", part.split.split(",")[0]), vader
        else:
            learnt = plain = learnt or Plain(read(folder / "potts" / "train.tsv.gz"))
            texts = read(folder / part.path)
        found += _of(texts, part, plain)
    return found


def absent(folder: Path) -> frozenset[str]:
    """Return the names of the data sets that `folder` does not hold."""
    return frozenset(part.dataset for part in DEV if not (folder / part.path).exists())


def f1(truth: Array, said: Array, name: int) -> float:
    """Return the harmonic mean of precision and recall of one class."""
    hits = float(np.sum((truth == name) & (said == name)))
    return 2 * hits / max(1.0, float(np.sum(truth == name) + np.sum(said == name)))


def macro_f1(all_of: Answers) -> float:
    return float(np.mean([f1(all_of.truth, all_of.said, name) for name in range(3)]))


def negative_f1(all_of: Answers) -> float:
    return f1(all_of.truth, all_of.said, 0)


def macro_recall(all_of: Answers) -> float:
    truth, said = all_of.truth, all_of.said
    return float(np.mean([np.mean(said[truth == name] == name) for name in range(3) if np.any(truth == name)]))


def calibration_error(all_of: Answers) -> float:
    """Return how far probabilities are from how often the most probable class is right."""
    bins = np.minimum((all_of.claimed * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(bins, all_of.claimed - (all_of.truth == all_of.best), BINS))
    return float(gaps.sum() / max(1, len(bins)))


def error_of_claims(all_of: Answers) -> float:
    return calibration_error(all_of.of(np.flatnonzero(all_of.said != UNSURE)))


MEASURES: dict[str, Measure] = {
    "macro-F1": macro_f1,
    "negative F1": negative_f1,
    "macro-recall": macro_recall,
    "calibration error": calibration_error,
    "calibration error of claims": error_of_claims,
}


def answers(texts: Texts, code: str) -> Answers:
    """Return what the product says of each text."""
    language = Language(code=code, confidence=1.0)
    names = {name: at for at, name in enumerate((*CLASSES, SentimentClass.UNSURE))}
    found = [weigh(text, language) for _, text in texts]
    chances = np.array(
        [
            [1 / 3] * 3 if one is None else [classify(one.total, len(one.words))[name] for name in CLASSES]
            for one in found
        ]
    )
    return Answers(
        np.array([names[label] for label, _ in texts]),
        np.array([names[assess(text, language).label] for _, text in texts]),
        chances.argmax(1),
        chances.max(1),
    )


def costs(texts: Texts, part: Part, plain: Plainly) -> list[Figure]:
    """Return what judging a text costs, the first time this set is judged in this process, and again."""
    language, written = Language(code=part.code, confidence=1.0), [text for _, text in texts]
    assess("Good, gut.", language)  # the lexicon is read once
    begun = time.process_time()
    plain(written)
    floor = (time.process_time() - begun) * 1e6 / len(written)
    random, found = np.random.default_rng(SEED), []
    for name, target in (("first time", COST), ("again", None)):
        spent = np.array([_spent(text, language) for text in written])
        means = [np.mean(random.choice(spent, len(spent))) for _ in range(SAMPLES)]
        low, high = np.percentile(means, (2.5, 97.5))
        named = (f"CPU µs a text, {name}", part.dataset, part.split, float(np.mean(spent)), float(low), float(high))
        found.append(Figure(*named, len(texts), floor, target, False))
    return found


def _spent(text: str, language: Language) -> float:
    begun = time.process_time_ns()
    assess(text, language)
    return (time.process_time_ns() - begun) / 1e3


def _of(texts: Texts, part: Part, plain: Plainly) -> list[Figure]:
    dear = costs(texts, part, plain)
    said = answers(texts, part.code)
    guessed = plain([text for _, text in texts])
    claims = plain.chances([text for _, text in texts]).max(1) if isinstance(plain, Plain) else None
    floors = Answers(said.truth, guessed, guessed, said.claimed if claims is None else claims)
    random = np.random.default_rng(SEED)
    samples = [random.integers(0, len(texts), len(texts)) for _ in range(SAMPLES)]
    found = []
    for name, measure in MEASURES.items():
        low, high = np.percentile([measure(said.of(some)) for some in samples], (2.5, 97.5))
        error = name.startswith("calibration")
        floor = None if error and claims is None else measure(floors)  # VADER claims no probability
        named = (name, part.dataset, part.split, measure(said), float(low), float(high), len(texts))
        found.append(Figure(*named, floor, part.wanted.get(name), not error))
    return found + dear


def vader(texts: Sequence[str]) -> Array:
    """Return what VADER says, by the thresholds its authors give."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    sums = np.array([analyser.polarity_scores(text)["compound"] for text in texts])
    return np.where(sums <= -0.05, 0, np.where(sums >= 0.05, 2, 1))


class Plain:
    """A linear model over tf-idf of words, with classes weighted alike: what one gets without knowing any German."""

    def __init__(self, texts: Texts) -> None:
        found = [self._words(text) for _, text in texts]
        counts = Counter(word for words in found for word in words)
        names = sorted(word for word, count in counts.items() if count >= 2)
        self._index = {word: column for column, word in enumerate(names)}
        self._rarity = np.array([np.log(len(texts) / counts[word]) + 1.0 for word in names])
        target = np.array([CLASSES.index(label) for label, _ in texts])
        importance = (len(target) / (3 * np.bincount(target)))[target][:, None]
        rows, columns, shares = self._entries(found)
        wanted = np.eye(3)[target]
        self._values = np.zeros((len(names), 3))
        mean, square = np.zeros_like(self._values), np.zeros_like(self._values)
        for step in range(1, STEPS + 1):
            odds = np.exp(self._scores(rows, columns, shares, len(target)))
            error = (odds / odds.sum(1, keepdims=True) - wanted) * importance
            slope: Array = np.stack([np.bincount(columns, error[rows, k] * shares, len(names)) for k in range(3)], 1)
            slope += RIDGE * self._values
            mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope * slope
            self._values -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)

    def __call__(self, texts: Sequence[str]) -> Array:
        """Return the class of each text."""
        best: Array = self.chances(texts).argmax(1)
        return best

    def chances(self, texts: Sequence[str]) -> Array:
        """Return the probability of each class for each text."""
        rows, columns, shares = self._entries([self._words(text) for text in texts])
        odds = np.exp(self._scores(rows, columns, shares, len(texts)))
        found: Array = odds / odds.sum(1, keepdims=True)
        return found

    def _words(self, text: str) -> frozenset[str]:
        return frozenset(part.folded for part in cut(text))

    def _entries(self, found: Sequence[frozenset[str]]) -> tuple[Array, Array, Array]:
        known = [np.array(sorted(self._index[word] for word in words if word in self._index), int) for words in found]
        shares = [self._rarity[some] / max(1e-9, float(np.linalg.norm(self._rarity[some]))) for some in known]
        rows = np.repeat(np.arange(len(known)), [len(some) for some in known])
        return rows, np.concatenate(known), np.concatenate(shares)

    def _scores(self, rows: Array, columns: Array, shares: Array, count: int) -> Array:
        return np.stack([np.bincount(rows, self._values[columns, k] * shares, count) for k in range(3)], 1)


def main() -> None:
    """Print a table of all figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--test", action="store_true")
    chosen = arguments.parse_args()
    print("| figure | data | split | n | value | 95 % | plain | wanted |\n|---|---|---|--:|--:|---|--:|--:|")
    for one in figures(chosen.data, TEST if chosen.test else DEV):
        floor = "–" if one.baseline is None else f"{one.baseline:.3f}"
        target = "–" if one.target is None else f"{'≥' if one.higher_is_better else '≤'} {one.target}"
        interval = f"{one.low:.3f} to {one.high:.3f}"
        print(
            f"| {one.name} | {one.dataset} | {one.split} | {one.n} | {one.value:.3f} | {interval} | "
            f"{floor} | {target} |"
        )


if __name__ == "__main__":
    main()
