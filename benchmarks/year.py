"""How long `earshot backtest` takes for a year of an average watch: a million mentions, as the command takes them.

    EARSHOT_BENCH_TEXTS=… python -m benchmarks.year [--mentions 1000000] [--days 365]

The year is made up, the texts are not (`benchmarks/workload.py`): posts come by the hour of the day and the day of the
week, and once a month there is a crisis of a few hours in which a third of the posts are copies. Each of them names the
brand, one in eight a competitor beside it. The watch has five rules. With fewer mentions the year is as much shorter,
so that as many are remembered at a time. The file is written first; then the command is run by itself, and its seconds
of wall clock and of CPU are told, those of the processes that listen for it among the latter.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import sin, tau
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.workload import texts

START = datetime(2025, 1, 1, tzinfo=UTC)
CRISES, CRISIS_HOURS, CRISIS_TIMES = 12, 6, 12
"""So many crises a year, of so many hours, in which so many times the usual is said."""
COPIES = 0.33
WATCH = {
    "id": "acme",
    "purpose": {"goal": "reputation", "measure": "benchmark"},
    "query": "acme",
    "competitors": [{"name": "Globex", "query": "globex"}],
    "rules": [
        {"kind": "count", "threshold": 400, "window": "1h"},
        {"kind": "unusual-volume"},
        {"kind": "negative-share", "window": "6h", "share": 0.5},
        {"kind": "influencer", "followers": 1_000_000},
        {"kind": "silence", "window": "6h"},
    ],
    "owner": "bench",
    "routes": [{"channel": "slack", "to": "#bench"}],
}


def hours(days: int) -> Iterator[tuple[datetime, float, bool]]:
    """Yield the hours with how much is said in each, and whether there is a crisis."""
    chance = random.Random(3)
    count = days * 24
    begins = {chance.randrange(count) for _ in range(max(1, round(CRISES * days / 365)))}
    for hour in range(count):
        time = START + timedelta(hours=hour)
        usual = (1.0 + 0.8 * sin(tau * (time.hour - 9) / 24)) * (0.6 if time.weekday() > 4 else 1.0)
        crisis = any(begin <= hour < begin + CRISIS_HOURS for begin in begins)
        yield time, usual * (CRISIS_TIMES if crisis else 1), crisis


def posts(mentions: int, days: int) -> Iterator[dict[str, Any]]:
    """Yield about so many posts of so many days, in their order."""
    chance, sample = random.Random(5), texts()
    found = list(hours(days))
    whole = sum(weight for _, weight, _ in found)
    said, number, at, recent = 0.0, 0, 0, [""] * 50
    for time, weight, crisis in found:
        said += mentions * weight / whole
        for second in sorted(chance.random() * 3600 for _ in range(round(said) - number)):
            if at % len(sample) == 0:
                chance.shuffle(sample)
            text = sample[at % len(sample)]
            text = f"Acme {text}" if number % 8 else f"Acme and Globex: {text}"
            if crisis and chance.random() < COPIES:
                text = chance.choice(recent) or text
            else:
                at += 1
                recent[at % len(recent)] = text
            number += 1
            yield {
                "platform": "x",
                "id": str(number),
                "time": (time + timedelta(seconds=round(second, 3))).isoformat(),
                "text": text,
                "author": {"id": str(chance.randrange(200_000)), "followers": int(chance.paretovariate(0.7) * 40)},
            }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=0, help="as many as so many mentions take of a year of a million")
    parser.add_argument("--keep", type=Path, help="a folder in which the posts and the watch file stay")
    given = parser.parse_args()
    days = given.days or max(1, round(365 * given.mentions / 1_000_000))
    with tempfile.TemporaryDirectory() as made:
        folder = given.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        watches, recorded = folder / "watches.yml", folder / "posts.jsonl"
        watches.write_text(json.dumps({"watches": [WATCH]}), "utf-8")
        with recorded.open("w", encoding="utf-8") as file:
            lines = (json.dumps(post, ensure_ascii=False) + "\n" for post in posts(given.mentions, days))
            count = sum(bool(file.write(line)) for line in lines)
        began, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "cli.main", "backtest", "-w", str(watches), "-i", str(recorded), "--json"]
        said = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        wall, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    result = {
        "mentions": count,
        "days": days,
        "matched": said["matched"],
        "stories": said["stories"],
        "alerts": len(said["alerts"]),
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "microseconds_per_mention": round(wall / count * 1e6, 1),
        "largest_process_mb": round(after.ru_maxrss / 1024),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
