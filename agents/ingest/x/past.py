"""The past of X, as far as its recent search goes: seven days."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from agents import clock
from agents.ingest.beside import Put, beside
from agents.ingest.source import Readings
from agents.ingest.x.run import Run
from schemas.errors import ConfigError, InvalidMessage

SEARCHED = timedelta(days=7)
MARGIN = timedelta(minutes=1)
"""The search knows nothing of the last half minute, and refuses a span that begins a moment too early."""


async def past(run: Run, start: datetime, end: datetime) -> Readings:
    """Yield the posts from `start` to before `end` that the watches ask for, newest first for each query.

    Raises:
        ConfigError: `start` is more than seven days ago, or no watch asks for anything that X can be asked.
        SourceError: X does not answer, or the budget does not reach.
    """
    now = clock.now()
    if start < now - SEARCHED:
        raise ConfigError(
            "X can be searched for the last seven days",
            where=f"source {run.source}",
            hint=f"begin at {now - SEARCHED + timedelta(hours=1):%Y-%m-%dT%H:00Z} or later",
        )
    queries = (await run.compiled(run.options.search_limits)).rules
    if not queries:
        raise ConfigError("no watch asks for anything that X can be asked", where=f"source {run.source}")
    begin = max(start, now - SEARCHED + MARGIN)
    span = {"start_time": _written(begin)}
    if end < now - MARGIN:
        # without an end X searches up to what it knows, which ends half a minute ago
        span["end_time"] = _written(end)

    if begin < end:
        async for reading in beside([lambda put: _search(run, queries, span, put)]):
            yield reading._replace(cursor=None)


async def _search(run: Run, queries: Iterable[str], span: Mapping[str, str], put: Put) -> None:
    for query in queries:
        token = ""
        while True:
            size = run.page_size(run.purse.prices.post)
            try:
                page = await run.api.recent(query, span, size, token)
            except InvalidMessage as error:
                raise ConfigError(f"X does not search for it ({error.detail})", where=run.source) from error
            for event in await run.take(page, put, run.purse.prices.post, backfill=True):
                await run.give(event, put)
            token = page.next_token
            if not token:
                break


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
