"""The runner: starts every source with its keeper, stores checkpoints behind the broker, and leaves in good order."""

import asyncio
import random
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from agents.access import check_access
from agents.ingest.asks import Asks
from agents.ingest.checkpoints import read_checkpoints
from agents.ingest.keeper import Keeper
from agents.ingest.lease import Leases
from agents.ingest.source import Source, load_sources
from agents.ingest.watched import follow
from agents.ingest.web.backoff import delay
from agents.ingest.writer import Writer
from agents.kafka import NoBroker
from agents.observe import Status, end_when_dead, serve
from agents.strays import Stray, warn
from agents.witness import Witness
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, SourceError
from schemas.settings import Settings

STORE_EVERY = 1.0
"""Seconds between two looks at whether a checkpoint has moved."""
HANDOVER_SECONDS = 2.0
"""How long a source that is left to another process may wait for the broker, twice."""
FLUSH_SECONDS = 8.0
"""How long leaving may take: less than the ten seconds after which a container is killed."""

_log = structlog.get_logger("ingest")


def run_ingest(settings: Settings) -> None:
    """Run the sources of the settings' sources file until SIGTERM, or until all of them are finished.

    Raises:
        ConfigError: the sources file, a secret, a port or a file is wrong; or all sources have ended, one of them
            because it cannot be read as configured; or the broker refuses us, lacks a topic or has another time.
    """
    found = load_sources(settings)
    for source in found:
        source.prepare()
    status = Status(("broker",))
    witness = Witness(settings, "ingest", status)
    with suppress(NoBroker):  # it is waited for, and what is only pushed to can say so to whoever pushes
        check_access(settings, "ingest")
        witness.compare()
    witness.watch()
    asyncio.run(_ingest(settings, found, status))


async def _ingest(settings: Settings, found: tuple[Source[Any], ...], status: Status) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = serve(settings, status)
    end_when_dead(status, settings.stuck_after)
    try:
        async with Writer(settings, status) as writer:
            ids = frozenset(source.config.id for source in found)
            known = asyncio.create_task(_checkpoints(settings, ids))
            asks = Asks()
            for source in found:
                source.asks = asks
            keepers = [Keeper(source, writer, known) for source in found]
            leases = Leases(settings) if any(source.exclusive for source in found) else None
            if leases is not None:
                leases.start()
            try:
                await _run_until(stop, keepers, Shared(settings, writer, known, leases, ids))
            finally:
                known.cancel()
                await _leave(writer, keepers)
                if leases is not None:
                    await leases.close()
                await asyncio.gather(known, return_exceptions=True)
    finally:
        await asyncio.to_thread(server.close)
    _log.info("ingest ends", asked=stop.is_set())
    for keeper in keepers:
        if keeper.ended_by and not stop.is_set():
            raise keeper.ended_by


async def _checkpoints(settings: Settings, ids: frozenset[str]) -> dict[str, Checkpoint]:
    """Return the stored checkpoints, however long it takes until the broker answers.

    Raises:
        ConfigError: it refuses us, or a topic or a right is missing, or that of one of `ids` has been written over.
    """
    failures = 0
    while True:
        try:
            await asyncio.to_thread(check_access, settings, "ingest")
            strays: list[Stray] = []
            found = await asyncio.to_thread(read_checkpoints, settings, strays.append)
            return _trusted(found, strays, ids)
        except (SourceError, NoBroker) as error:
            failures += 1
            # sources that are only pushed to run already; the others would not know where to begin
            seconds = min(5.0, delay(failures, None, random.random()))  # noqa: S311 - spreads load, keeps no secret
            _log.warning("waiting for the checkpoints", reason=str(error), again_in=round(seconds, 1))
            await asyncio.sleep(seconds)


def _trusted(found: dict[str, Checkpoint], strays: list[Stray], ids: frozenset[str]) -> dict[str, Checkpoint]:
    """Name the strays and return `found`, unless one stands where a source's checkpoint was: it would begin anew."""
    for stray in strays:
        warn(stray)
        source = (stray.key or b"").decode(errors="replace")
        if source in ids and source not in found:
            raise ConfigError(
                f"the checkpoint of {source} is written over by a record that is not ours, at offset {stray.offset}",
                where=stray.topic,
                hint=f"give it another id, or write an empty record under the key {source}: it begins anew",
            )
    return found


async def _run_until(stop: asyncio.Event, keepers: list[Keeper], shared: "Shared") -> None:
    """Run the keepers until `stop` is set or all have ended; without checkpoints, read and stored, everything ends."""
    stopped = asyncio.create_task(stop.wait())
    storing = asyncio.create_task(_store_regularly(keepers))
    keeping = asyncio.gather(*(shared.keep(keeper) for keeper in keepers))
    following = asyncio.create_task(_follow_watches(shared.known, shared.settings, keepers[0].source.asks))
    tasks: set[asyncio.Future[Any]] = {stopped, storing, keeping, following}
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Shared:
    """What all keepers of a process have: the writer, the checkpoints as they were at start, and its leases."""

    settings: Settings
    writer: Writer
    known: "asyncio.Task[dict[str, Checkpoint]]"
    leases: Leases | None
    ids: frozenset[str]
    _again: "asyncio.Task[dict[str, Checkpoint]] | None" = None

    async def keep(self, keeper: Keeper) -> None:
        """Keep a source going: where one process only may run it, whenever that is this one."""
        leases = self.leases
        if leases is None or not keeper.source.exclusive:
            return await keeper.keep()
        while True:
            await leases.acquired(keeper.id)
            try:
                if await self._keep(keeper, leases):
                    return None
            finally:
                leases.released(keeper.id)

    async def _keep(self, keeper: Keeper, leases: Leases) -> bool:
        """Keep a source going while the lease lasts; tell whether it has ended for good."""
        keeper.begin(self._checkpoints_now())
        keeping = asyncio.create_task(keeper.keep())
        losing = asyncio.create_task(leases.lost(keeper.id))
        try:
            await asyncio.wait({keeping, losing}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
                return True
        finally:
            for task in (keeping, losing):
                task.cancel()
            await asyncio.gather(keeping, losing, return_exceptions=True)
        _log.info("source is left to another process", source=keeper.id)
        await self.writer.flush(HANDOVER_SECONDS)
        await keeper.end()
        await self.writer.flush(HANDOVER_SECONDS)
        return False

    def _checkpoints_now(self) -> "asyncio.Task[dict[str, Checkpoint]]":
        """Return the checkpoints as they are now, or are about to be: read once for all that begin together."""
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(_checkpoints(self.settings, self.ids))
        return self._again


async def _follow_watches(known: "asyncio.Task[Any]", settings: Settings, asks: Asks) -> None:
    """Follow the watches for ever, unless the checkpoints cannot be had."""
    found = await asyncio.shield(known)
    _log.info("checkpoints read", sources=len(found))
    await follow(settings, asks)


async def _store_regularly(keepers: list[Keeper]) -> None:
    while True:
        await asyncio.sleep(STORE_EVERY)
        for keeper in keepers:
            await keeper.store()


async def _leave(writer: Writer, keepers: list[Keeper]) -> None:
    """Wait for the acknowledgement of what is under way and store where that leaves the sources."""
    if not await writer.flush(FLUSH_SECONDS / 2):
        _log.warning("leaving with records unacknowledged: they will be read again")
    for keeper in keepers:
        await keeper.store(leaving=True)
    await writer.flush(FLUSH_SECONDS / 2)
