"""What folding into stories reaches: how much is folded, what is folded wrongly, what it costs.

    python -m benchmarks.eval_folding --data FOLDER

`FOLDER` holds `crises/crises.jsonl.gz` (CrisisLexT26), `sts/*.tsv` and `sts/stsb-de-dev.csv` (sentence pairs with how
similar people found them, 0 to 5) and `texts/texts.jsonl.gz`. Nothing is fitted to them. What is folded goes through
`pipeline.stories.dedup.place` as in judge. The baseline is folding by equal text (case and white space apart) alone.
"""

import argparse
import csv
import gzip
import json
import random
import resource
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.bench_judge import _LETTERS, Known, texts
from benchmarks.bench_judge import match as bench_match
from benchmarks.figures import Figure
from pipeline.stories.dedup import MAX_STORIES, place
from pipeline.stories.memory import Memory
from pipeline.stream import garbage
from schemas.mention import Match

SEED, RESAMPLED = 20260101, 1_000
WATCHES, MATCHES, BATCH = 5, 4_000, 200
APART = 3.0
"""Pairs that people scored below this are not the same."""


def _match(number: int, text: str, time: datetime | None = None) -> Match:
    made = bench_match(number, text, 10**6)
    if time is None:
        return made
    return made.model_copy(update={"mention": made.mention.model_copy(update={"time": time, "seen": time})})


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean with its 95 % interval by bootstrap; where all are equal, that of the rule of three."""
    mean = sum(values) / len(values)
    if mean in (0.0, 1.0):
        bound = min(1.0, 3 / len(values))
        return mean, max(0.0, mean - bound) if mean else 0.0, min(1.0, mean + bound) if mean < 1 else 1.0
    kept, chance = np.array(values), np.random.default_rng(SEED)
    means = [float(kept[chance.integers(0, len(kept), len(kept))].mean()) for _ in range(RESAMPLED)]
    low, high = np.quantile(means, (0.025, 0.975))
    return mean, float(low), float(high)


def _equal(text: str) -> str:
    return " ".join(text.casefold().split())


def _share(name: str, of: tuple[str, str], values: Sequence[float], plain: Sequence[float], target: float) -> Figure:
    value, low, high = interval(values)
    better = "wrong" not in name
    return Figure(name, *of, value, low, high, len(values), sum(plain) / len(plain), target, better)


def _crises(folder: Path) -> Figure:
    """Return the share of tweets that join a story which is known, event by event, in their order of time."""
    folded, plain = [], []
    events: dict[str, list[tuple[str, str]]] = {}
    with gzip.open(folder / "crises" / "crises.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            events.setdefault(row["event"], []).append((row["time"], row["text"]))
    for posts in events.values():
        memory, known = Memory(), set[str]()
        for number, (time, text) in enumerate(sorted(posts)):
            post = _match(number, text, datetime.fromisoformat(time))
            memory, fold = place(memory, post, post.mention.time)
            folded.append(float(fold.before is not None))
            plain.append(float(_equal(text) in known))
            known.add(_equal(text))
    return _share("tweets folded", ("CrisisLexT26, six events", "all"), folded, plain, 0.14)


def _pairs(folder: Path) -> Iterator[tuple[float, str, str]]:
    for path in sorted((folder / "sts").glob("*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            score, one, other = line.split("\t")[:3]
            yield float(score), one, other
    with (folder / "sts" / "stsb-de-dev.csv").open(encoding="utf-8", newline="") as lines:
        for one, other, score in csv.reader(lines):
            yield float(score), one, other


def _joined(one: str, other: str) -> float:
    memory, _ = place(Memory(), first := _match(0, one), first.mention.time)
    _, fold = place(memory, second := _match(1, other), second.mention.time)
    return float(fold.before is not None)


def _merges(folder: Path) -> list[Figure]:
    """Return the share of pairs that are folded though people found them different, and of those they found equal."""
    found = []
    of = ("STS headlines, news (en), STSb (de)", "2013, 2014, de dev")
    pairs = [(score, _joined(one, other), float(_equal(one) == _equal(other))) for score, one, other in _pairs(folder)]
    apart = [(joined, plain) for score, joined, plain in pairs if score < APART]
    same = [(joined, plain) for score, joined, plain in pairs if score >= 5]
    found.append(_share("wrong merges, scored below 3", of, *zip(*apart, strict=True), 0.003))
    value, low, high = interval([joined for joined, _ in same])
    plain = sum(plain for _, plain in same) / len(same)
    found.append(Figure("pairs scored 5 that fold", *of, value, low, high, len(same), plain, None))
    return found


def _copies(folder: Path) -> list[Figure]:
    """Return the share of exact copies and of marked reposts that fold, made of real texts one by one."""
    with gzip.open(folder / "texts" / "texts.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = random.Random(SEED).sample([json.loads(line)["text"] for line in lines], 5_000)
    posts = [text for text in found if any(map(str.isalnum, text))]  # all but what consists of signs
    of = (f"{len(posts):,} real short texts, en de es pt it", "sample")
    exact = [(_joined(text, text), 1.0) for text in posts]
    marked = [f"RT @someone: {text}" for text in posts]
    reposts = [(_joined(text, again), 0.0) for text, again in zip(posts, marked, strict=True)]
    return [
        _share("exact copies folded", of, *zip(*exact, strict=True), 1.0),
        _share("marked reposts folded", of, *zip(*reposts, strict=True), 1.0),
    ]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


class _Heard:
    """What one watch has heard of made-up texts."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._known, self._number = chance, Known(), 0
        self.memory = Memory()
        self.latest: list[Match] = []

    def hear(self, count: int) -> float:
        """Fold so many mentions and return the seconds of CPU time."""
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._number)
        made = [texts(self._chance, self._known).translate(_LETTERS) for _ in range(count)]
        self.latest = [_match(self._number + at, text, start + timedelta(seconds=at)) for at, text in enumerate(made)]
        self._number += count
        began, memory = process_time(), self.memory
        for post in self.latest:
            memory, _ = place(memory, post, post.mention.time)
        took = process_time() - began
        self.memory = memory.saved()
        return took


