"""The keeper of one source: reads it, writes what it yields, waits and tries again, and knows where it stands.

All metrics of sources are counted here, at the one seam through which every item passes; a source holds none.
"""

import asyncio
import os
import random
import socket
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from confluent_kafka import KafkaError

from agents import clock
from agents.ingest.progress import Progress, Step
from agents.ingest.source import Reading, Source
from agents.ingest.web.backoff import delay
from agents.ingest.writer import Outgoing, Writer
from agents.observe import counter, gauge
from schemas.checkpoint import Checkpoint, SourceState
from schemas.dead import Dead
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.event import Deletion, Delivered, Edit, Event, Gap, Heartbeat
from schemas.metrics import (
    DEAD_RECORDS,
    EVENTS_INGESTED,
    SOURCE_BUDGET,
    SOURCE_ERRORS,
    SOURCE_EVENT,
    SOURCE_GAPS,
    SOURCE_HEARD,
    SOURCE_QUOTA,
    SOURCE_SPENT,
    SOURCE_TOKEN,
)
from schemas.retention import without_profile
from schemas.topics import CHECKPOINTS, DEAD, PLATFORM_RETENTION_HOURS, raw_topic

HEARD_EVERY = timedelta(seconds=30)
"""How old a stored checkpoint may grow although nothing but `heard` has changed."""
RESTED = timedelta(minutes=5)
"""How long a source has rested when that is told, well before it would count as silent."""
BREATH = 100
"""After so many items other sources get their turn, however fast this one reads."""

_log = structlog.get_logger("ingest")
_ORDERED = (raw_topic("other"), 0)
"""The one partition of whatever must keep its order across platforms."""


