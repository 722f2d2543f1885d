"""Memory over time: posts at a set rate through ingest, worker and delivery on a real Kafka, and whether RSS is flat.

    python -m benchmarks.soak [--minutes 60] [--rate 500] [--warm-up 0.34] [--distinct 20000] [--disk]

RSS of each process is sampled every second. After the warm-up (a share of the whole) the samples of ten seconds make
one point, their median, and a robust line is laid through the points. A process is flat if that line rises by less than
5 % of its RSS an hour, with 95 % confidence. Slack is a server on loopback that answers at once.

Judge remembers what it has heard for days, which is state and no leak. So only so many posts are `distinct`: then the
same ones come again, pass through everything, and are recognised. With `--distinct 0` all are new, and the slope of the
worker is what remembering costs: in memory, or with `--disk` in its caches, which are bounded.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from statistics import median
from time import monotonic, time

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from agents.topics import apply_topics
from benchmarks.latency import SECRET, ready, start
from benchmarks.slope import slope, verdict
from benchmarks.stream import resident
from benchmarks.workload import texts, watch_words, write_watches
from cli.broker import free_port
from schemas.metrics import INGEST_QUEUE_AGE, LAG
from schemas.settings import load_settings
from tests.broker.brokers import Kafka
from tests.servers.slack import slack_server

WATCHES, SHARE, THRESHOLD = 200, 0.1, 20
POSTS = 50
"""In one request."""
BLOCK = 10
"""Seconds of samples in one point of the line."""
MOST_GROWTH = 0.05
"""Of its RSS, in an hour, is what a flat process may grow."""


@dataclass(slots=True)
class Seen:
    """What was observed: `memory` by process as (seconds, bytes), and how the load was taken."""

    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    queue_age: float = 0.0
    lag: float = 0.0


async def push(http: aiohttp.ClientSession, url: str, posts: list[dict[str, str]], seen: Seen) -> None:
    """Send one signed request and count its answer."""
    body, stamp = json.dumps(posts).encode(), str(int(time()))
    signature = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Earshot-Timestamp": stamp, "X-Earshot-Signature": f"v1={signature}"}
    async with http.post(f"{url}/v1/events", data=body, headers=headers) as answer:
        seen.answers[answer.status] = seen.answers.get(answer.status, 0) + 1


async def gauge(http: aiohttp.ClientSession, port: int, name: str) -> float:
    """Return the sum of a gauge's series in a process."""
    async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
        return sum(one.value for family in families for one in family.samples if one.name == name)


async def sample(http: aiohttp.ClientSession, processes: list[tuple[str, int, int]], seen: Seen) -> None:
    """Look at all processes every second, until cancelled."""
    began = monotonic()
    ports = {name: port for name, _pid, port in processes}
    while True:
        for name, pid, _port in processes:
            seen.memory.setdefault(name, []).append((monotonic() - began, resident(pid)))
        seen.queue_age = max(seen.queue_age, await gauge(http, ports["ingest"], INGEST_QUEUE_AGE.name))
        seen.lag = await gauge(http, ports["worker"], LAG.name)
        await asyncio.sleep(1)


def requests(distinct: int) -> Iterator[list[dict[str, str]]]:
    """Yield the posts of one request after the other; after `distinct` posts the same ones again."""
    now, sample = datetime.now(UTC), texts()
    for number in cycle(range(0, distinct, POSTS)) if distinct else count(0, POSTS):
        at = now + timedelta(seconds=number / 1000)
        yield [
            {"platform": "x", "id": str(one), "time": at.isoformat(), "text": sample[one % len(sample)]}
            for one in range(number, number + POSTS)
        ]


async def drive(
    url: str, processes: list[tuple[str, int, int]], seconds: float, rate: int, posts: Iterator[list[dict[str, str]]]
) -> Seen:
    """Send `posts` at `rate` a second for `seconds` and return what was seen."""
    seen, number = Seen(), 0
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for _name, _pid, port in processes:
            await ready(http, port)
        looking = group.create_task(sample(http, processes, seen))
        begin = monotonic()
        while monotonic() < begin + seconds:
            number += POSTS
            group.create_task(push(http, url, next(posts), seen))
            await asyncio.sleep(max(0.0, begin + number / rate - monotonic()))
        await asyncio.sleep(5)
        looking.cancel()
    return seen


