"""Judge between its log and its rows: however the log is cut into batches and crashes, the alerts are a backtest's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.check import load_watches
from pipeline.flow import listen
from pipeline.query import Matcher
from pipeline.stories.sketch import sketch
from pipeline.stream.batch import Batch
from pipeline.stream.judge import Judge
from pipeline.stream.outcome import LARGEST_ALERT, BatchOutcome
from pipeline.stream.partition import Partition
from pipeline.stream.rows import Commit, Rows
from pipeline.stream.store import MemoryStore
from schemas.alert import Alert
from schemas.control import WatchVersion, judged
from schemas.event import Event
from schemas.tick import Tick
from schemas.topics import MENTIONS
from schemas.watch import Route
from tests.agents.alert.samples import MAIL, alert
from tests.broker.crisis import alerts_of, items, posts
from tests.broker.worker import WATCHES

BATCHES = st.lists(st.tuples(st.integers(1, 400), st.sampled_from(["whole", "rows", "commit"])), max_size=12)


@pytest.fixture(scope="module")
def log() -> list[bytes]:
    """The records of one partition of `earshot.mentions` that holds both watches."""
    watches = load_watches(WATCHES, "watches.yml")
    matcher = Matcher.compile(watches)
    at = datetime(1970, 1, 1, tzinfo=UTC)
    records = [WatchVersion(watch=watch, version="1", at=at).to_bytes() for watch in watches]
    for item in items(posts(300)):
        if isinstance(item, datetime):
            records.append(Tick(at=item).to_bytes())
        else:
            event = Event.model_validate({**dict(item), "source": "file", "seen": item.time})
            records += [match.to_bytes() for match in listen(event, matcher)]
    return records


@pytest.fixture(scope="module")
def expected() -> dict[str, Alert]:
    found = alerts_of(posts(300))
    assert found, "the crisis must be one"
    return found


class Process:
    """A worker without a broker: `table` is what the changelog holds, everything else is lost in a crash."""

    def __init__(self, table: dict[bytes, bytes]) -> None:
        self.table = table
        self.alerts: dict[str, Alert] = {}
        self.crash()

    def crash(self) -> None:
        self.partition = Partition(Rows(0, store := MemoryStore(self.table)), store, 3600.0)

    def batch(self, log: list[bytes], size: int, written: str) -> None:
        """Judge `size` records, and write everything, everything but the commit record, or nothing but a few rows."""
        first = self.partition.rows.commit.applied + 1
        end = min(first + size, len(log))
        for value in log[first:end]:
            for _watch, verdict in self.partition.take(judged.validate_json(value)):
                self.alerts |= {alert.id: alert for alert in verdict.alerts}
        commit = Commit(applied=end - 1, now=self.partition.now)
        records = self.partition.rows.write(self.partition.persist(), commit)
        keep = {"whole": len(records), "commit": len(records) - 1, "rows": len(records) // 2}[written]
        for key, row in records[:keep]:
            if row is None:
                self.table.pop(key, None)
            else:
                self.table[key] = row
        if written == "whole":
            self.partition.rows.keep(records)
        else:
            self.crash()


@settings(max_examples=6, deadline=None)
@given(batches=BATCHES)
def test_batches_and_crashes_change_nothing(
    log: list[bytes], expected: dict[str, Alert], batches: list[tuple[int, str]]
) -> None:
    process = Process({})
    for size, written in batches:
        process.batch(log, size, written)
    while process.partition.rows.commit.applied < len(log) - 1:
        process.batch(log, 300, "whole")
        process.crash()
    assert process.alerts == expected


@pytest.mark.parametrize(
    ("sentence", "change"),
    [
        ("the same clock again", lambda log: log + [log[-2]]),
        ("an announcement of the watch it knows", lambda log: [log[0], *log]),
    ],
)
def test_what_is_written_twice_changes_nothing(
    sentence: str, change: Callable[[list[bytes]], list[bytes]], log: list[bytes], expected: dict[str, Alert]
) -> None:
    process = Process({})
    process.batch(change(log), 10**6, "whole")
    assert process.alerts == expected, sentence


@dataclass
class Raw:
    """A record as the consumer hands it out."""

    value: bytes
    offset: int


async def test_no_text_is_at_hand_any_more_when_a_batch_is_done(log: list[bytes]) -> None:
    nobody: Any = None
    records = [Raw(value, offset) for offset, value in enumerate(log[:40])]
    batch = Batch(MENTIONS, 0, records, lambda: False, lambda: None)
    outcome = await Judge(nobody, nobody, 3600.0)._judge(Process({}).partition, batch)
    assert outcome.receipts
    assert sketch.cache_info().currsize == 0


def test_an_alert_too_large_for_its_topic_is_cut(expected: dict[str, Alert]) -> None:
    alert = next(alert for alert in expected.values() if alert.quotes)
    long = alert.model_copy(
        update={"quotes": tuple(quote.model_copy(update={"text": "ä" * 600_000}) for quote in alert.quotes)}
    )
    [outgoing] = BatchOutcome(alerts=[long]).outgoing()
    assert len(outgoing.value or b"") < LARGEST_ALERT
    assert Alert.from_bytes(outgoing.value or b"").quotes[0].text.startswith("ää")


def test_what_goes_to_a_shared_address_is_written_under_its_key_and_the_rest_under_the_incident_s() -> None:
    written = {"channel": "slack", "to": "#press", "budget": {"alerts": 1, "per": "1h", "shared": True}}
    found = alert(routes=(MAIL, Route.model_validate(written)))
    out = BatchOutcome(alerts=[found]).outgoing()
    assert [one.key for one in out] == [found.incident.id.encode(), b"slack #press"]
    assert [Alert.from_bytes(one.value or b"").id for one in out] == [found.id, found.id]