class Keeper:
    """Keeps one source going. `ended_by` is why it ended for good, if it did not just finish."""

    def __init__(self, source: Source[Any], writer: Writer, known: "asyncio.Task[dict[str, Checkpoint]]") -> None:
        self.source = source
        self.id: str = source.config.id
        self.ended_by: ConfigError | None = None
        self._writer = writer
        self._known = known
        self._progress = Progress()
        self._heard: datetime | None = None
        self._rests_until: datetime | None = None
        self._stored: Checkpoint | None = None
        self._refused: asyncio.Future[None] | None = None
        self._answered = asyncio.Event()
        self._anew = True
        self._state, self._trouble = SourceState.RUNNING, ""
        self._event: tuple[datetime | None, datetime | None] = (None, None)
        self._owner = source.settings.instance or f"{socket.gethostname()}:{os.getpid()}"
        self._heard_gauge = gauge(SOURCE_HEARD).labels(self.id)

    async def keep(self) -> None:
        """Read the source until it is finished or ends for good, again after every failure."""
        failures = 0
        while True:
            heard = self._heard
            try:
                await self._drive(await self._checkpoint())
            except ConfigError as error:
                self.ended_by = error
                self._state, self._trouble = SourceState.ENDED, str(error)
                counter(SOURCE_ERRORS).labels(self.id, FailureKind.CONFIG).inc()
                _log.error("source has ended", source=self.id, reason=str(error))
                return
            except asyncio.CancelledError:
                self._state = SourceState.LEFT
                raise
            except SourceError as error:
                retry_after, reason, kind = error.retry_after, str(error), error.kind
            except Exception as error:  # noqa: BLE001 - the seam between sources: a bug in one must not end the others
                retry_after, reason, kind = None, f"bug: {type(error).__name__}", FailureKind.BUG
                _log.exception("source broke", source=self.id)
            else:
                self._state = SourceState.FINISHED
                _log.info("source has finished", source=self.id)
                return
            self._state, self._trouble = SourceState.FAILING, reason
            failures = 1 if self._heard != heard else failures + 1
            seconds = delay(failures, retry_after, random.random())  # noqa: S311 - spreads load, keeps no secret
            counter(SOURCE_ERRORS).labels(self.id, kind).inc()
            _log.warning("source failed", source=self.id, kind=kind, reason=reason, again_in=round(seconds, 1))
            await asyncio.sleep(seconds)

    def begin(self, known: "asyncio.Task[dict[str, Checkpoint]]") -> None:
        """Begin with what is `known` when the source is run next: somebody else may have run it meanwhile."""
        self._known, self._anew = known, True
        self._heard_gauge = gauge(SOURCE_HEARD).labels(self.id)

    async def end(self) -> None:
        """Store where the source stands, now that it has stopped here; whoever runs it next goes on there."""
        await self.store(leaving=True)
        with suppress(KeyError):
            # it is for the next to say when it was heard of
            gauge(SOURCE_HEARD).remove(self.id)

    async def store(self, *, leaving: bool = False) -> None:
        """Write the checkpoint where the source stands further than the stored one says."""
        now = clock.now()
        self._rest(now)
        stored, cursor, kept = self._stored, dict(self._progress.cursor), dict(self.source.kept)
        # a refresh token that was used up must not be used again: the new one is stored at once, whatever was read
        state, trouble = self._state, self._trouble
        moved = stored is None or (stored.cursor, stored.kept, stored.state) != (cursor, kept, state)
        if self._heard is None and not (moved and (kept or trouble)):
            return
        if self._anew and self.source.resumable:
            # where it stands is not known here yet, and must not be written over
            return
        if not moved and (stored is None or stored.heard == self._heard):
            return
        if stored and not moved and now - stored.at < HEARD_EVERY and not leaving:
            return
        facts = dict(self.source.facts())
        self._measure(facts)
        about: dict[str, Any] = {"owner": self._owner, "state": state, "trouble": trouble, "kept": kept, "facts": facts}
        about |= {"event": self._event[0], "event_seen": self._event[1]}
        self._stored = Checkpoint(source=self.id, cursor=cursor, heard=self._heard, at=now, **about)
        record = Outgoing(CHECKPOINTS, self.id, self._stored.to_bytes(), self.id)
        await self._writer.write(record, self._checkpoint_answered)

    def _rest(self, now: datetime) -> None:
        """Let a source that rests count as heard: a feed that is visited once an hour is not out in between."""
        if self._heard is None or self._rests_until is None or self._state is not SourceState.RUNNING:
            return
        if (heard := min(now, self._rests_until)) - self._heard >= RESTED:
            self._heard = heard
            self._heard_gauge.set(heard.timestamp())

    def _measure(self, facts: Mapping[str, str | float]) -> None:
        """Tell the metrics what a source says of its calls, its money and its token, and when it was posted last."""
        if self._event[0] is not None:
            gauge(SOURCE_EVENT).labels(self.id).set(self._event[0].timestamp())
        if isinstance(left := facts.get("quota_left"), int | float):
            gauge(SOURCE_QUOTA).labels(self.id).set(left)
        unit = str(facts.get("spent_unit", "USD"))
        for period in ("day", "month"):
            if isinstance(spent := facts.get(f"spent_{period}"), int | float):
                gauge(SOURCE_SPENT).labels(self.id, unit, period).set(spent)
        if isinstance(left := facts.get("budget_left"), int | float):
            gauge(SOURCE_BUDGET).labels(self.id, unit).set(left)
        with suppress(ValueError):
            expires = datetime.fromisoformat(str(facts.get("token_expires", "")))
            gauge(SOURCE_TOKEN).labels(self.id).set(expires.timestamp())

    def _checkpoint_answered(self, error: KafkaError | None) -> None:
        if error is not None:
            self._stored = None
            _log.error("checkpoint was refused", source=self.id, reason=error.str())

    async def _checkpoint(self) -> Checkpoint | None:
        """Return where to begin: where this process has got to, else where the one before it had."""
        if not self.source.resumable:
            return None
        heard = self._heard
        if self._anew:
            stored = (await asyncio.shield(self._known)).get(self.id)
            self._anew = False
            if stored and (self._stored is None or stored.at > self._stored.at):
                self._progress = Progress(stored.cursor)
                self.source.kept.update(stored.kept)
                self._event = (stored.event, stored.event_seen)
                heard = stored.heard
        cursor = dict(self._progress.cursor)
        return Checkpoint(source=self.id, cursor=cursor, heard=heard, at=clock.now()) if cursor else None

    async def _drive(self, checkpoint: Checkpoint | None) -> None:
        """Read the source once through; what the broker refuses ends the attempt, since it must not be passed over."""
        self._progress = Progress(self._progress.cursor)
        self._refused = refused = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(self._read(checkpoint))
        try:
            await asyncio.wait({reading, refused}, return_when=asyncio.FIRST_COMPLETED)
            if refused.done():
                refused.result()
            await reading
        finally:
            reading.cancel()
            refused.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, checkpoint: Checkpoint | None) -> None:
        count = 0
        async with aclosing(self.source.run(checkpoint)) as readings:
            async for reading in readings:
                await self._take(reading)
                count += 1
                if count % BREATH == 0:
                    await asyncio.sleep(0)
        while self._progress.waiting:
            self._answered.clear()
            await self._answered.wait()

    async def _take(self, reading: Reading) -> None:
        item = reading.item
        self._heard = item.at if isinstance(item, Dead) else item.seen
        self._state, self._trouble = SourceState.RUNNING, ""
        if isinstance(item, Event) and not isinstance(item, Edit):
            self._event = (item.time, item.seen)
        self._rests_until = self._heard + timedelta(seconds=reading.rest) if reading.rest else None
        self._heard_gauge.set(self._heard.timestamp())
        step = self._progress.begin(reading.cursor)
        if isinstance(item, Heartbeat) and not item.clock:
            self._progress.finish(step)
            return
        if isinstance(item, Gap):
            counter(SOURCE_GAPS).labels(self.id).inc()
            _log.warning("posts may be missing", source=self.id, since=item.since, until=item.until, reason=item.reason)
        await self._writer.write(self._record(item), partial(self._item_answered, self._progress, step, reading))

    def _record(self, item: Delivered | Dead) -> Outgoing:
        """Return the record of an item: its topic, its key, and for ordered sources its partition."""
        value = (without_profile(item) if isinstance(item, Event) else item).to_bytes()
        if isinstance(item, Dead):
            return Outgoing(DEAD, item.id, value, self.id)
        key = self.id if isinstance(item, Gap | Heartbeat) else item.key
        if self.source.ordered:
            topic, partition = _ORDERED
            return Outgoing(topic, key, value, self.id, partition)
        platform = "other" if isinstance(item, Gap | Heartbeat) else item.platform
        return Outgoing(raw_topic(platform), key, value, self.id)

    def _item_answered(self, progress: Progress, step: Step, reading: Reading, error: KafkaError | None) -> None:
        """Take the broker's answer about one item: count it, tell who waits, or end the attempt."""
        item, done = reading.item, reading.done
        self._answered.set()
        if error is None:
            progress.finish(step)
            if isinstance(item, Dead):
                counter(DEAD_RECORDS).labels(item.reason).inc()
            elif isinstance(item, Event | Deletion):
                platform = item.platform if item.platform in PLATFORM_RETENTION_HOURS else "other"
                counter(EVENTS_INGESTED).labels(self.id, platform).inc()
            if done is not None and not done.done():
                done.set_result(None)
            return
        refusal = SourceError(f"the broker refused a record ({error.name()})")
        if done is not None:
            # whoever sent it is told and keeps it; a push source must go on for all the others
            progress.finish(step)
            if not done.done():
                done.set_exception(refusal)
        elif self._refused is not None and not self._refused.done():
            self._refused.set_exception(refusal)
