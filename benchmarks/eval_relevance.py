"""Relevance on posts about a railway (GermEval 2017, measured only): what feedback teaches, learnt from a part of them.

Five folds, fixed seed: in each, four parts are the feedback of one watch, and the fifth is judged. From which
probability on a post is believed is chosen on the four parts alone, by judging each of them with the other three, so
that 96 % of what is meant is kept there. The floor is the query alone, which believes everything.
"""

import gzip
import html
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.figures import Figure
from pipeline.learnt import Example, Learnt
from pipeline.relevance import meaning, terms

FOLDS, SEED, DRAWS, KEPT = 5, 7, 1_000, 0.96
Pair = tuple[bool, bool]
"""Whether a post is meant, and whether it is believed to be."""


def read(path: Path) -> list[Example]:
    """Return the posts with whether they are meant; the sites are those of their addresses."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        documents = list(ElementTree.fromstring(file.read()).iter("Document"))
    return [
        Example(
            us=one.findtext("relevance") == "true",
            words=terms(
                html.unescape(html.unescape(one.findtext("text") or "")), one.get("id", "").replace("\\_", "_")
            ),
        )
        for one in documents
    ]


def probabilities(train: Sequence[Example], judged: Sequence[Example]) -> list[float]:
    """Return how probably each of `judged` is meant, after the feedback `train`."""
    known = meaning(None, Learnt(examples=tuple(train)))
    return [known.judge(one.words).probability if known else 1.0 for one in judged]


def threshold(train: Sequence[Example]) -> float:
    """Return the probability from which on 96 % of what is meant is kept, by judging each part with the others."""
    kept: list[float] = []
    for at in range(FOLDS - 1):
        part = train[at :: FOLDS - 1]
        rest = [one for number, one in enumerate(train) if number % (FOLDS - 1) != at]
        kept += [found for found, one in zip(probabilities(rest, part), part, strict=True) if one.us]
    kept.sort()
    return kept[int((1 - KEPT) * len(kept))]


def judge(posts: Sequence[Example]) -> list[Pair]:
    """Return for each post whether it is meant and whether that is believed, each judged by the four other folds."""
    order = list(posts)
    random.Random(SEED).shuffle(order)
    found: list[Pair] = []
    for at in range(FOLDS):
        test = order[at::FOLDS]
        train = [one for number, one in enumerate(order) if number % FOLDS != at]
        least = threshold(train)
        found += [(one.us, got >= least) for one, got in zip(test, probabilities(train, test), strict=True)]
    return found


def f1(pairs: Sequence[Pair]) -> float:
    """Return the F1 of the class *not meant*."""
    hits = sum(not us and not believed for us, believed in pairs)
    missed = sum(us != believed for us, believed in pairs)
    return 2 * hits / max(1, 2 * hits + missed)


def recall(pairs: Sequence[Pair]) -> float:
    """Return how much of what is meant is believed."""
    meant = [believed for us, believed in pairs if us]
    return sum(meant) / max(1, len(meant))


def figures(folder: Path) -> list[Figure]:
    """Return the figures of relevance, with bootstrap intervals; none where the data is not there."""
    path = folder / "germeval2017" / "dev.xml.gz"
    if not path.exists():
        return []
    pairs = judge(read(path))
    chance = random.Random(SEED)
    draws = [chance.choices(pairs, k=len(pairs)) for _ in range(DRAWS)]
    make = partial(Figure, dataset="GermEval 2017 dev", split=f"{FOLDS}-fold cross-validation", n=len(pairs))
    wanted = (("relevance: F1 of not meant", f1, 0.55), ("relevance: recall of meant", recall, 0.95))
    plain = [(us, True) for us, _ in pairs]
    found = []
    for name, measure, target in wanted:
        drawn = sorted(measure(draw) for draw in draws)
        low, high = drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS)]
        found.append(make(name, value=measure(pairs), low=low, high=high, baseline=measure(plain), target=target))
    return found
