"""Judge's rows in a Faust table: Faust recovers them from the changelog, our own producer writes it.

A table of Faust's may be changed only one event at a time, and its changelog is not awaited. So the table is used for
what it does well: its changelog partitions follow the source's, and are read back before a batch is handed out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

import structlog

from pipeline.stream.producer import Outgoing
from pipeline.stream.rows import Change, Rows, Terms, claim, term
from schemas.topics import JUDGE_CHANGELOG, JUDGE_TABLE

log = structlog.get_logger(__name__)


class Stored(MutableMapping[bytes, bytes]):
    """The content of a Faust table in memory, as seen by one partition of it."""

    def __init__(self, store: Any, partition: int) -> None:
        self._values: dict[bytes, bytes] = store.data
        self._partitions: dict[bytes, int] = store._key_partition  # by it the store drops lost partitions
        self._partition = partition

    def __getitem__(self, key: bytes) -> bytes:
        return self._values[key]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._values[key] = value
        self._partitions[key] = self._partition

    def __delitem__(self, key: bytes) -> None:
        del self._values[key]
        self._partitions.pop(key, None)

    def __iter__(self) -> Iterator[bytes]:
        return (key for key in self._values if self._partitions.get(key) == self._partition)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class JudgeTable:
    """The table `judge`; it must be made before the app starts."""

    def __init__(self, app: Any, partitions: int) -> None:
        self._table = app.Table(JUDGE_TABLE, key_type=bytes, value_type=bytes, partitions=partitions)
        self._apply = self._table.apply_changelog_batch
        self._table.apply_changelog_batch = self._recover
        self._terms: defaultdict[int, Terms] = defaultdict(Terms)
        self._overwritten: defaultdict[int, set[bytes]] = defaultdict(set)

    def rows(self, partition: int, generation: int) -> Rows:
        """Return the rows of a partition that has been recovered in a `generation` of the group."""
        term = self._terms[partition].of_owner(generation)
        return Rows(partition, Stored(self._table.data, partition), term, self._overwritten.pop(partition, ()))

    def _recover(self, events: Iterable[Any]) -> None:
        """Apply what counts of the changelog, and note the keys of the rest."""
        self._apply([event for event in events if self._counts(event.message)])

    def _counts(self, message: Any) -> bool:
        overwritten, terms = self._overwritten[message.partition], self._terms[message.partition]
        if message.value and not terms.counts(message.offset, term(message.key, message.value)):
            log.warning("written-by-a-former-owner", partition=message.partition, offset=message.offset)
            overwritten.add(message.key)
            return False
        overwritten.discard(message.key)
        return True


def claims(partitions: Iterable[int], generation: int) -> list[Outgoing]:
    """Return what the owner of `partitions` in a `generation` of the group writes before it recovers them."""
    return [one for partition in partitions for one in changelog([claim(partition, generation)], partition)]


def changelog(records: list[Change], partition: int) -> list[Outgoing]:
    """Return `records` as they go into the changelog partition."""
    return [Outgoing(JUDGE_CHANGELOG, key, value, partition) for key, value in records]
