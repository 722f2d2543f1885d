"""The yardsticks: plain loops around the same pure functions, as somebody would write them in an afternoon.

    python -m benchmarks.plain aiokafka|confluent listen|judge EXPECTED

Reads until EXPECTED records are consumed, commits after each batch was acknowledged, and prints one JSON object with
the seconds of wall and of CPU time from the first record on. It keeps state in a dict and loses it when it stops.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter, process_time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Consumer, Producer

from pipeline.check import load_watches
from pipeline.flow import judge, listen_all
from pipeline.language import detect
from pipeline.query import Matcher
from pipeline.sentiment import assess
from pipeline.state import WatchState
from schemas.control import WatchVersion, judged
from schemas.event import Edit, Event, delivered
from schemas.mention import Match
from schemas.settings import Settings, load_settings
from schemas.tick import Tick
from schemas.topics import ALERTS, MENTIONS, RECEIPTS, raw_topic

Out = tuple[str, bytes, bytes]


class Listen:
    """Raw records in, matches out."""

    def __init__(self, settings: Settings) -> None:
        path = settings.watches
        self.matcher = Matcher.compile(load_watches(path.read_text("utf-8"), str(path)))
        for greeting in ("Guten Morgen und herzlich willkommen", "Good morning and a warm welcome to you"):
            assess(greeting, detect(greeting, None))  # reads the model and the lexicons, as Earshot does at its start

    def __call__(self, values: Sequence[bytes]) -> list[Out]:
        read = [delivered.validate_json(value) for value in values]
        matches = listen_all([event for event in read if isinstance(event, Event | Edit)], self.matcher)
        return [(MENTIONS, match.watch.encode(), match.to_bytes()) for found in matches for match in found]


@dataclass
class Judge:
    """Mentions in, alerts and receipts out."""

    states: dict[str, WatchState] = field(default_factory=dict)
    now: datetime = datetime.min.replace(tzinfo=UTC)

    def __call__(self, values: Sequence[bytes]) -> list[Out]:
        return [out for value in values for out in self._take(value)]

    def _take(self, value: bytes) -> list[Out]:
        record = judged.validate_json(value)
        if isinstance(record, Tick):
            self.now = max(self.now, record.at)
            return [out for name in self.states if self.states[name].due(self.now) for out in self._step(name, record)]
        if isinstance(record, Match | WatchVersion):
            return self._step(record.watch if isinstance(record, Match) else record.watch.id, record)
        return []

    def _step(self, name: str, record: Match | WatchVersion | Tick) -> list[Out]:
        state = self.states.get(name) or WatchState.empty()
        self.states[name], verdict = judge(state, record, self.now)
        alerts = [(ALERTS, alert.incident.id.encode(), alert.to_bytes()) for alert in verdict.alerts]
        return alerts + [(RECEIPTS, found.mention.encode(), found.to_bytes()) for found in verdict.receipts]


Step = Listen | Judge
BATCH = 2000


async def run_aiokafka(step: Step, topic: str, kafka: str, expected: int) -> dict[str, float]:
    """Consume `expected` records with aiokafka on both sides and return what it took."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka,
        group_id=f"aiokafka-{topic}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4_194_304,
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5)
    await consumer.start()
    await producer.start()
    done, wall, cpu = 0, 0.0, 0.0
    while done < expected:
        batches = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
        wall, cpu = wall or perf_counter(), cpu or process_time()
        sends = []
        for records in batches.values():
            done += len(records)
            for name, key, value in step([record.value for record in records]):
                sends.append(await producer.send(name, value, key=key))
        await asyncio.gather(*sends)
        await consumer.commit()
    result = {"events": done, "wall": perf_counter() - wall, "cpu": process_time() - cpu}
    await consumer.stop()
    await producer.stop()
    return result


def run_confluent(step: Step, topic: str, kafka: str, expected: int) -> dict[str, float]:
    """Consume `expected` records with librdkafka on both sides, the fastest way there is, and return what it took."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": f"confluent-{topic}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": kafka, "acks": "all", "enable.idempotence": True, "linger.ms": 5})
    consumer.subscribe([topic])
    done, wall, cpu = 0, 0.0, 0.0
    while done < expected:
        records = consumer.consume(BATCH, timeout=0.2)
        if not records:
            continue
        wall, cpu = wall or perf_counter(), cpu or process_time()
        done += len(records)
        for name, key, value in step([record.value() or b"" for record in records]):
            producer.produce(name, value, key)
        if producer.flush(30):
            raise SystemExit("the broker did not acknowledge everything")
        consumer.commit(asynchronous=False)
    result = {"events": done, "wall": perf_counter() - wall, "cpu": process_time() - cpu}
    consumer.close()
    return result


def main(client: str, stage: str, expected: int) -> None:
    """Run one loop and print what it took."""
    settings = load_settings()
    step: Step = Listen(settings) if stage == "listen" else Judge()
    topic = raw_topic("x") if stage == "listen" else MENTIONS
    if client == "aiokafka":
        result = asyncio.run(run_aiokafka(step, topic, settings.kafka, expected))
    else:
        result = run_confluent(step, topic, settings.kafka, expected)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
