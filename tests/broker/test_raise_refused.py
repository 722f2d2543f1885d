"""What `earshot topics raise` waits for: it says so, changes nothing, and goes through once that is over."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from agents.layout import read_layout
from agents.topics import apply_topics
from pipeline.stream.repartition import raise_partitions
from schemas.control import Silence
from schemas.delivery import Delivery, DeliveryState
from schemas.errors import ConfigError
from schemas.settings import Settings, load_settings
from schemas.tick import Tick
from schemas.topics import ALERTS, DELIVERIES, MENTIONS, TOPICS, raw_topic
from tests.agents.alert.samples import SLACK, alert
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker
from tests.broker.test_delivery import left_behind, until

pytestmark = [pytest.mark.broker, pytest.mark.needs(Ability.GROWS)]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOVES, STAYS = "trains", "acme"
"""A watch that has another partition of two, of four and of six each, and one that always has the same."""


@pytest.fixture
def settings(broker: Broker) -> Settings:
    settings = load_settings(kafka=broker.address, partitions=2, topic_prefix=f"{uuid4()}.")
    apply_topics(settings)
    return settings


def write(settings: Settings, topic: str, key: str, value: bytes) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.kafka)) as producer:
        producer.send(settings.topic(topic), value, key=key.encode()).get(timeout=30)


def silence(watch: str) -> bytes:
    return Silence(watch=watch, at=NOW, until=NOW, by="somebody").to_bytes()


def partitions(settings: Settings) -> set[int]:
    """Return how many partitions there are: one number, unless the topics differ."""
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka)) as admin:
        found = admin.describe_topics([settings.topic(topic.name) for topic in TOPICS if topic.partitioned])
    return {len(topic["partitions"]) for topic in found}


@contextmanager
def member(settings: Settings, group: str) -> Iterator[None]:
    """Be the worker or the delivery, as far as their group knows."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, group_id=settings.group(group), enable_auto_commit=False)
    with closing(consumer):
        # who joins before it knows the partitions is given none
        until(lambda: consumer.partitions_for_topic(settings.topic(ALERTS)))
        consumer.subscribe([settings.topic(ALERTS)])
        until(lambda: consumer.poll(timeout_ms=100) or consumer.assignment())
        yield


@contextmanager
def delivery(settings: Settings, state: DeliveryState) -> Iterator[None]:
    """Let a delivery be in `state`, and given up afterwards."""
    entry = left_behind(alert(), SLACK)

    def put(now: DeliveryState) -> None:
        changed: Delivery = entry.model_copy(update={"state": now})
        write(settings, DELIVERIES, entry.id, changed.to_bytes())

    put(state)
    yield
    put(DeliveryState.DEAD)


@contextmanager
def read_later(settings: Settings, topic: str, group: str) -> Iterator[None]:
    """Let a record wait that `group` reads only afterwards."""
    write(settings, topic, "key", b"{}")
    yield
    consumer = KafkaConsumer(
        settings.topic(topic),
        bootstrap_servers=settings.kafka,
        group_id=settings.group(group),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    with closing(consumer):
        until(lambda: consumer.poll(timeout_ms=100))
        consumer.commit()


REFUSED: list[tuple[str, Callable[[Settings], AbstractContextManager[None]], str]] = [
    ("a worker that listens", lambda settings: member(settings, "listen"), "-listen has 1 members.*stop ingest"),
    ("a worker that judges", lambda settings: member(settings, "judge"), "-judge has 1 members.*stop ingest"),
    ("a delivery that runs", lambda settings: member(settings, "deliver"), "-deliver has 1 members.*stop ingest"),
    ("an event that is not read", lambda settings: read_later(settings, raw_topic("x"), "listen"),
     "1 records of .*raw.x are not read yet.*start worker and deliver again without ingest"),
    ("an alert that is not read", lambda settings: read_later(settings, ALERTS, "deliver"),
     "1 records of .*alerts are not read yet"),
    ("a delivery that is asked for", lambda settings: delivery(settings, DeliveryState.REQUESTED),
     "1 deliveries are still to be made, the first by slack to #presse.*start deliver again"),
    ("a delivery in doubt", lambda settings: delivery(settings, DeliveryState.SENDING), "1 deliveries are still to be"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "hindrance", "told"), REFUSED, ids=[row[0] for row in REFUSED])
def test_it_waits_for(
    settings: Settings, sentence: str, hindrance: Callable[[Settings], AbstractContextManager[None]], told: str
) -> None:
    with hindrance(settings):
        with pytest.raises(ConfigError, match=told):
            raise_partitions(settings, 4)
        assert (partitions(settings), read_layout(settings)) == ({2}, None), f"{sentence} changes nothing"
    raise_partitions(settings, 4)
    assert (partitions(settings), read_layout(settings)) == ({4}, 4)


def test_what_is_not_judged_must_be_unless_it_stays_where_it_is(settings: Settings) -> None:
    """Ticks of all partitions and records of a watch that stays may wait; one that would be left behind may not."""
    write(settings, MENTIONS, STAYS, silence(STAYS))
    for number in range(8):
        write(settings, MENTIONS, f"tick {number}", Tick(at=NOW).to_bytes())
    raise_partitions(settings, 4)
    write(settings, MENTIONS, MOVES, silence(MOVES))
    with pytest.raises(ConfigError, match=r"1 records of .*mentions are not judged yet.*start the worker again"):
        raise_partitions(settings, 6)
    assert (partitions(settings), read_layout(settings)) == ({4}, 4)
