"""Lookup: what judge has decided and what it knows, read from its topics up to their present end; changes nothing."""

import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from pydantic import BaseModel, ConfigDict

from agents.access import check_access
from agents.kafka import connect, read_to_end
from agents.strays import ours
from pipeline.form import GROUPS, HEAD, read_groups
from pipeline.incidents.life import Life
from pipeline.stream.relocate import home
from pipeline.stream.rows import Rows
from pipeline.stream.terms import Terms
from schemas.delivery import Delivery
from schemas.errors import ConfigError
from schemas.receipt import Receipt
from schemas.settings import Settings
from schemas.topics import DELIVERIES, JUDGE_CHANGELOG, RECEIPTS

_HEAD, _GROUPS = f"/{HEAD}", f"/{GROUPS}"
_LOOKED_AT = (_HEAD.encode(), _GROUPS.encode())
Written = tuple[int, bytes | None, bytes | None]
"""A record of the changelog: offset, key (all of ours have one) and value."""


@dataclass(frozen=True, slots=True)
class Known:
    """What judge knows of a watch when it was `at` in its partition: incident, silences, the incidents of groups.

    `applied` is the last offset of `earshot.mentions` that is part of it, -1 before the first.
    """

    watch: str
    at: datetime
    life: Life
    groups: Mapping[str, Life] = field(default_factory=dict)
    applied: int = -1

    @property
    def lives(self) -> tuple[Life, ...]:
        """The incidents of the watch, those of its groups included."""
        return (self.life, *self.groups.values())


class _Head(BaseModel):
    """Of the row `head` what is looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    life: Life = Life()


def receipts(settings: Settings, mention: str = "", *, incident: str = "") -> list[Receipt]:
    """Return the receipts of a mention, or of an incident, that are still kept, the oldest first, each once.

    All partitions are read: those that were written before partitions were raised lie elsewhere. What is none is named
    in the log.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or the topic is missing.
    """
    found: dict[bytes, Receipt | None] = {}
    with closing(_consumer(settings)) as consumer:
        for record in read_to_end(consumer, _places(consumer, settings.topic(RECEIPTS))):
            asked = record.key == mention.encode() if mention else incident.encode() in (record.value or b"")
            if asked and record.value is not None and record.value not in found:
                found[record.value] = ours(Receipt.from_bytes, record)
    read = (one for one in found.values() if one and (mention or one.incident == incident))
    return sorted(read, key=lambda one: (one.at, one.watch))


def deliveries(settings: Settings, alerts: Collection[str]) -> dict[str, list[Delivery]]:
    """Return what became of `alerts`, or of all of an incident, at each of their addresses, by alert.

    It is what delivery's ledger has.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or the topic is missing.
    """
    entries: dict[str, Delivery] = {}
    with closing(_consumer(settings)) as consumer:
        for record in read_to_end(consumer, _places(consumer, settings.topic(DELIVERIES))):
            name = (record.key or b"").decode(errors="replace")
            asked = record.value and name.startswith(tuple(f"{alert}." for alert in alerts))
            if asked and (entry := ours(Delivery.from_bytes, record)):
                entries[name] = entry
    found: dict[str, list[Delivery]] = {}
    for one in entries.values():
        found.setdefault(one.alert, []).append(one)
    return found


def lives(settings: Settings, process: str = "look", watch: str = "") -> list[Known]:
    """Return what judge knows of every watch, or of one, by their names; `process` names the rights that are at hand.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or the topic is missing, or holds something that is not ours.
    """
    found: list[Known] = []
    with closing(_consumer(settings, process)) as consumer:
        places = _places(consumer, settings.topic(JUDGE_CHANGELOG))
        for place in [places[home(watch, len(places))]] if watch and places else places:
            records = ((one.offset, one.key, one.value) for one in read_to_end(consumer, [place]))
            found += understood(place.topic, place.partition, records)
    return sorted((one for one in found if watch in ("", one.watch)), key=lambda one: one.watch)


def understood(topic: str, partition: int, changelog: Iterable[Written]) -> list[Known]:
    """Return what `known` yields.

    Raises:
        ConfigError: the changelog holds something that is not ours.
    """
    try:
        return list(known(partition, changelog))
    except (ValueError, IndexError, struct.error) as error:
        hint = "another program writes into it, or a worker of a later release"
        raise ConfigError(f"{topic} holds a record that is not ours", hint=hint) from error


def known(partition: int, changelog: Iterable[Written]) -> Iterator[Known]:
    """Yield what counts in the changelog of a partition, whatever a crash or a worker cut off has left in it."""
    terms, stored = Terms(), dict[bytes, bytes]()
    for offset, key, value in changelog:
        if not key or not terms.counts(offset, key, value) or (b"/" in key and not key.endswith(_LOOKED_AT)):
            continue
        if value is None:
            stored.pop(key, None)
        else:
            stored[key] = value
    rows = Rows(partition, stored)
    found = rows.values()
    for name, value in found.items():
        if name.endswith(_HEAD):
            watch = name.removesuffix(_HEAD)
            groups = read_groups(found[watch + _GROUPS]).lives if watch + _GROUPS in found else {}
            life = _Head.model_validate_json(value).life
            yield Known(watch, rows.commit.now, life, groups, rows.commit.applied)


def _consumer(settings: Settings, process: str = "look") -> KafkaConsumer:
    check_access(settings, process)

    def make(**config: Any) -> KafkaConsumer:
        return KafkaConsumer(**config, isolation_level="read_committed", enable_auto_commit=False)

    consumer: KafkaConsumer = connect(make, settings)
    return consumer


def _places(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
