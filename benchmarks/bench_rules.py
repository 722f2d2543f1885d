"""What many watches with five rules each cost: a match, a tick over all of them, and the bytes of an idle one.

    python -m benchmarks.bench_rules [--watches 10000] [--matches 20000] [--rate 1000]

Matches go to watches at random, so nearly each finds another one's state; every `BATCH` of them the rows are made as
for the changelog. CPU time of one process, garbage looked for as in a worker. A tick is one that changes nothing; the
longest of the first ones after all watches were published is told besides, and the bytes of an idle watch that has 14
stories, and once it has forgotten them.
"""

import argparse
import json
import random
from collections import deque
from datetime import timedelta
from time import process_time

from benchmarks.bench_judge import START, match
from pipeline.flow import judge
from pipeline.state import LATENESS, WatchState
from pipeline.stream import garbage
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Rows
from pipeline.stream.store import MemoryStore
from schemas.control import WatchVersion
from schemas.tick import Tick
from schemas.watch import Watch

BATCH = 500
RULES = (
    {"kind": "count", "threshold": 10, "window": "1h"},
    {"kind": "unusual-volume"},
    {"kind": "negative-share", "window": "6h", "share": 0.5},
    {"kind": "influencer", "followers": 100_000},
    {"kind": "silence", "window": "2d"},
)


def watch(number: int) -> Watch:
    return Watch.model_validate(
        {
            "id": f"watch-{number}",
            "purpose": {"goal": "reputation", "measure": "benchmark"},
            "query": "word",
            "rules": RULES,
            "owner": "bench",
            "routes": ({"channel": "slack", "to": "#bench"},),
        }
    )


def text(chance: random.Random) -> str:
    return " ".join("".join(chance.choice("abcdefghijklmno") for _ in range(6)) for _ in range(18))


def longest_tick(watches: list[Watch]) -> float:
    """Return the milliseconds of the longest of forty ticks after all were published."""
    store = MemoryStore()
    partition = Partition(Rows(0, store), store, LATENESS)
    deque(partition.take_all([WatchVersion(watch=one, version="1", at=START) for one in watches]), 0)
    partition.persist()
    took = []
    for second in range(1, 40):
        began = process_time()
        deque(partition.take_all([Tick(at=START + timedelta(seconds=second))]), 0)
        took.append(process_time() - began)
        partition.persist()
    return round(max(took) * 1e3, 1)


def idle_bytes(stories: int) -> tuple[int, int]:
    """Return the bytes of all rows of a watch with so many stories in a week, and two days after the last expired."""
    chance, one = random.Random(3), watch(0)
    state, _ = judge(WatchState.empty(), WatchVersion(watch=one, version="1", at=START), START)
    for number in range(stories):
        record = match(number, text(chance), 1)
        time = START + timedelta(days=7 * number / stories)
        mention = record.mention.model_copy(update={"time": time, "seen": time})
        state, _ = judge(state, record.model_copy(update={"watch": one.id, "mention": mention}), time)
    used = sum(map(len, state.rows().values()))
    state, _ = judge(state, Tick(at=time + timedelta(days=9)), time)
    return used, sum(map(len, state.rows().values()))


def main() -> None:  # noqa: C901
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_rules", description=__doc__)
    for name, default in {"watches": 10_000, "matches": 20_000, "rate": 1000}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    garbage.look_rarely()
    every = [watch(number) for number in range(given.watches)]
    first = longest_tick(every)
    used, idle = idle_bytes(14)
    chance = random.Random(5)
    states, now = {}, START
    for one in every:
        states[one.id], _ = judge(WatchState.empty(), WatchVersion(watch=one, version="1", at=START), START)
    names = list(states)
    garbage.keep()
    numbers = iter(range(10**9))

    def matches(count: int, start: float) -> list[tuple[str, object]]:
        found = []
        for at in range(count):
            record = match(next(numbers), text(chance), 1)
            time = START + timedelta(seconds=start + at / given.rate)
            mention = record.mention.model_copy(update={"time": time, "seen": time})
            name = chance.choice(names)
            found.append((name, record.model_copy(update={"watch": name, "mention": mention})))
        return found

    def take(records: list[tuple[str, object]]) -> None:
        for first in range(0, len(records), BATCH):
            touched = set()
            for name, record in records[first : first + BATCH]:
                states[name], _ = judge(states[name], record, START)  # type: ignore[arg-type]
                touched.add(name)
            for name in touched:
                states[name], _ = states[name].persist()

    # a week in which each watch hears a little, so that states are as they are in use
    for day in range(7):
        take(matches(given.watches, day * 86_400.0))
    # and the first of an hour are dearer: each watch works out what is usual then
    take(matches(3 * given.watches, 7 * 86_400.0))
    more = matches(given.matches, 7 * 86_400.0 + 3 * given.watches / given.rate)
    began = process_time()
    take(more)
    cost = (process_time() - began) / given.matches
    now = more[-1][1].mention.time  # type: ignore[attr-defined]
    ticks, due = [], {name: at for name, state in states.items() if (at := state.due_at)}
    for second in range(5):
        at = now + timedelta(seconds=second)
        began = process_time()
        ripe = [name for name, when in due.items() if when <= at]
        assert len(ripe) < len(due)
        ticks.append(process_time() - began)
    heads = sorted(len(state.rows()["head"]) for state in states.values())
    print(
        json.dumps(
            {
                "microseconds_per_match": round(cost * 1e6, 1),
                f"share_of_a_core_at_{given.rate}_a_second": round(cost * given.rate, 3),
                "tick_milliseconds": round(min(ticks) * 1e3, 1),
                "longest_first_tick_milliseconds": first,
                "rows_bytes_with_14_stories": used,
                "rows_bytes_idle": idle,
                "head_bytes_median": heads[len(heads) // 2],
                "head_bytes_largest": heads[-1],
            }
        )
    )


if __name__ == "__main__":
    main()
