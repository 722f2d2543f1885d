"""Where each microsecond of a worker's own work goes: the pure functions of `listen` and `judge`, stage by stage.

    python -m benchmarks.stages [--events 20000] [--watches 1000] [--share 0.1] [--stories 10000]

CPU time of one core. Each stage is run by itself over the inputs it gets in the whole, best of several rounds; then the
whole is measured at once, and what that takes beyond the sum is the price of stages that push one another out of the
processor's caches. What Kafka, Faust and the producer cost comes on top (`benchmarks/stream.py`). Garbage is looked for
as in a worker. Texts as in `benchmarks/workload.py`.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.bench_judge import fill
from benchmarks.workload import events, texts, watch_words, write_watches
from pipeline.check import load_watches
from pipeline.decide import Belief, counted_as, receipt, respond
from pipeline.detect import step_all
from pipeline.enrich import enrich_all, prefilter
from pipeline.flow import judge, listen
from pipeline.incidents.incident import Outcome
from pipeline.language import detect, detect_all
from pipeline.normalize import normalize, readable
from pipeline.query import Matcher
from pipeline.score import score
from pipeline.sentiment import assess
from pipeline.state import WatchState
from pipeline.stories.dedup import place
from pipeline.stories.sketch import sketch
from pipeline.stream import garbage
from pipeline.stream.dead import read
from schemas.control import judged
from schemas.event import Event, delivered
from schemas.glimpse import glimpse
from schemas.mention import Match
from schemas.receipt import Decision

ROUNDS = 5
AT_ONCE = 200
"""Posts that `listen` is given at once."""
BATCH = 100
"""Matches of one watch between two writings of its state."""
_OUTCOME = Outcome(Decision.BELOW_THRESHOLD, "count: 3 of 10; spike: 3 of 10")


def best(step: Callable[[], object], ready: Callable[[], object] = lambda: None) -> float:
    """Return the CPU seconds of the best of several rounds, before each of which it is made `ready`."""
    rounds = []
    for _ in range(ROUNDS):
        ready()
        began = process_time()
        step()
        rounds.append(process_time() - began)
    return min(rounds)


def each(step: Callable[..., Any], inputs: Iterable[tuple[Any, ...]]) -> float:
    """Return the microseconds that `step` takes for the arguments of one call."""
    calls = list(inputs)

    def all_of_them() -> None:
        for arguments in calls:
            step(*arguments)

    return best(all_of_them) / max(1, len(calls)) * 1e6


class Table:
    """Prints a row for each stage: what a call costs, how many calls there are for one input, what that makes."""

    def __init__(self, title: str, unit: str) -> None:
        print(f"\n**{title}**\n\n| stage | µs a call | calls a {unit} | µs a {unit} |\n|---|--:|--:|--:|")
        self._sum = 0.0

    def row(self, stage: str, cost: float, calls: float = 1.0) -> None:
        """Print one stage."""
        self._sum += cost * calls
        print(f"| {stage} | {cost:.1f} | {calls:.2f} | {cost * calls:.2f} |")

    def end(self, whole: float) -> None:
        """Print the sum, and the whole as measured at once."""
        print(f"| the sum of these | | | {self._sum:.1f} |\n| **all at once** | | | **{whole:.1f}** |")


def _event(value: bytes) -> Event:
    found = read(value, delivered)
    assert isinstance(found, Event)
    return found


def report_listen(raw: Sequence[bytes], matcher: Matcher) -> tuple[float, float]:
    """Print what `listen` costs; return microseconds of an event, and matches of an event."""
    looks = [found for value in raw if (found := glimpse(value))]
    sifted = prefilter(looks, matcher)
    asked = [(_event(raw[at]), found) for at, found in sifted]
    hits = [post for post, _ in asked if listen(post, matcher)]
    heard = [normalize(post) for post in hits]
    spoken = [(mention.text, detect(mention.text, mention.heard_lang)) for mention in heard]
    matches = [match for post in hits for match in listen(post, matcher)]
    some, few, many = (len(part) / len(looks) for part in (asked, hits, matches))
    table = Table(f"listen: {len(looks):,} events, {few:.1%} of them match", "event")
    table.row("glimpse", each(glimpse, zip(raw)))
    table.row(
        "look for the words of all queries", each(lambda one: matcher.candidates(*readable(one), one), zip(looks))
    )
    table.row("read in full", each(lambda at: read(raw[at], delivered), [(at,) for at, _ in sifted]), some)
    table.row("normalize", each(normalize, [(post,) for post, _ in asked]), some)
    table.row("match", each(matcher.match, [(normalize(post), found) for post, found in asked]), some)
    table.row("language", _telling_languages([(one.text, one.heard_lang) for one in heard], round(AT_ONCE * few)), few)
    table.row("sentiment", each(assess, spoken), few)
    felt = [(mention, assess(*said)) for mention, said in zip(heard, spoken, strict=True)]
    table.row("score (with a cut of the text that it shares with sentiment)", each(score, felt), few)
    table.row("serialise", each(Match.to_bytes, zip(matches)), many)

    def whole() -> None:
        for start in range(0, len(raw), AT_ONCE):
            values = raw[start : start + AT_ONCE]
            some = prefilter([found for value in values if (found := glimpse(value))], matcher)
            for found in enrich_all([(_event(values[at]), queries) for at, queries in some], matcher):
                for match in found:
                    match.to_bytes()

    cost = best(whole) / len(raw) * 1e6
    table.end(cost)
    return cost, many


def _telling_languages(said: Sequence[tuple[str, str | None]], together: int) -> float:
    """Return the microseconds that a text takes where so many are asked about at once."""
    rounds = [(said[start : start + together],) for start in range(0, len(said), together)]
    return each(detect_all, rounds) * len(rounds) / len(said)


def report_judge(state: WatchState, matches: Sequence[Match]) -> float:
    """Print what `judge` costs for a watch in `state`; return microseconds of a match."""
    at = max(match.mention.time for match in matches)
    raw = [match.to_bytes() for match in matches]
    seen = [(match, place(state.memory, match, at)[1]) for match in matches]
    table = Table(f"judge: a watch that remembers {state.memory.size:,} stories", "match")
    table.row("decode", each(lambda value: read(value, judged), zip(raw)))
    table.row("known already?", each(lambda one: state.memory.known(one.mention.id), zip(matches)))
    sketching = each(sketch, [(match.mention.text,) for match in matches])
    table.row("sketch", sketching)
    placing = each(lambda one: place(state.memory, one, at), zip(matches))
    table.row("near ones, and remember", placing - sketching)
    table.row("window", each(lambda one, fold: state.window.add(one.mention.time, counted_as(one, fold), at), seen))
    table.row("detect", each(lambda _: step_all(state.rules, state.readings, state.window, at), zip(matches)))
    table.row("decide", each(lambda one, fold: respond(state, Belief(one), fold, ()), seen))
    table.row("receipt", each(lambda one: receipt(one, at, _OUTCOME).to_bytes(), zip(matches)))
    table.row(f"rows of the state, every {BATCH} matches", _persisting(state, matches))

    def whole() -> None:
        now = state
        for number, value in enumerate(raw):
            now, verdict = judge(now, read(value, judged), at)
            for found in verdict.receipts:
                found.to_bytes()
            if number % BATCH == BATCH - 1:
                now, _ = now.persist()

    # a worker never looks back: the way to the state as it was is no part of its work
    cost = best(whole, lambda: state.memory.tables) / len(raw) * 1e6
    table.end(cost)
    return cost


def _persisting(state: WatchState, matches: Sequence[Match]) -> float:
    """Return the microseconds that a match adds to the writing of the state."""
    for match in matches[:BATCH]:
        state, _ = judge(state, match, match.mention.time)
    return best(state.persist) / BATCH * 1e6


def main() -> None:
    """Print both tables, and what the two make of an event together."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=20_000)
    arguments.add_argument("--watches", type=int, default=1_000)
    arguments.add_argument("--share", type=float, default=0.1)
    arguments.add_argument("--stories", type=int, default=10_000)
    given = arguments.parse_args()
    sample = texts()[: given.events]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "watches.yml")
        write_watches(path, watch_words(sample, given.watches, given.share))
        matcher = Matcher.compile(load_watches(path.read_text("utf-8"), str(path)))
    garbage.look_rarely()
    listening, matches = report_listen([value for _, value in events(sample, given.events)], matcher)
    judging = report_judge(*fill(given.stories, 2_000))
    whole = listening + matches * judging
    print(f"\n{matches:.2f} matches an event: {whole:.1f} µs an event in all, {1e6 / whole:,.0f} events/s on one core")


if __name__ == "__main__":
    main()
