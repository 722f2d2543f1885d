"""The past of a source, asked for, and what the watches ask for, through a broker."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka import KafkaConsumer, TopicPartition

from agents.ingest.asks import Asks
from agents.ingest.backfill import backfill
from agents.ingest.source import parse_sources
from agents.ingest.watched import follow
from agents.kafka import read_to_end
from agents.topics import apply_topics
from schemas.control import WatchVersion
from schemas.event import Event, delivered
from schemas.settings import Settings, load_settings
from schemas.topics import CHECKPOINTS, WATCHES, raw_topic
from tests.broker.brokers import Broker
from tests.pipeline.timeline import watch

pytestmark = pytest.mark.broker
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def settings(fresh_broker: Broker, tmp_path: Path) -> Settings:
    found = load_settings(kafka=fresh_broker.address, sources=tmp_path / "sources.yml", partitions=2)
    apply_topics(found)
    return found


def posts(settings: Settings, topic: str) -> list[Event]:
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka)
    places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    found = [delivered.validate_json(record.value) for record in read_to_end(consumer, places)]
    consumer.close()
    return [item for item in found if isinstance(item, Event)]


@pytest.mark.parametrize("alert", [False, True])
def test_the_past_is_written_as_the_past_and_no_cursor_moves(settings: Settings, tmp_path: Path, alert: bool) -> None:
    lines = [
        {"platform": "x", "id": day, "time": (BEGAN + timedelta(days=day)).isoformat(), "text": f"day {day}"}
        for day in range(5)
    ]
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    [source] = parse_sources("sources: [{id: old, kind: replay, path: posts.jsonl}]", settings)
    source.prepare()
    span = (BEGAN + timedelta(days=1), BEGAN + timedelta(days=4))
    assert asyncio.run(backfill(source, *span, alert=alert)) == 3
    found = posts(settings, raw_topic("other"))
    assert [(event.id, event.backfill) for event in found] == [("1", not alert), ("2", not alert), ("3", not alert)]
    assert posts(settings, CHECKPOINTS) == []


async def test_sources_ask_for_what_the_watches_in_force_ask_for(settings: Settings) -> None:
    asks = Asks()
    now = datetime.now(UTC)
    event = Event(platform="x", id="1", time=now, seen=now, source="s", text="about acme")
    following = asyncio.create_task(follow(settings, asks))
    producer = Producer({"bootstrap.servers": settings.kafka})
    version = WatchVersion(watch=watch(), version="1", at=now)

    async def until(wanted: bool) -> None:
        async with asyncio.timeout(60):
            while asks.wants(event) is not wanted:  # noqa: ASYNC110 - the topic tells nobody
                await asyncio.sleep(0.05)

    try:
        producer.produce(settings.topic(WATCHES), key=b"watch/acme", value=version.to_bytes())
        await asyncio.to_thread(producer.flush, 20)
        await until(wanted=True)
        assert asks.queries == {"acme": ("acme", "bolt")}
        producer.produce(settings.topic(WATCHES), key=b"watch/acme", value=None)
        await asyncio.to_thread(producer.flush, 20)
        await until(wanted=False)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
