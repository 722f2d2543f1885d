"""Following X's filtered stream, and making up by searching for what was said while nobody listened.

What is known to have been delivered is an id (`State.since`), since ids of X hold the time of a post. While a gap waits
to be filled it stays where it was, so that whoever is killed in between fills the gap again.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from agents import clock
from agents.ingest.beside import Put
from agents.ingest.platforms.x import Seen, id_at, problems, read_post
from agents.ingest.platforms.x_plan import ladder
from agents.ingest.web.client import read_json
from agents.ingest.x.gap import missed
from agents.ingest.x.run import Run
from schemas.errors import FailureKind, InvalidMessage, SourceError
from schemas.event import Event

LIVE = 0.05
"""Seconds that a heartbeat must have been waited for: one that was there already may be an old one."""
MOST_FAILURES = 64
"""Failures of the network in a row that are mended here; then the longest wait is reached, and the runner is told."""
_BROKE = (FailureKind.NETWORK, FailureKind.BROKEN_ANSWER)
_log = structlog.get_logger("ingest.x")


class Following:
    """The stream of one run, over as many connections as it takes."""

    def __init__(self, run: Run, refusals: dict[FailureKind, int], began: datetime) -> None:
        """Follow for `run`; `refusals` counts those in a row, from one run to the next; `began` is our first run."""
        self._run = run
        self._refusals = refusals
        self._pending = False
        self._reached = 0
        self._filling: asyncio.Task[None] | None = None
        self._began = began

    async def follow(self, put: Put) -> None:
        """Follow the stream for ever: a break is mended at once, what X refuses is for the runner to wait.

        Raises:
            SourceError: X refuses, by its documented pauses; or the budget is spent; or the network stays away.
        """
        failures, run, loop = 0, self._run, asyncio.get_running_loop()
        try:
            while True:
                await self._until_wanted()
                if run.state.since == 0:
                    # the first time: what is said from now on, also while the first rules are taken up
                    run.state = replace(run.state, since=id_at(clock.now()))
                await self._afford(put)
                began = loop.time()
                try:
                    await self._connection(put)
                except SourceError as error:
                    lasted = bool(run.status.get("connected")) and loop.time() - began >= run.options.quiet
                    run.status["connected"] = ""
                    if error.kind not in _BROKE or error.status or failures >= MOST_FAILURES:
                        raise self._pause(error) from error
                    failures = 0 if lasted else failures + 1
                    seconds = ladder(FailureKind.NETWORK, failures)
                    _log.warning("the stream broke", source=run.source, reason=str(error), again_in=seconds)
                    await asyncio.sleep(seconds)
        finally:
            if self._filling is not None:
                self._filling.cancel()
                await asyncio.gather(self._filling, return_exceptions=True)

    def _pause(self, error: SourceError) -> SourceError:
        """Return an error of HTTP with the pause that X's documentation wants, which doubles with each in a row."""
        if error.kind is FailureKind.BUDGET:
            return error
        self._refusals[error.kind] = count = self._refusals.get(error.kind, 0) + 1
        wait = ladder(error.kind, count, error.retry_after)
        return SourceError(str(error), wait, kind=error.kind, status=error.status)

    async def _until_wanted(self) -> None:
        """Wait for watches: without, nothing is to be heard, and whatever came would have to be paid."""
        while not (self._run.asks.watches and (await self._run.compiled(self._run.options.stream_limits)).rules):
            self._run.status["waits_for"] = "watches"
            await asyncio.sleep(1)
        self._run.status.pop("waits_for", None)

    async def _afford(self, put: Put) -> None:
        """Make sure that what may be under way already can be paid for, and note it where it cannot."""
        try:
            self._run.check_budget(self._run.purse.prices.post, self._run.options.reserve)
        except SourceError:
            await self._run.stop(put)
            raise

    async def _connection(self, put: Put) -> None:
        """Read one connection to its end."""
        run, loop = self._run, asyncio.get_running_loop()
        version, since = run.asks.version, run.state.since
        await run.adopt_rules()
        async with run.api.stream(run.options.quiet) as lines:
            asked = loop.time()
            async for line in lines:
                waited = loop.time() - asked
                if line.strip():
                    await self._line(line, put)
                if not run.status.get("connected"):
                    # only now: an error object is an answer of 200 as well
                    run.status["connected"] = clock.now().isoformat(timespec="seconds")
                    self._refusals.clear()
                    await self._resumed(put, since)
                if not line.strip():
                    await self._heartbeat(put, waited)
                if run.asks.version != version:
                    version = run.asks.version
                    if not run.asks.watches:
                        raise SourceError("there are no watches any more")
                    changed = id_at(clock.now())
                    await run.adopt_rules()
                    # X follows new rules within 20 seconds, more or less
                    self._make_up(put, run.state.since if self._pending else changed)
                asked = loop.time()
        raise SourceError("X closed the stream")

    async def _resumed(self, put: Put, since: int) -> None:
        """See to what was said while nobody listened: it is searched for, once the search knows it."""
        run, now = self._run, clock.now()
        if run.state.stopped:
            stopped = datetime.fromisoformat(run.state.stopped)
            run.state = replace(run.state, stopped="", since=id_at(now))
            await run.gap(put, stopped, now, "the budget was spent, so nothing was read")
        else:
            self._make_up(put, since)
        await run.beat(put)

    def _make_up(self, put: Put, since: int) -> None:
        self._pending = True
        if self._filling is not None:
            self._filling.cancel()
        self._filling = asyncio.create_task(self._fill(put, since))

    async def _heartbeat(self, put: Put, waited: float) -> None:
        if waited >= LIVE:
            # when the waiting began, all that X had sent was read
            self._advance(clock.now() - timedelta(seconds=waited))
        if self._filling is not None and self._filling.done():
            task, self._filling = self._filling, None
            task.result()
        await self._run.beat(put)

    def _advance(self, until: datetime) -> None:
        self._reached = max(self._reached, id_at(until - self._run.options.overlap))
        if not self._pending:
            self._run.state = replace(self._run.state, since=max(self._run.state.since, self._reached))

    async def _line(self, line: bytes, put: Put) -> None:
        run, now = self._run, clock.now()
        try:
            message = read_json(line)
        except SourceError as error:
            await put(run.dead("not-json", str(error), line))
            return
        if isinstance(message, dict) and "data" not in message and (named := problems(message)):
            kind = FailureKind.SERVER if "TooManyConnections" in named else FailureKind.NETWORK
            raise SourceError(f"X ends the stream ({', '.join(named)})", kind=kind)
        data, includes = (message.get("data"), message.get("includes")) if isinstance(message, dict) else (None, None)
        try:
            event = read_post(data, includes, Seen(run.source, now))
        except InvalidMessage as error:
            await put(run.dead(error.reason, error.detail, line))
            return
        run.charge([data], includes, run.purse.prices.post)
        if run.status.get("connected"):
            self._advance(min(now, event.time))
        await run.give(event, put)
        await self._afford(put)

    async def _fill(self, put: Put, since: int) -> None:
        """Give what was missed from `since` on; only the last of it says that the gap is filled."""
        run = self._run
        await asyncio.sleep(run.options.settle)
        last: Event | None = None
        async for event in missed(run, put, since, self._began):
            if last is not None:
                await run.give(last, put)
            last = event
        self._pending = False
        run.state = replace(run.state, since=max(run.state.since, self._reached))
        if last is not None:
            await run.give(last, put)
        await run.beat(put)
