"""What matching costs, from a raw text to the watches it satisfies, for 10 up to 10,000 watches.

    make bench-match                          # the texts of the example
    EARSHOT_BENCH_TEXTS=texts.jsonl.gz make bench-match ARGS="--count 20000"

Texts are JSON lines with a `text`, perhaps gzipped. Each size is measured in a process of its own, so that its memory
is its own; Lucene Monitor and Hyperscan are measured beside it where they can be had.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import monitor, scanners
from benchmarks.match_watches import make_queries, make_watches, reduced_watches
from benchmarks.workload import EXAMPLE
from pipeline.normalize import normalize, readable
from pipeline.query import Matcher, WatchMatch
from schemas.event import Event
from schemas.watch import Watch

ROUNDS = 5
BATCH = 100
"""So many texts are heard at once, as Lucene gets them in its batches."""
LUCENE_TEXTS = 10_000
_SEEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one number of watches costs: CPU seconds, megabytes, microseconds a text."""

    watches: int
    compile_seconds: float
    megabytes: float
    every_text: float
    silent_text: float
    share: float
    pairs: int


def main() -> None:
    """Measure and print one line per size, then what others take."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("texts", type=Path, nargs="?")
    arguments.add_argument("--sizes", default="10,100,1000,10000")
    arguments.add_argument("--count", type=int, default=20_000)
    given = arguments.parse_args()
    path = given.texts or Path(os.environ.get("EARSHOT_BENCH_TEXTS", EXAMPLE))
    texts = read_texts(path, given.count)
    sizes = [int(size) for size in given.sizes.split(",")]
    letters = sum(map(len, texts)) / len(texts)
    print(f"{len(texts)} texts of {letters:.0f} characters on average; CPU time, best of {ROUNDS} rounds; µs a text\n")
    print("| watches | compile s | MB | every text | a second | text that matches nothing | texts that match |")
    print("|---|---|---|---|---|---|---|")
    found = [_apart(_figures, make_watches, size, texts) for size in sizes]
    for one in found:
        print(
            f"| {one.watches:,} | {one.compile_seconds:.2f} | {one.megabytes:.0f} | {one.every_text:.1f} |"
            f" {1e6 / one.every_text:,.0f} | {one.silent_text:.2f} | {one.share:.1%} |"
        )
    print(f"\nA text that matches nothing: {found[-1].silent_text / found[0].silent_text:.2f} times the price.\n")
    for size in sizes:
        _beside(size, texts)


def hear(events: Sequence[Event], matcher: Matcher) -> list[tuple[WatchMatch, ...]]:
    """Go from raw events to the watches that they satisfy, as `pipeline.flow.listen_all` does."""
    asked = [matcher.candidates(*readable(event), event) for event in events]
    return [matcher.match(normalize(event), some) if some else () for event, some in zip(events, asked, strict=True)]


def read_texts(path: Path, count: int) -> list[str]:
    """Return the first `count` texts of a file that are not empty, as they are mixed by a fixed rule."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        texts = (json.loads(line)["text"] if line.startswith("{") else line.strip() for line in lines)
        return [text for _, text in zip(range(count), filter(None, texts), strict=False)]


def _figures(make: Callable[[int], list[Watch]], size: int, texts: Sequence[str]) -> Figures:
    events = [_event(number, text) for number, text in enumerate(texts)]
    watches = make(size)
    before = _megabytes()
    started = time.process_time()
    matcher = Matcher.compile(watches)
    compiled, grown = time.process_time() - started, _megabytes() - before
    matched = [len(found) for found in hear(events, matcher)]
    silent = [event for event, matches in zip(events, matched, strict=True) if not matches]
    return Figures(
        size,
        compiled,
        grown,
        each(lambda some: hear(some, matcher), events),
        each(lambda some: hear(some, matcher), silent),
        1 - len(silent) / len(events),
        sum(matched),
    )


def _beside(size: int, texts: Sequence[str]) -> None:
    """Print what a scanner alone takes, and what Lucene takes for the same queries and some of the texts."""
    for name, microseconds in _apart(scanners.measure, size, texts):
        print(f"{size:,} watches: {name}: {microseconds:.2f} µs a text")
    if not monitor.available():
        print("Lucene Monitor is left out: it needs Java and Maven")
        return
    texts = texts[:LUCENE_TEXTS]
    ours = _apart(_figures, reduced_watches, size, texts)
    print(f"{size:,} watches, reduced to what both can say: ours {ours.every_text:.1f} µs a text, {ours.pairs} pairs")
    for name, microseconds, pairs in monitor.measure([query for _, query in make_queries(size)], texts, ROUNDS):
        ratio = microseconds / ours.every_text
        print(f"    Lucene Monitor, {name}: {microseconds:.1f} µs a text, {pairs} pairs: {ratio:.1f} times ours")


def _apart(work: Callable[..., Any], *given: Any) -> Any:
    """Run `work` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _event(number: int, text: str) -> Event:
    return Event(platform="x", id=str(number), time=_SEEN, text=text, source="bench", seen=_SEEN)


def each(step: Callable[[Sequence[Any]], object], inputs: Sequence[Any]) -> float:
    """Return the microseconds that one input costs, `BATCH` at a time, in the best of several rounds over all."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for start in range(0, len(inputs), BATCH):
            step(inputs[start : start + BATCH])
        rounds.append((time.process_time() - started) / max(1, len(inputs)) * 1e6)
    return min(rounds)


if __name__ == "__main__":
    main()
