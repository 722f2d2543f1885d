"""A logistic regression over the two numbers a word weighs, learnt from several data sets at once, without randomness.

Classes stand at 0 (neutral), feeling + lean (positive) and feeling - lean (negative). Each set has a start of its own,
so that how frequent praise is in one of them is not learnt as a property of its words, and within each set the classes
weigh alike. The ridge holds every weight near what was known before.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.labelled import CLASSES, Texts
from pipeline.sentiment.words import Part, cut

Array = np.ndarray[Any, Any]
STEPS = 200
RATE = 0.05
RIDGE = (12.0, 4.0)
"""For lean and feeling; together they are a ridge of 6 on the weight for each of three classes."""
EVENLY = 12_000
"""How many texts sets that count evenly are worth together, each a like part of them."""
CAPITALS = 0.4
"""A word that is written with a capital more often than this is a noun or a name; that is no feeling."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled texts and the set each is of: class, set, and how much each text counts."""

    texts: Texts
    target: Array
    source: Array
    importance: Array

    @classmethod
    def of(cls, sets: Sequence[Texts], evenly: bool = False) -> "Corpus":
        """Put sets together; `evenly`: each counts as much as the others, else each text as much as any."""
        texts = [one for some in sets for one in some]
        target = np.array([CLASSES.index(label) for label, _ in texts])
        source = np.repeat(np.arange(len(sets)), [len(some) for some in sets])
        importance = np.ones(len(texts))
        for number, some in enumerate(sets):
            inside = source == number
            share = np.bincount(target[inside], minlength=3) / len(some)
            importance[inside] = 1 / (3 * np.maximum(share, 1e-9))[target[inside]]
            if evenly:
                importance[inside] *= EVENLY / len(sets) / len(some)
        return cls(texts, target, source, importance)

    def start(self, biases: Array, halfway: float) -> tuple[float, float]:
        """Return lean and feeling of a text without a known word: the mean of the sets that `biases` are of, the first.

        `halfway` says how far, in logarithms, the classes go from being alike to their mean share in the sets.
        """
        sets = [self.target[self.source == number] for number in range(len(biases))]
        shares = np.mean([np.bincount(one, minlength=3) / len(one) for one in sets], 0)
        negative, neutral, positive = halfway * np.log(shares)
        lean, feeling = biases.mean(0)
        return float(lean + (positive - negative) / 2), float(feeling + (positive + negative) / 2 - neutral)


@dataclass(frozen=True, slots=True)
class Entries:
    """What stands in which text: rows (texts), columns (entries) and what each counts there."""

    rows: Array
    columns: Array
    values: Array

    @classmethod
    def of(cls, found: Sequence[dict[str, float]], index: dict[str, int]) -> "Entries":
        """Take those of the entries of each text that are in `index`."""
        known = [[(index[key], value) for key, value in sorted(keys.items()) if key in index] for keys in found]
        rows = np.repeat(np.arange(len(known)), [len(some) for some in known])
        return cls(
            rows,
            np.array([column for some in known for column, _ in some], int),
            np.array([value for some in known for _, value in some]),
        )


def descend(
    corpus: Corpus, entries: Entries, prior: Array, given: Array, free: Array | None = None
) -> tuple[Array, Array]:
    """Return lean and feeling of each entry, and of the start of each set, by Adam with a falling rate.

    `prior` is what the entries weigh before, `given` what each text weighs beside them. Where `free` is 0 (entry;
    lean, feeling), the weight stays as it was.
    """
    width, count = len(prior), len(corpus.target)
    truth = np.eye(3)[corpus.target]
    values = np.vstack([prior, np.zeros((int(corpus.source.max()) + 1, 2))])
    may = np.ones_like(values)
    if free is not None:
        may[:width] = free
    mean, square = np.zeros_like(values), np.zeros_like(values)
    rows, columns, counts = entries.rows, entries.columns, entries.values
    for step in range(1, STEPS + 1):
        sums = np.stack([np.bincount(rows, values[columns, k] * counts, count) for k in (0, 1)], 1)
        sums += given + values[width + corpus.source]
        error = (soft(sums) - truth) * corpus.importance[:, None]
        slopes = np.stack([error[:, 2] - error[:, 0], error[:, 2] + error[:, 0]], 1)
        words = np.stack([np.bincount(columns, slopes[rows, k] * counts, width) for k in (0, 1)], 1)
        starts = np.stack([np.bincount(corpus.source, slopes[:, k]) for k in (0, 1)], 1)
        slope = np.vstack([words + np.array(RIDGE) * (values[:width] - prior), starts]) * may
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope * slope
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        values -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return values[:width], values[width:]


def soft(sums: Array) -> Array:
    """Return the probabilities of the three classes from lean and feeling."""
    lean, feeling = sums[:, 0], sums[:, 1]
    odds: Array = np.exp(np.stack([feeling - lean, np.zeros(len(sums)), feeling + lean], 1))
    whole: Array = odds.sum(1, keepdims=True)
    chances: Array = odds / whole
    return chances


def nouns(texts: Texts, key_of: Callable[[str], str]) -> frozenset[str]:
    """Return the entries that are mostly written with a capital inside a sentence: nouns and names."""
    capital: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for _, text in texts:
        parts = [part for part in cut(text) if part.kind in ("word", "stop", "mark")]
        for before, part in zip([Part(".", ".", "stop"), *parts], parts, strict=False):
            if part.kind == "word" and before.kind == "word":
                key = key_of(part.folded)
                every[key] += 1
                capital[key] += part.text[0].isupper() and not part.text.isupper()
    return frozenset(key for key, count in every.items() if capital[key] > CAPITALS * count)
