"""More partitions: everything that is kept by partition moves to where its key belongs from now on.

It is done while nothing runs and nothing waits, and in an order that may be cut off anywhere: copies first, then the
originals go, and last the layout says that it is done. Until then no worker starts; called again, it goes on.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from time import monotonic, sleep
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import BrokerResponseError, RetriableError
from pydantic import ValidationError

from agents.alert.ledger import FINAL
from agents.alert.partition import GROUP
from agents.kafka import connect, kafka_python_config, read_to_end
from agents.layout import read_layout, write_layout
from agents.topics import describe
from pipeline.stream.relocate import Change, Ledger, Move, State, home
from schemas.control import judged
from schemas.delivery import Delivery
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.tick import Tick
from schemas.topics import ALERTS, DELIVERIES, JUDGE_CHANGELOG, MAX_RECORD_BYTES, MENTIONS, RAW_TOPICS, TOPICS

SECONDS = 60.0
"""How long the broker may take for one answer."""


def raise_partitions(settings: Settings, partitions: int) -> Move:
    """Raise all topics to `partitions`, move the state, and return what was moved; blocks.

    Raises:
        ConfigError: it cannot be done now, and why; nothing is changed then, or what is changed is harmless.
        kafka.errors.KafkaError: the broker failed in the middle; call again.
    """
    with closing(connect(KafkaAdminClient, settings)) as admin, closing(_Reader(settings)) as reader:
        counts = _counts(admin, settings, partitions)
        _check_stopped(admin, settings)
        _check_read(admin, reader, settings)
        move = Move(reader.states(), reader.ledgers(), partitions)
        _check_judged(reader, move, settings)
        _check_delivered(move.ledgers.values())
        _create(admin, {name: partitions for name, count in counts.items() if count < partitions})
        _write(move.copies(), settings)
        _write(move.removals(), settings)
    write_layout(settings, partitions)
    return move


def _counts(admin: KafkaAdminClient, settings: Settings, partitions: int) -> dict[str, int]:
    """Return how many partitions each topic has that is to have `partitions`."""
    found = {name: len(topic["partitions"]) for name, topic in describe(admin, settings).items()}
    wanted = [settings.topic(topic.name) for topic in TOPICS if topic.partitioned]
    if missing := [name for name in wanted if name not in found]:
        raise ConfigError(f"topic {missing[0]} is missing", hint="run: earshot topics apply")
    most = max(found[name] for name in wanted)
    if most > partitions:
        raise ConfigError(
            f"there are {most} partitions, and Kafka cannot take any away",
            where=f"earshot topics raise {partitions}",
            hint=f"ask for {most} or more",
        )
    if (laid_out := read_layout(settings)) is not None and laid_out > partitions:
        raise ConfigError(f"the state lies in {laid_out} partitions already", hint=f"ask for {laid_out} or more")
    return {name: found[name] for name in wanted}


def _check_stopped(admin: KafkaAdminClient, settings: Settings) -> None:
    for name in ("listen", "judge", GROUP):
        group = settings.group(name)
        if members := _patiently(admin.describe_groups, [group])[group]["members"]:
            raise ConfigError(
                f"{group} has {len(members)} members",
                where="earshot topics raise",
                hint="stop ingest, then worker and deliver once they have nothing left to do",
            )


def _check_read(admin: KafkaAdminClient, reader: "_Reader", settings: Settings) -> None:
    """Refuse while raw events or alerts wait: an order that keys keep would be lost with their partition."""
    for group, topics in (("listen", RAW_TOPICS), (GROUP, (ALERTS,))):
        name = settings.group(group)
        committed = _patiently(admin.list_group_offsets, [name])[name]
        for topic in map(settings.topic, topics):
            behind = sum(end - max(0, begin, _offset(committed, place)) for place, begin, end in reader.extent(topic))
            if behind > 0:
                raise ConfigError(
                    f"{behind} records of {topic} are not read yet",
                    where="earshot topics raise",
                    hint="start worker and deliver again without ingest, and stop them when their lag is 0",
                )


def _patiently(call: Callable[[list[str]], Any], groups: list[str]) -> Any:
    """Return what `call` tells of `groups`; a broker that has just started may not know their coordinator yet."""
    deadline = monotonic() + SECONDS
    while True:
        try:
            return call(groups)
        except RetriableError:
            if monotonic() > deadline:
                raise
            sleep(0.2)


def _offset(committed: dict[TopicPartition, Any], place: TopicPartition) -> int:
    return int(committed[place].offset) if place in committed else -1


def _check_judged(reader: "_Reader", move: Move, settings: Settings) -> None:
    """Refuse while a match waits whose watch is about to leave its partition; ticks may be missed."""
    topic = settings.topic(MENTIONS)
    for state in move.states.values():
        waiting = [
            record
            for record in reader.after(TopicPartition(topic, state.number), state.commit.applied + 1)
            if not _is_tick(record.value) and home((record.key or b"").decode(), move.partitions) != state.number
        ]
        if waiting:
            raise ConfigError(
                f"{len(waiting)} records of {topic} are not judged yet",
                where="earshot topics raise",
                hint="start the worker again without ingest, and stop it when its lag is 0",
            )


def _is_tick(value: bytes) -> bool:
    try:
        return isinstance(judged.validate_json(value), Tick)
    except ValidationError:
        return True  # judge will bury it, wherever it is


def _check_delivered(ledgers: Iterable[Ledger]) -> None:
    if waiting := [entry for ledger in ledgers for entry in ledger.values() if entry.state not in FINAL]:
        first = waiting[0]
        raise ConfigError(
            f"{len(waiting)} deliveries are still to be made, the first by {first.channel} to {first.to}",
            where="earshot topics raise",
            hint="start deliver again and wait until they are sent or given up",
        )


def _create(admin: KafkaAdminClient, counts: dict[str, int]) -> None:
    try:
        if counts:
            admin.create_partitions(counts)
            admin.wait_for_topics(list(counts))
    except BrokerResponseError as error:
        raise ConfigError(
            f"the broker does not add partitions ({type(error).__name__})",
            where="earshot topics raise",
            hint="have it done with kafka-topics.sh --alter, then run this again",
        ) from error


def _write(changes: Iterable[Change], settings: Settings) -> None:
    """Write `changes` and wait until all are acknowledged.

    Raises:
        kafka.errors.KafkaError: some are not.
    """
    config = kafka_python_config(settings)
    with closing(KafkaProducer(**config, acks="all", max_request_size=2 * MAX_RECORD_BYTES)) as producer:
        sent = [
            producer.send(settings.topic(change.topic), change.value, key=change.key, partition=change.partition)
            for change in changes
        ]
        for future in sent:
            future.get(timeout=SECONDS)


class _Reader:
    """Reads topics without a group, what was committed only."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: KafkaConsumer = connect(
            lambda **config: KafkaConsumer(**config, isolation_level="read_committed", enable_auto_commit=False),
            settings,
        )

    def _places(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in sorted(self._consumer.partitions_for_topic(topic) or ())]

    def extent(self, topic: str) -> list[tuple[TopicPartition, int, int]]:
        """Return each partition of a topic with its first offset and the one after its last."""
        places = self._places(topic)
        begins, ends = self._consumer.beginning_offsets(places), self._consumer.end_offsets(places)
        return [(place, begins[place], ends[place]) for place in places]

    def states(self) -> dict[int, State]:
        """Return judge's state, by partition."""
        places = self._places(self._settings.topic(JUDGE_CHANGELOG))
        return {place.partition: State(place.partition, self._table(place)) for place in places}

    def ledgers(self) -> dict[int, Ledger]:
        """Return the delivery ledger, by partition."""
        return {
            place.partition: {key: Delivery.from_bytes(value) for key, value in self._table(place).items()}
            for place in self._places(self._settings.topic(DELIVERIES))
        }

    def _table(self, place: TopicPartition) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for record in read_to_end(self._consumer, [place]):
            if record.value is None:
                found.pop(record.key, None)
            else:
                found[record.key] = record.value
        return found

    def after(self, place: TopicPartition, offset: int) -> Iterator[Any]:
        """Yield the records of a partition from `offset` on."""
        return (record for record in read_to_end(self._consumer, [place], begin=offset) if record.offset >= offset)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()
