"""Publishing: what stands in the watch files comes into force, or why it does not."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from agents import clock
from agents.watchfolder import Folder, Look, read_watches
from pipeline.alerts.mistake import tell_owner
from pipeline.alerts.route import addressed
from pipeline.stream import metrics
from pipeline.stream.follow import Follower
from pipeline.stream.producer import Outbox, Outgoing
from pipeline.stream.published import Change, Published, plan
from schemas.alert import Alert
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.tick import EPOCH
from schemas.topics import ALERTS
from schemas.watchfile import WatchFiles

EVERY_SECONDS = 0.5
"""How often the files are looked at; a change is read when two looks have seen the same."""
log = structlog.get_logger(__name__)


def now(settings: Settings) -> datetime:
    """Return the time that a change is given: none where time passes as it did in a recorded log."""
    return clock.now() if settings.clock == "wall" else EPOCH


def planned(files: WatchFiles, published: Published, at: datetime) -> Change:
    """Return the change that `files` ask for: a watch with a mistake stays as it is published."""
    return plan(published, files.watches, files.lists, at, whole=not files.wrong())


async def publish(change: Change, outbox: Outbox) -> None:
    """Write `change`, judge's part first, and return when all of it is acknowledged."""
    await outbox.deliver(change.first)
    await outbox.deliver(change.then)


class Publisher:
    """Keeps `earshot.watches` as the watch files say, for as long as this worker is the elected one."""

    def __init__(self, settings: Settings, follower: Follower, outbox: Outbox) -> None:
        self._settings = settings
        self._follower = follower
        self._outbox = outbox
        self._folder = Folder(settings.watches)
        self._told: set[str] = set()
        self._wrong: dict[tuple[str, str], int] = {}
        self._files: WatchFiles | None = None

    async def begin(self) -> None:
        """Publish what the files say when a worker starts, and return when the follower has seen it.

        Raises:
            ConfigError: the files are not there; or nothing is published yet and something in them is wrong.
        """
        look = self._folder.look()
        files = await asyncio.to_thread(read_watches, self._settings.watches)
        published = await asyncio.to_thread(self._follower.catch_up)
        if not published.watches and (wrong := files.wrong()):
            raise wrong[0]
        await self._publish(look, files)
        # what is acknowledged is there, but the embedded broker names the end of a topic too low
        while await asyncio.to_thread(lambda: planned(files, self._follower.catch_up(), now(self._settings))):
            log.info("waiting-for-published-watches")

    async def run(self, elected: Callable[[], bool]) -> None:
        """Publish every change of the files while `elected()`, until cancelled.

        Who is not elected leaves a change, and what is wrong, to the one who is: it stays news for the day on which
        this worker is elected.
        """
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            news, mine = await asyncio.to_thread(self._folder.news), elected()
            if news and mine:
                await self._read()
            metrics.watches_wrong(self._wrong if mine else {})

    async def _read(self) -> None:
        """Read the files and publish what they say; without any, all stays as it is."""
        look = self._folder.look()
        try:
            files = await asyncio.to_thread(read_watches, self._settings.watches, self._files)
        except ConfigError as error:
            log.error("watches-unreadable", reason=str(error))
            self._wrong = {("", ""): 1}
            self._folder.taken(look, None)
        else:
            await self._publish(look, files)

    async def _publish(self, look: Look, files: WatchFiles) -> None:
        """Bring into force what is right, and tell what is wrong."""
        published = self._follower.published
        change = await asyncio.to_thread(planned, files, published, now(self._settings))
        await publish(change, self._outbox)
        if change:
            log.info("published", new=len(change.new), changed=len(change.changed), removed=len(change.removed))
        self._folder.taken(look, files)
        self._files = files
        for error in files.wrong():
            log.error("watch-wrong", reason=str(error))
        self._wrong = by_owner(files, published)
        if self._settings.clock == "wall":
            await self._tell(list(mistakes(files, published, now(self._settings))))

    async def _tell(self, notes: list[Alert]) -> None:
        """Tell owners what this process has not told them; what another one has told, the ledger knows."""
        fresh = [note for note in notes if note.id not in self._told]
        parts = [part for note in fresh for part in addressed(note)]
        await self._outbox.deliver([Outgoing(ALERTS, key.encode(), note.to_bytes()) for key, note in parts])
        self._told.update(note.id for note in fresh)


def by_owner(files: WatchFiles, published: Published) -> dict[tuple[str, str], int]:
    """Return which watches have a mistake, with their owners; a nameless one stands for what is around the watches."""
    found = {("", ""): 1} if files.errors else {}
    for entry in files.entries:
        if entry.errors:
            known = published.watches.get(entry.id)
            found[entry.id, known.watch.owner.name if known else entry.owner] = 1
    return found


def mistakes(files: WatchFiles, published: Published, at: datetime) -> Iterator[Alert]:
    """Yield what the owners of watches with mistakes are told, by the routes that are in force, or as they are written.

    A watch that has never been in force and is so wrong that it has no routes reaches nobody this way.
    """
    for entry in files.entries:
        known = published.watches.get(entry.id)
        watch = known.watch if known else entry.watch
        if entry.errors and watch is not None:
            yield tell_owner(watch, entry.errors, at)
