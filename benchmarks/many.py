"""What many watches with five rules each take of a core through a real worker on a real Kafka, at a rate of matches.

    EARSHOT_BENCH_TEXTS=… python -m benchmarks.many [--watches 10000] [--rate 1000] [--seconds 60] [--stages both]

Each event is a real text with the word of one watch, chosen at random, so that each is a match and nearly each finds
another watch's state. The watches are those of `bench_rules`. One worker has both stages, or with `--stages apart` two
workers have one each. They start, take in the watches and some seconds of traffic first; then the CPU time of each is
read for so many seconds, and how many receipts came meanwhile: as many as events, if it keeps up.
"""

import argparse
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from confluent_kafka import Producer

from agents.topics import apply_topics
from benchmarks.bench_rules import watch
from benchmarks.stream import PARTITIONS, count, environment, process_cpu, ready, resident, until, worker
from benchmarks.workload import texts
from cli.broker import free_port
from schemas.settings import load_settings
from schemas.topics import MENTIONS, RECEIPTS, raw_topic
from tests.broker.brokers import Kafka

WARM, CALM = 20, 10
"""Seconds of traffic before those that count, and seconds without any in which an idle worker is watched."""


def write(path: Path, watches: int) -> None:
    """Write the watch file, of JSON, which is YAML, too."""
    every = [
        watch(number).model_dump(mode="json", exclude_defaults=True) | {"query": f"brandword{number}"}
        for number in range(watches)
    ]
    path.write_text(json.dumps({"watches": every}), "utf-8")


def posts(watches: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield records of a raw topic without end, key and value, of now."""
    chance, sample = random.Random(5), texts()
    number = 0
    while True:
        number += 1
        now = datetime.now(UTC).isoformat()
        text = f"brandword{chance.randrange(watches)} {sample[number % len(sample)]}"
        post = {"schema_version": 1, "type": "event", "platform": "x", "id": str(number), "time": now, "seen": now}
        post |= {"source": "bench", "text": text, "author": {"id": str(number % 997), "followers": number % 5000}}
        yield f"x:{number}".encode(), json.dumps(post, ensure_ascii=False).encode()


def drive(address: str, watches: int, rate: int, ended: Callable[[], bool]) -> None:
    """Write events at `rate` a second until it has `ended`."""
    producer, begin = Producer({"bootstrap.servers": address, "linger.ms": 5}), monotonic()
    for number, (key, value) in enumerate(posts(watches)):
        if (ahead := begin + number / rate - monotonic()) > 0:
            producer.poll(ahead)
        if ended():
            break
        producer.produce(raw_topic("x"), value, key)
    producer.flush()


def measure(folder: Path, watches: int, rate: int, seconds: int, stages: tuple[str, ...]) -> dict[str, float]:
    """Run it once, and return the figures."""
    broker = Kafka(folder)
    broker.start()
    try:
        apply_topics(load_settings(kafka=broker.address, partitions=PARTITIONS))
        write(folder / "watches.yml", watches)
        env = environment(broker.address, folder / "watches.yml") | {"EARSHOT_CLOCK": "wall"}
        with ExitStack() as stack:
            pids = []
            for stage in stages:
                one = env | {"EARSHOT_METRICS_PORT": str(free_port())}
                pids.append(stack.enter_context(worker(stage, one)))
                until(lambda port=int(one["EARSHOT_METRICS_PORT"]): ready(port), "starting a worker")
            until(lambda: count(broker.address, MENTIONS) >= watches, "publishing the watches")
            sleep(CALM)
            before = [process_cpu(pid) for pid in pids]
            sleep(CALM)
            found = {f"idle_{stage or 'both'}": 0.0 for stage in stages}
            for stage, pid, was in zip(stages, pids, before, strict=True):
                found[f"idle_{stage or 'both'}"] = round((process_cpu(pid) - was) / CALM, 3)
            return found | _driven(broker.address, watches, rate, seconds, dict(zip(stages, pids, strict=True)))
    finally:
        broker.stop()


def _driven(address: str, watches: int, rate: int, seconds: int, pids: dict[str, int]) -> dict[str, float]:
    ended = Event()
    driver = Thread(target=drive, args=(address, watches, rate, ended.is_set))
    driver.start()
    try:
        sleep(WARM)
        cpu = {stage: process_cpu(pid) for stage, pid in pids.items()}
        receipts, sent, began = count(address, RECEIPTS), count(address, raw_topic("x")), monotonic()
        sleep(seconds)
        took = monotonic() - began
        shares = {stage or "both": round((process_cpu(pid) - cpu[stage]) / took, 3) for stage, pid in pids.items()}
        made, written = count(address, RECEIPTS) - receipts, count(address, raw_topic("x")) - sent
    finally:
        ended.set()
        driver.join()
    memory = {f"mb_{stage or 'both'}": round(resident(pid) / 1e6) for stage, pid in pids.items()}
    return (
        {f"core_{stage}": share for stage, share in shares.items()}
        | memory
        | {
            "events_a_second": round(written / took),
            "receipts_a_second": round(made / took),
            "behind_at_the_end": written + sent - made - receipts,
        }
    )


def main() -> None:
    """Measure once and print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    for name, default in {"watches": 10_000, "rate": 1000, "seconds": 60}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--stages", choices=("both", "apart"), default="both")
    given = parser.parse_args()
    stages = ("",) if given.stages == "both" else ("listen", "judge")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given.watches, given.rate, given.seconds, stages)
    print(json.dumps({"load": round(os.getloadavg()[0], 1)} | found))


if __name__ == "__main__":
    main()