def _cost() -> list[Figure]:
    """Return CPU time of folding a mention while `WATCHES` remember as much as each may, and the memory it takes."""
    garbage.look_rarely()
    chance, before = random.Random(7), _resident()
    told = [_Heard(chance) for _ in range(WATCHES)]
    for one in told:
        while one.memory.size < MAX_STORIES - BATCH:
            one.hear(BATCH)
    stories = sum(one.memory.size for one in told)
    held = (_resident() - before) / stories
    took, plain, known = [], [], set[str]()
    for at in range(MATCHES // BATCH):
        took.append(told[at % WATCHES].hear(BATCH) / BATCH * 1e6)
        began = process_time()
        known.update(_equal(post.mention.text) for post in told[at % WATCHES].latest)
        plain.append((process_time() - began) / BATCH * 1e6)
    value, low, high = interval(took)
    of = ("texts of 12 to 25 words, one in ten a near copy", f"{stories:,} stories of {WATCHES} watches")
    cost = Figure("CPU µs a mention", *of, value, low, high, MATCHES, sum(plain) / len(plain), 25.0, False)
    return [
        cost,
        Figure(
            "bytes of memory a story, the benchmark's own lists included",
            *of,
            held,
            held,
            held,
            stories,
            None,
            None,
            False,
        ),
    ]


def figures(folder: Path) -> list[Figure]:
    """Return every figure of folding, measured on the data in `folder`.

    Raises:
        OSError: a data set is missing.
    """
    return [*_copies(folder), *_merges(folder), _crises(folder), *_cost()]


def main() -> None:
    """Print a table of the figures."""
    parser = argparse.ArgumentParser(description="Measure folding into stories.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the data sets")
    sys.stdout.write(
        "| figure | data | part | n | value | 95 % | equal text only | wanted |\n|---|---|---|--:|--:|---|--:|--:|\n"
    )
    for one in figures(parser.parse_args().data):
        baseline = "–" if one.baseline is None else f"{one.baseline:.4g}"
        sign = "≥" if one.higher_is_better else "≤"
        wanted = "–" if one.target is None else f"{sign} {one.target:g}"
        sys.stdout.write(
            f"| {one.name} | {one.dataset} | {one.split} | {one.n:,} | {one.value:.4g} | {one.low:.4g} to "
            f"{one.high:.4g} | {baseline} | {wanted} |\n"
        )


if __name__ == "__main__":
    main()
