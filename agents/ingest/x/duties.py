"""What X's source does beside the stream: it asks for its own mentions, and every day what it has to delete."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from agents import clock
from agents.ingest.beside import Put
from agents.ingest.platforms.x import Seen, id_at, newest, read_compliance, time_of
from agents.ingest.platforms.x_plan import ladder
from agents.ingest.web.client import Client
from agents.ingest.x.api import results
from agents.ingest.x.run import Run
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError

PATIENCE = 5
"""So many failures in a row are borne before the whole run ends, and with it the stream."""
KEPT = timedelta(days=7)
"""How long raw posts of X are kept: what is older need not be asked about."""
JOB_POLL = 10.0
MOST_IDS = 1_000_000
_log = structlog.get_logger("ingest.x")


async def patiently(source: str, what: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Do something that may fail without the stream having to be given up for it.

    Raises:
        SourceError: it failed five times in a row, or the budget is spent.
        ConfigError: it can never work.
    """
    for failures in range(1, PATIENCE + 1):
        try:
            await attempt()
        except SourceError as error:
            if failures == PATIENCE or error.kind is FailureKind.BUDGET:
                raise
            seconds = ladder(error.kind, failures, error.retry_after)
            _log.warning("failed", source=source, what=what, reason=str(error), again_in=seconds)
            await asyncio.sleep(seconds)
        else:
            return


class AccountMentions:
    """The posts that name our own account, asked for every so often; those of before the first time are left alone."""

    def __init__(self, run: Run, account: str, every: float, price: float) -> None:
        self._run = run
        self._account = account
        self._every = every
        self._price = price

    async def follow(self, put: Put) -> None:
        """Ask for ever.

        Raises:
            SourceError: X does not answer for long, or the budget is spent.
            ConfigError: X does not let us ask.
        """
        run = self._run
        if run.state.mentions == 0:
            run.state = replace(run.state, mentions=id_at(clock.now() - run.options.overlap))
            await run.beat(put)
        while True:
            await patiently(run.source, "mentions", lambda: self._ask(put))
            await asyncio.sleep(self._every)

    async def _ask(self, put: Put) -> None:
        run, since, latest, token = self._run, self._run.state.mentions, 0, ""
        while True:
            try:
                size = run.page_size(self._price)
            except SourceError:
                await run.stop(put)
                raise
            try:
                page = await run.api.mentions(self._account, {"since_id": str(since)}, size, token)
            except InvalidMessage as error:
                now = clock.now()
                begin = time_of(str(since), now)
                run.state = replace(run.state, mentions=id_at(now - run.options.overlap))
                await run.gap(put, begin, now, f"X does not tell the mentions: {error.detail}")
                return
            events = await run.take(page, put, self._price)
            latest = max(latest, newest(events))
            for event in events:
                await run.give(event, put)
            token = page.next_token
            if not token:
                break
        if latest:
            # the index may be late with some: they are asked for once more, which costs nothing on the same day
            again = id_at(time_of(str(latest), clock.now()) - run.options.overlap)
            run.state = replace(run.state, mentions=max(since, again))
        await run.beat(put)


class Compliance:
    """X wants deleted what was deleted there: all ids that we hold are shown to it every day, and it names those."""

    def __init__(self, run: Run, files: Client, every: float, held: Callable[[], Awaitable[set[str]]]) -> None:
        """Ask `every` so many seconds; `held` returns the posts that we hold, `files` reaches where X keeps files."""
        self._run = run
        self._files = files
        self._every = every
        self._held = held

    async def follow(self, put: Put) -> None:
        """Ask for ever; what X refuses here is told and ends nothing.

        Raises:
            SourceError: X does not answer for long.
        """
        run = self._run
        while True:
            if not run.state.checked:
                run.state = replace(run.state, checked=clock.now().isoformat())
            due = datetime.fromisoformat(run.state.checked) + timedelta(seconds=self._every)
            await asyncio.sleep(max(0.0, (due - clock.now()).total_seconds()))
            try:
                await patiently(run.source, "deletions", lambda: self._ask(put))
                run.status["deletions_asked"] = clock.now().isoformat(timespec="seconds")
            except ConfigError as error:
                run.status["deletions_asked"] = "X refuses to say what is to be deleted"
                _log.error("deletions are not told", source=run.source, reason=str(error))
            run.state = replace(run.state, checked=clock.now().isoformat())
            await run.beat(put)

    async def _ask(self, put: Put) -> None:
        run, now = self._run, clock.now()
        run.delivered = {one for one in run.delivered if time_of(one, now) > now - KEPT}
        ids = sorted(run.delivered | {one for one in await self._held() if one.isdecimal()})[-MOST_IDS:]
        if not ids:
            return
        job = await run.api.start_job()
        await self._files.put(job["upload_url"], data="\n".join(ids).encode(), headers={"Content-Type": "text/plain"})
        while (status := job.get("status")) != "complete":
            if status in ("failed", "expired"):
                raise SourceError(f"the compliance job is {status}", kind=FailureKind.SERVER)
            job = job | await run.api.job(job["id"])
            if job.get("status") != "complete":
                await asyncio.sleep(min(JOB_POLL, self._every))
        answer = await self._files.get(job["download_url"])
        for line in results(answer.body):
            try:
                deletion = read_compliance(line, Seen(run.source, clock.now()))
            except InvalidMessage as error:
                await put(run.dead(error.reason, error.detail, repr(line).encode("utf-8", "replace")))
                continue
            run.delivered.discard(deletion.id)
            await put(run.reading(deletion))
