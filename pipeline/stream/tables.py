"""Judge's rows in a Faust table: Faust recovers them from the changelog, our own producer writes it.

A table of Faust's may be changed only one event at a time, and its changelog is not awaited. So the table is used for
what it does well: its changelog partitions follow the source's, and are read back before a batch is handed out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

import faust
import structlog

from pipeline.stream.producer import Outgoing
from pipeline.stream.rows import Change, Rows
from pipeline.stream.terms import Terms, claim
from pipeline.stream.transport import FAUST_LOG
from schemas.settings import Settings
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


class _Table(faust.Table[bytes, bytes]):
    """A table whose changelog has a name of ours, as every other topic; Faust would name it after the app.

    It recovers only what counts.
    """

    logger = FAUST_LOG

    def __init__(self, app: Any, *, changelog: str, **options: Any) -> None:
        self._changelog = changelog
        self.terms: defaultdict[int, Terms] = defaultdict(Terms)
        super().__init__(app, **options)

    def _changelog_topic_name(self) -> str:
        return self._changelog

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Apply what counts of a stretch of the changelog."""
        super().apply_changelog_batch([event for event in batch if self._counts(event.message)])

    def _counts(self, message: Any) -> bool:
        if self.terms[message.partition].counts(message.offset, message.key, message.value):
            return True
        log.warning("written-by-a-former-owner", partition=message.partition, offset=message.offset)
        return False


class JudgeTable:
    """The table `judge`; it must be made before the app starts."""

    def __init__(self, app: Any, settings: Settings) -> None:
        self._table = app.tables.add(
            _Table(
                app,
                name=JUDGE_TABLE,
                beacon=app.tables.beacon,
                changelog=settings.topic(JUDGE_CHANGELOG),
                key_type=bytes,
                value_type=bytes,
                partitions=settings.partitions,
            )
        )

    def rows(self, partition: int, generation: int) -> Rows:
        """Return the rows of a partition that has been recovered in a `generation` of the group."""
        terms = self._table.terms[partition]
        rows = Rows(partition, Stored(self._table.data, partition), terms.of_owner(generation), terms.overwritten)
        terms.overwritten.clear()
        return rows


def claims(partitions: Iterable[int], generation: int) -> list[Outgoing]:
    """Return what the owner of `partitions` in a `generation` of the group writes before it recovers them."""
    return [one for partition in partitions for one in changelog([claim(partition, generation)], partition)]


def changelog(records: list[Change], partition: int) -> list[Outgoing]:
    """Return `records` as they go into the changelog partition."""
    return [Outgoing(JUDGE_CHANGELOG, key, value, partition) for key, value in records]
