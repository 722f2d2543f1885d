"""The yardstick: a plain aiokafka loop around the same pure functions, as somebody would write it in an afternoon.

    python -m benchmarks.plain listen|judge EXPECTED

Reads until EXPECTED records are consumed, commits after each batch was acknowledged, and prints one JSON object with
the seconds of wall and of CPU time from the first record on. It keeps state in a dict and loses it when it stops.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter, process_time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from pipeline.check import load_watches
from pipeline.flow import judge, listen
from pipeline.query import Matcher
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

    def __call__(self, value: bytes) -> list[Out]:
        event = delivered.validate_json(value)
        if not isinstance(event, Event | Edit):
            return []
        return [(MENTIONS, match.watch.encode(), match.to_bytes()) for match in listen(event, self.matcher)]


@dataclass
class Judge:
    """Mentions in, alerts and receipts out."""

    states: dict[str, WatchState] = field(default_factory=dict)
    now: datetime = datetime.min.replace(tzinfo=UTC)

    def __call__(self, value: bytes) -> list[Out]:
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


async def run(stage: str, expected: int) -> dict[str, float]:
    """Consume `expected` records and return what it took."""
    settings = load_settings()
    step = Listen(settings) if stage == "listen" else Judge()
    topic = raw_topic("x") if stage == "listen" else MENTIONS
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.kafka,
        group_id=f"plain-{stage}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4_194_304,
    )
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all", enable_idempotence=True, linger_ms=5)
    await consumer.start()
    await producer.start()
    done, wall, cpu = 0, 0.0, 0.0
    while done < expected:
        batches = await consumer.getmany(timeout_ms=1000, max_records=2000)
        wall, cpu = wall or perf_counter(), cpu or process_time()
        sends = []
        for records in batches.values():
            done += len(records)
            for record in records:
                for name, key, value in step(record.value):
                    sends.append(await producer.send(name, value, key=key))
        await asyncio.gather(*sends)
        await consumer.commit()
    result = {"events": done, "wall": perf_counter() - wall, "cpu": process_time() - cpu}
    await consumer.stop()
    await producer.stop()
    return result


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(sys.argv[1], int(sys.argv[2])))) + "\n")
