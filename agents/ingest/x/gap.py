"""What was said on X while nobody listened: searched for, as far as X and the budget let us; the rest is a gap."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta

import structlog

from agents import clock
from agents.ingest.beside import Put
from agents.ingest.platforms.x import id_at, time_of
from agents.ingest.platforms.x_plan import ladder
from agents.ingest.x.api import Page
from agents.ingest.x.run import Run
from schemas.errors import FailureKind, InvalidMessage, SourceError
from schemas.event import Event

SEARCHED = timedelta(days=7)
MARGIN = timedelta(minutes=2)
PATIENCE = 5
_log = structlog.get_logger("ingest.x")


async def missed(run: Run, put: Put, since: int, began: datetime) -> AsyncIterator[Event]:
    """Yield the posts with ids above `since` that the watches ask for, newest first for each query.

    `began` is when we first ran: X may refuse to search from `since`, but hardly from then. Gaps go to `put`.

    Raises:
        SourceError: X does not answer for long.
    """
    now = clock.now()
    oldest = now - SEARCHED + MARGIN
    if (begin := time_of(str(since), now)) < oldest:
        await run.gap(put, begin, oldest, "X searches seven days back and no further")
        since = id_at(oldest)
    for query in (await run.compiled(run.options.search_limits)).rules:
        for first, last in _attempts(since, id_at(began)):
            reach = [time_of(str(first), now), now]
            try:
                async for event in _search(run, put, query, first):
                    reach[1] = min(reach[1], event.time)
                    yield event
            except InvalidMessage as error:
                until = now if last else max(reach[0], began)
                await run.gap(put, reach[0], until, f"X does not search for it: {error.detail}")
                continue
            except SourceError as error:
                if error.kind is not FailureKind.BUDGET:
                    raise
                await run.gap(put, reach[0], reach[1], str(error))
            break


def _attempts(since: int, began: int) -> Iterable[tuple[int, bool]]:
    """Return from which ids to search, one after the other as long as X refuses, and which is the last."""
    return ((since, False), (began, True)) if since < began else ((since, True),)


async def _search(run: Run, put: Put, query: str, since: int) -> AsyncIterator[Event]:
    token, failures = "", 0
    while True:
        try:
            size = run.page_size(run.purse.prices.post)
            page: Page = await run.api.recent(query, {"since_id": str(since)}, size, token)
        except SourceError as error:
            # of a limit of calls it is only known when it ends
            failures += error.kind is not FailureKind.RATE_LIMITED
            if error.kind is FailureKind.BUDGET or failures == PATIENCE:
                raise
            _log.warning("a gap waits to be filled", source=run.source, reason=str(error), failures=failures)
            await asyncio.sleep(ladder(error.kind, max(1, failures), error.retry_after))
            continue
        failures = 0
        for event in reversed(await run.take(page, put, run.purse.prices.post)):
            yield event
        token = page.next_token
        if not token:
            return
