"""Matched: what a running deployment has matched, judged again by a watch file, from `earshot.mentions`.

Every partition of that topic is judged as its worker does it, by the same code and by the ticks that stand in it; so
the watches as they were give the incidents as they were. What people told judge meanwhile stands there, too.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from agents.history import Kept
from cli.explain import MOST_TOLD
from cli.printable import counted
from cli.reading import Unreadable
from pipeline.state import Verdict
from pipeline.stream.dead import read
from pipeline.stream.partition import Partition
from pipeline.stream.relocate import home
from pipeline.stream.rows import Rows
from pipeline.stream.store import MemoryStore
from schemas.control import Adopted, Inhibitor, Logged, WatchRemoved, WatchVersion, judged
from schemas.errors import InvalidMessage
from schemas.mention import Match
from schemas.settings import Settings
from schemas.tick import Tick

if TYPE_CHECKING:
    from schemas.alert import Alert
    from schemas.receipt import Receipt
    from schemas.watch import Watch

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Replica:
    """The partitions of judge's log as their workers would have them, with `watches` in place of those in the log."""

    watches: "Mapping[str, Watch]"
    partitions: list[Partition]
    begun: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def of(cls, watches: "Sequence[Watch]", partitions: int, lateness: float) -> "Replica":
        """Return so many partitions that have heard nothing but of `watches`, each where it belongs."""
        stores = [MemoryStore({}) for _ in range(partitions)]
        made = [Partition(Rows(number, store), store, lateness) for number, store in enumerate(stores)]
        replica = cls({watch.id: watch for watch in watches}, made)
        for watch in watches:
            replica._begin(home(watch.id, partitions), watch.id)
        return replica

    def take(self, number: int, record: Logged) -> Iterator[Verdict]:
        """Judge a record of a partition and yield what follows; what the log says of the watches does not count."""
        if isinstance(record, Adopted | WatchVersion | WatchRemoved):
            return
        if not isinstance(record, Tick):
            if (record.watch in self.watches) is isinstance(record, Inhibitor):
                return  # of what is judged anew the incidents are others; of what is not, only those count
            if not isinstance(record, Inhibitor):
                self._begin(number, record.watch)
        yield from self._judge(number, record)

    def _judge(self, number: int, record: Logged) -> Iterator[Verdict]:
        for _, verdict in self.partitions[number].take(record):
            yield verdict
            for one in verdict.news:
                if isinstance(one, Inhibitor):
                    for other in range(len(self.partitions)):
                        yield from self._judge(other, one)

    def _begin(self, number: int, watch: str) -> None:
        """Let a partition hear of a watch, where it has not yet."""
        if (number, watch) not in self.begun:
            self.begun.add((number, watch))
            made = self.watches[watch]
            list(self.partitions[number].take(WatchVersion(watch=made, version=made.version, at=_BEGINNING)))


@dataclass(slots=True)
class Matched:
    """What is judged: `open` reads the log from its beginning; `asked` are the watches that matched, by version.

    `stale` counts the matches of each watch that another query than the file's has made, or an unknown one.
    """

    open: Callable[[], Iterable[Kept]]
    partitions: int
    lateness: float
    asked: "dict[str, Watch]"
    posts: int = 0
    records: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    stale: Counter[str] = field(default_factory=Counter)

    @property
    def said(self) -> str:
        """How much has been read, in words."""
        return f"{counted(self.posts, 'match', 'matches')} in {self.records:,} records of earshot.mentions"

    def judge(self, watches: "Sequence[Watch]") -> "Iterator[Alert | Receipt]":
        """Yield the alerts and receipts that `watches` give, and say on standard error what is not as they ask.

        Raises:
            ConfigError: the log cannot be read, or there is nothing of that time.
        """
        replica, wanted = Replica.of(watches, self.partitions, self.lateness), {watch.id: watch for watch in watches}
        first, heard = not self.unreadable, Counter[str]()
        self.posts = self.records = 0
        self.stale.clear()
        for number, record in self._read(tell=first):
            if isinstance(record, WatchVersion):
                self.asked[record.version] = record.watch
            if isinstance(record, Match) and record.watch in wanted:
                self.posts += 1
                heard[record.watch] += 1
                self.stale[record.watch] += self._is_stale(record, wanted[record.watch])
            for verdict in replica.take(number, record):
                yield from verdict.alerts
                yield from verdict.receipts
        for name, count in sorted(self.stale.items()):
            if count:
                typer.echo(_stale(name, count, heard[name]), err=True)

    def _read(self, *, tell: bool) -> Iterator[tuple[int, Logged]]:
        for one in self.open():
            self.records += 1
            try:
                found: Logged = read(one.value, judged)
            except InvalidMessage as fault:
                if tell:
                    if len(self.unreadable) < MOST_TOLD:
                        typer.echo(f"{one.where}: {fault.reason}: {fault.detail}", err=True)
                    self.unreadable.append(Unreadable(one.where, fault.reason, fault.detail))
                continue
            yield int(one.where.split("/")[-2]), found

    def _is_stale(self, match: Match, watch: "Watch") -> bool:
        if match.version == watch.version:
            return False
        known = self.asked.get(match.version or "")
        return known is None or known.queries != watch.queries


def _stale(watch: str, count: int, heard: int) -> str:
    return (
        f"{watch}: its query has changed since: {count:,} of {heard:,} matches were made by another; they are judged as"
        " they were matched, and what only the file's query finds is missing (without --mentions it is matched anew)"
    )


def matched_since(begin: str, end: str) -> Matched:
    """Return what `earshot.mentions` at the configured broker holds of a period of time.

    Both are a time, or how long ago that was; '' for as far as it goes.

    Raises:
        ConfigError: one cannot be read, they are the wrong way round, or the broker does not let us in.
    """
    from agents.history import log_partitions, read_log
    from cli.recordings import period_of
    from schemas.settings import load_settings

    settings, period = load_settings(), period_of(begin, end)
    partitions = log_partitions(settings)
    return Matched(lambda: read_log(settings, period), partitions, settings.lateness, _published(settings))


def _published(settings: Settings) -> "dict[str, Watch]":
    """Return the watches that `earshot.watches` holds, by their versions."""
    from kafka import KafkaConsumer, TopicPartition
    from pydantic import ValidationError

    from agents.kafka import connect, read_to_end
    from pipeline.stream.published import Published
    from schemas.topics import WATCHES

    def make(**config: Any) -> KafkaConsumer:
        return KafkaConsumer(**config, isolation_level="read_committed", enable_auto_commit=False)

    topic, found = settings.topic(WATCHES), Published()
    kept: dict[str, Watch] = {}
    with closing(connect(make, settings)) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        for one in read_to_end(consumer, places) if places else ():
            try:
                found.take(one.offset, one.key or b"", one.value)
            except ValidationError:
                continue  # of another version of ours: its matches count as made by an unknown query
            kept |= {version.version: version.watch for version in found.watches.values()}
    return kept
