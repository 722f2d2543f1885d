"""Relevance on posts about a railway (GermEval 2017, measured only): what feedback teaches, learnt from a part of them.

Five folds, fixed seed: in each, four parts are the feedback of one watch, and the fifth is judged. From which
probability on a post is believed is chosen on the four parts alone, by judging each of them with the other three, so
that 96 % of what is meant is kept there. The floor is the query alone, which believes everything.

The smoothing, the damping by length and the site as a word were chosen on these posts as a whole. So there is a second
measurement, *nested*, in which they too are chosen on the four parts alone, as F1 is best there, and the fifth part is
judged by that choice.
"""

import gzip
import html
import random
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from benchmarks.figures import Figure
from pipeline.learnt import Example, Learnt
from pipeline.relevance import meaning, terms, weigh

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


class Choice(NamedTuple):
    """What else could have been shipped: `damping` is the power of a text's length, the half being its root."""

    smoothing: float
    damping: float
    site: bool

    def words(self, one: Example) -> list[str]:
        """Return what is looked at of a post."""
        return [word for word in one.words if self.site or not word.startswith("site:")]

    def odds(self, train: Sequence[Example], judged: Sequence[Example]) -> list[float]:
        """Return how much the words of each of `judged` speak for it, after the feedback `train`."""
        known = weigh([Example(one.us, tuple(self.words(one))) for one in train], self.smoothing)
        texts = [self.words(one) for one in judged]
        return [sum(known.get(word, 0.0) for word in some) / max(1, len(some)) ** self.damping for some in texts]


CHOICES = tuple(Choice(*one) for one in product((0.03, 0.1, 0.3, 1.0), (0.0, 0.5, 1.0), (True, False)))


def choose(train: Sequence[Example]) -> tuple[Choice, float]:
    """Return the choice that is best where each of four parts is judged by the others, and the odds that keep 96 %."""
    found = []
    for one in CHOICES:
        judged: list[tuple[bool, float]] = []
        for part, rest in _parts(train, FOLDS - 1):
            judged += zip([post.us for post in part], one.odds(rest, part), strict=True)
        meant = sorted(odds for us, odds in judged if us)
        least = meant[int((1 - KEPT) * len(meant))]
        found.append((f1([(us, odds >= least) for us, odds in judged]), one, least))
    best = max(found, key=lambda some: some[0])
    return best[1], best[2]


def judge_nested(posts: Sequence[Example]) -> list[Pair]:
    """Return what `judge` does where nothing but the four other folds decides how the fifth is judged."""
    order, found = list(posts), []
    random.Random(SEED).shuffle(order)
    for part, rest in _parts(order, FOLDS):
        choice, least = choose(rest)
        found += [(one.us, odds >= least) for one, odds in zip(part, choice.odds(rest, part), strict=True)]
    return found


def _parts(posts: Sequence[Example], many: int) -> Iterator[tuple[Sequence[Example], list[Example]]]:
    """Yield each of so many parts, and the others."""
    for at in range(many):
        yield posts[at::many], [one for number, one in enumerate(posts) if number % many != at]


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
    posts, split = read(path), f"{FOLDS}-fold cross-validation"
    return [*_figures(judge(posts), split), *_figures(judge_nested(posts), f"{split}, nested")]


def _figures(pairs: Sequence[Pair], split: str) -> list[Figure]:
    chance = random.Random(SEED)
    draws = [chance.choices(pairs, k=len(pairs)) for _ in range(DRAWS)]
    make = partial(Figure, dataset="GermEval 2017 dev", split=split, n=len(pairs))
    wanted = (("relevance: F1 of not meant", f1, 0.55), ("relevance: recall of meant", recall, 0.95))
    plain = [(us, True) for us, _ in pairs]
    found = []
    for name, measure, target in wanted:
        drawn = sorted(measure(draw) for draw in draws)
        low, high = drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS)]
        found.append(make(name, value=measure(pairs), low=low, high=high, baseline=measure(plain), target=target))
    return found
