"""What matching costs: microseconds a text, from event to verdict, for 10, 100 and 1,000 watches.

Stage by stage, and with what comes after: `benchmarks/stages.py`.

    python benchmarks/bench_match.py TEXTS [--sizes 10,100,1000] [--count 20000]

TEXTS holds one text a line, or one JSON object with a `text` a line; it may be gzipped. The watches are made from a
fixed seed, of invented names that no text holds and of words that some hold, so that both kinds of text are measured.
"""

import argparse
import gzip
import json
import random
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.flow import listen
from pipeline.normalize import fold, normalize
from pipeline.query import Matcher
from schemas.event import Event
from schemas.mention import Mention
from schemas.watch import Watch

ROUNDS = 5
_SEEN = datetime(2026, 1, 1, tzinfo=UTC)
_SYLLABLES = "ka lo mi tra vex ost pru zen dor fil bax que ruh sti wol nim jar hup gly xan".split()
_FORMS = (
    '"{a} {b}" OR #{a}{b}',
    "{a} AND ({w} OR {v} OR {b}*) AND NOT {c}",
    '{a}* OR {b}-{c} OR "{a} {w}"',
    "({a} OR {b} OR {c}) lang:de",
    '@{a} OR ({w} AND "{b} {c}")',
)


def main() -> None:
    """Measure and print one line per size."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("texts", type=Path)
    arguments.add_argument("--sizes", default="10,100,1000")
    arguments.add_argument("--count", type=int, default=20_000)
    given = arguments.parse_args()
    texts = read_texts(given.texts, given.count)
    events = [_event(number, text) for number, text in enumerate(texts)]
    mentions = [normalize(event) for event in events]
    size = statistics.mean(map(len, texts))
    print(f"{len(texts)} texts of {size:.0f} characters on average; CPU µs a text, best of {ROUNDS} rounds")
    print(f"normalize {_each(normalize, events):.2f} · fold {_each(fold, [mention.text for mention in mentions]):.2f}")
    print("watches  compile ms  match: all texts  without match  listen, without match  matching")
    for size in map(int, given.sizes.split(",")):
        _report(size, events, mentions)


def _report(size: int, events: Sequence[Event], mentions: Sequence[Mention]) -> None:
    started = time.process_time()
    matcher = Matcher.compile(make_watches(size))
    compiled = (time.process_time() - started) * 1000
    silent = [number for number, mention in enumerate(mentions) if not matcher.match(mention)]
    quiet = [mentions[number] for number in silent]
    both = _each(lambda event: listen(event, matcher), [events[number] for number in silent])
    share = 1 - len(silent) / len(events)
    print(
        f"{size:7d} {compiled:11.0f} {_each(matcher.match, mentions):17.2f} {_each(matcher.match, quiet):14.2f}"
        f" {both:22.2f} {share:9.1%}"
    )


def read_texts(path: Path, count: int) -> list[str]:
    """Return the first `count` texts of a file that are not empty."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        texts = (json.loads(line)["text"] if line.startswith("{") else line.strip() for line in lines)
        return [text for _, text in zip(range(count), filter(None, texts), strict=False)]


def make_watches(size: int) -> list[Watch]:
    """Return watches for invented companies, the same every time."""
    chance = random.Random(20260101)
    words = "train police service hotline flood merkel help breaking fight explosion".split()
    watches = []
    for number in range(size):
        a, b, c = ("".join(chance.choices(_SYLLABLES, k=3)) for _ in range(3))
        w, v = chance.sample(words, 2)
        query = _FORMS[number % len(_FORMS)].format(a=a, b=b, c=c, w=w, v=v)
        if number % 250 == 7:
            query = chance.choice(words)
        watches.append(_watch(number, query))
    return watches


def _watch(number: int, query: str) -> Watch:
    return Watch.model_validate(
        {
            "id": f"w{number}",
            "purpose": {"goal": "reputation", "measure": "none"},
            "query": query,
            "rules": ({"kind": "count"},),
            "owner": "nobody",
            "routes": ({"channel": "console"},),
        }
    )


def _event(number: int, text: str) -> Event:
    return Event(platform="x", id=str(number), time=_SEEN, text=text, source="bench", seen=_SEEN)


def _each(step: object, inputs: Sequence[object]) -> float:
    """Return the microseconds that one input costs, in the best of several rounds over all of them."""
    assert callable(step)
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for value in inputs:
            step(value)
        rounds.append((time.process_time() - started) / max(1, len(inputs)) * 1e6)
    return min(rounds)


if __name__ == "__main__":
    main()
