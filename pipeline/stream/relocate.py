"""What has to move when there are more partitions, as values: judge's rows follow their watch, the ledger its incident.

Pure; `repartition.py` reads and writes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kafka.partitioner.default import murmur2

from pipeline.stream.rows import BEGINNING, Commit, Row, Rows
from schemas.delivery import NOWHERE, Delivery
from schemas.topics import DELIVERIES, JUDGE_CHANGELOG


def home(key: str, partitions: int) -> int:
    """Return the partition that a key belongs to, as all of Kafka's clients find it."""
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % partitions


@dataclass(frozen=True, slots=True)
class Change:
    """A record that is to be written; without a value it removes its key."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None


@dataclass(slots=True)
class State:
    """Judge's state in one partition of its changelog: `stored` is the last value of each key."""

    number: int
    stored: dict[bytes, bytes]
    commit: Commit = field(init=False)
    rows: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        found = Rows(self.number, self.stored)
        self.commit, self.rows = found.commit, found.values()


Ledger = Mapping[bytes, Delivery]
"""One partition of the delivery ledger: the last entry of each key."""


@dataclass(slots=True)
class Move:
    """From what lies in the partitions there are (by number) to `partitions` of them.

    `copies` must be acknowledged before `removals` are written: cut off in between, the same move can be made again.
    """

    states: dict[int, State]
    ledgers: dict[int, Ledger]
    partitions: int

    def copies(self) -> Iterator[Change]:
        """Yield what comes into each partition, with the clock for those that have none."""
        now = max((state.commit.now for state in self.states.values()), default=BEGINNING)
        for number in range(self.partitions):
            if now > BEGINNING and (number not in self.states or self.states[number].commit == Commit()):
                yield Change(JUDGE_CHANGELOG, number, str(number).encode(), Commit(now=now).model_dump_json().encode())
        for state in self.states.values():
            for name, value in state.rows.items():
                if (there := self._home_of_row(name)) != state.number:
                    # older than any batch of the partition that it comes to
                    row = Row(-1, value, None).to_bytes()
                    yield Change(JUDGE_CHANGELOG, there, f"{there}/{name}".encode(), row)
        for _, key, entry in self._moving():
            # its alert stands in no offset of the partition that it comes to: one that is requeued there is another
            moved = entry.model_copy(update={"offset": NOWHERE})
            yield Change(DELIVERIES, home(entry.key or entry.incident, self.partitions), key, moved.to_bytes())

    def removals(self) -> Iterator[Change]:
        """Yield what goes from each partition, also what did not count there."""
        for state in self.states.values():
            for key in state.stored:
                name = key.decode().partition("/")[2]
                if name and self._home_of_row(name) != state.number:
                    yield Change(JUDGE_CHANGELOG, state.number, key, None)
        for number, key, _ in self._moving():
            yield Change(DELIVERIES, number, key, None)

    def watches(self) -> set[str]:
        """Return the watches whose state moves."""
        moving = (change for change in self.copies() if change.topic == JUDGE_CHANGELOG)
        return {change.key.decode().split("/")[1] for change in moving if b"/" in change.key}

    def _home_of_row(self, name: str) -> int:
        return home(name.partition("/")[0], self.partitions)

    def _moving(self) -> Iterator[tuple[int, bytes, Delivery]]:
        for number, ledger in self.ledgers.items():
            for key, entry in ledger.items():
                if home(entry.key or entry.incident, self.partitions) != number:
                    yield number, key, entry
