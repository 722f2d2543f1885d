"""Several things that a source does at the same time, as the one stream of readings that it yields."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

from agents.ingest.source import Reading

WAITING = 1_000
"""So many readings may wait for the runner; whoever has more waits as well."""

Put = Callable[[Reading], Awaitable[None]]
Part = Callable[[Put], Awaitable[None]]


async def beside(parts: Iterable[Part]) -> AsyncGenerator[Reading, None]:
    """Run `parts` side by side and yield what they put, in that order; the first error of one ends all.

    Ends when all parts have ended.
    """
    waiting: asyncio.Queue[Reading] = asyncio.Queue(WAITING)
    running = {asyncio.ensure_future(part(waiting.put)) for part in parts}
    following: asyncio.Task[Reading] | None = None
    try:
        while True:
            following = following or asyncio.create_task(waiting.get())
            if not following.done() and running:
                await asyncio.wait({following, *running}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done() and waiting.empty():
                for part in [part for part in running if part.done()]:
                    running.remove(part)
                    part.result()
                if not running:
                    return
                continue
            yield await following
            following = None
    finally:
        for task in running:
            task.cancel()
        if following is not None:
            following.cancel()
        await asyncio.gather(*running, return_exceptions=True)
