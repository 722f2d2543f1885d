"""Every figure of sentiment beside a plain baseline: python -m benchmarks.eval_sentiment --data FOLDER.

FOLDER holds what is there of `potts/` (train.tsv.gz, dev.tsv.gz), `germeval2017/dev.xml.gz` and `english/`
(val_text.txt and val_labels.txt as TweetEval has them: 0 negative, 1 neutral, 2 positive). Intervals are percentiles
of 1,000 bootstrap samples with a fixed seed. *Unsure* counts as wrong; for the calibration error only what was claimed
is looked at. The baseline is a linear model over tf-idf of words, learnt from PotTS train; for English it is VADER as
published.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.measure_sentiment import CLASSES, Texts, read
from pipeline.feeling_words import cut
from pipeline.sentiment import assess
from schemas.mention import Language, SentimentClass

SAMPLES, SEED = 1_000, 20
BINS = 10
STEPS, RATE, RIDGE = 300, 0.05, 1.0
UNSURE = 3

Array = np.ndarray[Any, Any]
Measure = Callable[[Array, Array, Array], float]


def figures(folder: Path) -> list[Figure]:
    """Return the figures of every data set that `folder` holds."""
    found: list[Figure] = []
    potts = folder / "potts"
    if (potts / "dev.tsv.gz").exists():
        plain = Plain(read(potts / "train.tsv.gz"))
        dev = read(potts / "dev.tsv.gz")
        found += _of(dev, "de", plain, ("PotTS", "dev"), {"macro-F1": 0.66, "calibration error": 0.05})
        other = folder / "germeval2017" / "dev.xml.gz"
        if other.exists():
            wanted = {"macro-F1": 0.55, "negative F1": 0.5, "calibration error": 0.05}
            found += _of(read(other), "de", plain, ("GermEval 2017", "dev, never learnt from"), wanted)
    english = folder / "english"
    if (english / "val_text.txt").exists():
        wanted = {"macro-recall": 0.6, "calibration error": 0.05}
        found += _of(read_numbered(english, "val"), "en", vader, ("English tweets", "val"), wanted)
    return found


def read_numbered(folder: Path, split: str) -> Texts:
    """Return class and text of the lines of two files."""
    labels = (folder / f"{split}_labels.txt").read_text("utf-8").split()
    texts = (folder / f"{split}_text.txt").read_text("utf-8").rstrip("\n").split("\n")
    return [(CLASSES[int(label)], text) for label, text in zip(labels, texts, strict=True)]


def f1(truth: Array, said: Array, name: int) -> float:
    """Return the harmonic mean of precision and recall of one class."""
    hits = float(np.sum((truth == name) & (said == name)))
    return 2 * hits / max(1.0, float(np.sum(truth == name) + np.sum(said == name)))


def macro_f1(truth: Array, said: Array, _claimed: Array) -> float:
    return float(np.mean([f1(truth, said, name) for name in range(3)]))


def negative_f1(truth: Array, said: Array, _claimed: Array) -> float:
    return f1(truth, said, 0)


def macro_recall(truth: Array, said: Array, _claimed: Array) -> float:
    return float(np.mean([np.mean(said[truth == name] == name) for name in range(3) if np.any(truth == name)]))


def calibration_error(truth: Array, said: Array, claimed: Array) -> float:
    """Return how far claims are from how often they are right, over ten bins by size."""
    sure = said != UNSURE
    bins = np.minimum((claimed[sure] * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(bins, claimed[sure] - (truth == said)[sure], BINS))
    return float(gaps.sum() / max(1, sure.sum()))


MEASURES: dict[str, Measure] = {
    "macro-F1": macro_f1,
    "negative F1": negative_f1,
    "macro-recall": macro_recall,
    "calibration error": calibration_error,
}


def _of(
    texts: Texts, code: str, plain: Callable[[Sequence[str]], Array], named: tuple[str, str], wanted: dict[str, float]
) -> list[Figure]:
    language = Language(code=code, confidence=1.0)
    answers = [assess(text, language) for _, text in texts]
    names = {name: at for at, name in enumerate((*CLASSES, SentimentClass.UNSURE))}
    truth = np.array([names[label] for label, _ in texts])
    said = np.array([names[answer.label] for answer in answers])
    claimed = np.array([answer.probability for answer in answers])
    guessed = plain([text for _, text in texts])
    random = np.random.default_rng(SEED)
    samples = [random.integers(0, len(truth), len(truth)) for _ in range(SAMPLES)]
    found = []
    for name, measure in MEASURES.items():
        values = [measure(truth[some], said[some], claimed[some]) for some in samples]
        low, high = np.percentile(values, (2.5, 97.5))
        error = measure is calibration_error
        floor = None if error else measure(truth, guessed, claimed)
        value = measure(truth, said, claimed)
        found.append(
            Figure(name, *named, value, float(low), float(high), len(truth), floor, wanted.get(name), not error)
        )
    return found


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
            slope = np.stack([np.bincount(columns, error[rows, k] * shares, len(names)) for k in range(3)], 1)
            slope += RIDGE * self._values
            mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope * slope
            self._values -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)

    def __call__(self, texts: Sequence[str]) -> Array:
        """Return the class of each text."""
        rows, columns, shares = self._entries([self._words(text) for text in texts])
        best: Array = self._scores(rows, columns, shares, len(texts)).argmax(1)
        return best

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
    print("| figure | data | split | n | value | 95 % | plain | wanted |\n|---|---|---|--:|--:|---|--:|--:|")
    for one in figures(arguments.parse_args().data):
        floor = "–" if one.baseline is None else f"{one.baseline:.3f}"
        target = "–" if one.target is None else f"{'≥' if one.higher_is_better else '≤'} {one.target}"
        interval = f"{one.low:.3f} to {one.high:.3f}"
        print(
            f"| {one.name} | {one.dataset} | {one.split} | {one.n} | {one.value:.3f} | {interval} | "
            f"{floor} | {target} |"
        )


if __name__ == "__main__":
    main()