def measure(folder: Path, seconds: float, rate: int, distinct: int, disk: bool) -> tuple[Seen, int]:
    """Run everything once; return what was seen and how many messages reached Slack."""
    with ExitStack() as stack:
        broker = Kafka(folder)
        broker.start()
        stack.callback(broker.stop)
        apply_topics(load_settings(kafka=broker.address, partitions=4))
        write_watches(folder / "watches.yml", watch_words(texts(), WATCHES, SHARE), threshold=THRESHOLD)
        (folder / "sources.yml").write_text("sources:\n  - {id: push, kind: webhook}\n", "utf-8")
        slack = stack.enter_context(slack_server())
        slack.channels["C0BENCH"] = "bench"
        port = free_port()
        env = (
            os.environ
            | {
                "EARSHOT_KAFKA": broker.address,
                "EARSHOT_WATCHES": str(folder / "watches.yml"),
                "EARSHOT_SOURCES": str(folder / "sources.yml"),
                "EARSHOT_WEBHOOK_PORT": str(port),
                "EARSHOT_WEBHOOK_SECRETS": SECRET,
                "EARSHOT_SLACK_API_URL": slack.api_url,
                "SLACK_BOT_TOKEN": "xoxb-bench",
            }
            | ({"EARSHOT_STATE_DIR": str(folder / "state")} if disk else {})
        )
        processes = [start(name, env, stack) for name in ("ingest", "worker", "deliver")]
        seen = asyncio.run(drive(f"http://127.0.0.1:{port}", processes, seconds, rate, requests(distinct)))
        return seen, len(slack.called("chat.postMessage"))


def points(samples: list[tuple[float, float]], warm_up: float) -> list[tuple[float, float]]:
    """Return the medians of blocks of seconds after `warm_up`, as (hours, bytes)."""
    blocks: dict[int, list[float]] = {}
    for second, size in samples:
        if second >= warm_up:
            blocks.setdefault(int(second // BLOCK), []).append(size)
    return [(block * BLOCK / 3600, median(sizes)) for block, sizes in sorted(blocks.items())]


def report(seen: Seen, told: int, seconds: float, rate: int, warm_up: float) -> None:
    """Print the table for docs/performance.md."""
    answers = ", ".join(f"{number} times {status}" for status, number in sorted(seen.answers.items()))
    print(f"{seconds / 60:.0f} min, {rate} posts a second, requests of {POSTS}: {answers}; {told} messages to Slack")
    print(f"oldest record that waited in ingest {seen.queue_age:.1f} s; lag of the worker at the end {seen.lag:.0f}")
    print("| process | RSS at the start, MB | after the warm-up | at the end | highest | MB an hour (95 %) | |")
    print("|---|---|---|---|---|---|---|")
    for name, samples in seen.memory.items():
        line = points(samples, warm_up)
        found, level = slope(line), median(size for _hour, size in line)
        sizes = [samples[0][1], line[0][1], line[-1][1], max(size for _second, size in samples)]
        shown = " | ".join(f"{size / 1e6:.0f}" for size in sizes)
        span = f"{found.middle / 1e6:+.1f} ({found.low / 1e6:+.1f} to {found.high / 1e6:+.1f})"
        print(f"| {name} | {shown} | {span} | {verdict(found, MOST_GROWTH * level)} |")


def main() -> None:
    """Measure with the given length and rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--warm-up", type=float, default=0.34)
    parser.add_argument("--distinct", type=int, default=20_000)
    parser.add_argument("--disk", action="store_true", help="the worker keeps its state on disk")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = 60 * given.minutes
        seen, told = measure(Path(folder), seconds, given.rate, given.distinct, given.disk)
    print(f"{given.distinct or 'all'} posts are distinct; state {'on disk' if given.disk else 'in memory'}")
    report(seen, told, seconds, given.rate, given.warm_up * seconds)


if __name__ == "__main__":
    main()
