"""What is edited or deleted on a platform is so here to the end: from its own words to judge's state and what is told.

Every kind whose counterpart can edit or delete is followed by the real stages: what the source wrote to the broker is
matched by `listen`, judged by `judge`, and what judge would store is searched for the words.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents import clock
from pipeline.flow import judge
from pipeline.state import WatchState
from pipeline.stream.follow import Edition
from pipeline.stream.listen import Listen
from schemas.alert import Alert
from schemas.control import WatchVersion, judged
from schemas.event import Deletion, Edit
from schemas.retention import may_last
from schemas.settings import load_settings
from schemas.topics import RAW_PREFIX
from schemas.watch import Watch
from tests.contracts.stand import QUERY, Stand, stand_of, watch
from tests.contracts.test_source_runs import able
from tests.counterparts.bluesky import Jetstream

pytestmark = pytest.mark.timeout(240)


NAMED = {"x", "facebook", "linkedin", "bluesky", "mastodon"}
"""Where a deletion is followed into what people are told, too."""


@dataclass
class Raw:
    """A record as the consumer hands it out."""

    value: bytes
    topic: str
    key: bytes = b""
    partition: int = 0
    offset: int = 0
    timestamp: int = -1


@dataclass
class Downstream:
    """Both stages behind a source, for one watch. What the source wrote is heard once, in its order."""

    stand: Stand
    watch: Watch = field(default_factory=lambda: watch(QUERY))
    alerts: list[Alert] = field(default_factory=list)
    state: WatchState = field(default_factory=WatchState.empty)
    _heard: int = 0

    def __post_init__(self) -> None:
        once = {"kind": "count", "threshold": 1, "window": "1h"}
        self.watch = Watch.model_validate({**self.watch.model_dump(exclude_unset=True), "rules": (once,)})
        outbox: Any = None
        self._listen = Listen(load_settings(partitions=1), Edition.of([self.watch]), outbox)
        self._take(WatchVersion(watch=self.watch, version="1", at=clock.now()))

    def hear(self) -> None:
        """Take what the source has written since the last time through both stages."""
        new, self._heard = self.stand.records[self._heard :], len(self.stand.records)
        for record in new:
            if record.topic.startswith(RAW_PREFIX):
                for out in self._listen.hear([Raw(record.value, record.topic)], self._listen.edition):
                    self._take(judged.validate_json(out.value or b""))

    def _take(self, record: Any) -> None:
        self.state, verdict = judge(self.state, record, clock.now())
        self.alerts += verdict.alerts

    def stored(self) -> bytes:
        """Return all that judge would write of the watch."""
        return b"".join(self.state.rows().values())


@pytest.fixture
async def downstream(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Downstream]:
    async with stand_of(request.param, monkeypatch, tmp_path) as stand:
        yield Downstream(stand)


async def heard(downstream: Downstream, number: int) -> str:
    """Let a post be published, and all that came of it be judged."""
    stand = downstream.stand
    key = await stand.publish(number)
    await stand.arrived(key)
    downstream.hear()
    assert downstream.state.memory.known(key), "it is in a story"
    return key


@pytest.mark.parametrize("downstream", able("edit"), indirect=True)
async def test_an_edit_replaces_what_stood_there(downstream: Downstream) -> None:
    stand = downstream.stand
    stand.start()
    await stand.connected()
    key = await heard(downstream, 1)
    await stand.counterpart.edit(1)
    await stand.until(lambda: stand.found(Edit), "the edit was told")
    downstream.hear()
    story = downstream.state.memory.known(key)
    assert story is not None
    assert story.copies == 1, "it counts once"
    quoted = story.quoted
    assert quoted is not None
    assert ("edited" in quoted.text) is may_last(quoted.platform), "what may not last never stands there"


@pytest.mark.parametrize("downstream", able("delete"), indirect=True)
async def test_a_deletion_takes_the_words_out_of_all_that_is_stored_and_told_later(downstream: Downstream) -> None:
    stand = downstream.stand
    stand.start()
    await stand.connected()
    key = await heard(downstream, 1)
    kept = may_last(key.partition(":")[0])
    words = b"post 1"
    assert (words in downstream.stored()) is kept
    if downstream.alerts:
        # some counterparts publish what is too old to alert
        assert any(words in alert.to_bytes() for alert in downstream.alerts) is kept, "it was told"
    assert downstream.alerts or key.partition(":")[0] not in NAMED
    await stand.counterpart.delete(1)
    await stand.until(lambda: stand.found(Deletion), "the deletion was told")
    downstream.hear()
    assert words not in downstream.stored()
    before = len(downstream.alerts)
    await heard(downstream, 2)
    assert not any(words in alert.to_bytes() for alert in downstream.alerts[before:])
    assert downstream.state.memory.known(key), "that it was heard still counts"


@pytest.mark.parametrize("downstream", ["bluesky"], indirect=True)
async def test_an_account_that_is_gone_takes_the_words_of_all_its_posts_along(downstream: Downstream) -> None:
    stand = downstream.stand
    assert isinstance(stand.counterpart, Jetstream)
    stand.start()
    await stand.connected()
    keys = [await heard(downstream, number) for number in (11, 12)]
    assert b"post 1" in downstream.stored()
    await stand.counterpart.account(active=False, status="deleted")
    await stand.until(lambda: stand.found(Deletion), "the deletion was told")
    downstream.hear()
    assert b"post 1" not in downstream.stored()
    assert all(downstream.state.memory.known(key) for key in keys), "that they were heard still counts"
