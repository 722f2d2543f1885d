"""What of a full stream went on to the broker, so that of all its deletions and edits only those that matter do, too.

A network's stream holds hundreds of deletions a second, nearly all of posts that nobody here asked for, and each would
reach every watch. What went on is noted; what went on before this process began is read back from the topic of
raw events, once, beside the stream. Until that is done, and where it cannot be done, everything may be held.
"""

from collections.abc import Callable
from hashlib import blake2b
from threading import Thread

import structlog

from agents.ingest.held import held_ids
from agents.kafka import NoBroker
from schemas.errors import ConfigError, SourceError
from schemas.settings import Settings

MOST = 2_000_000
"""So many names are remembered, the latest: about 200 MB."""
_log = structlog.get_logger("ingest")


class Recall:
    """The names of the posts of one platform that went on, and of their authors, found in an id by `author_of`."""

    def __init__(self, settings: Settings, platform: str, author_of: Callable[[str], str]) -> None:
        self._settings = settings
        self._platform = platform
        self._author_of = author_of
        self._names: dict[int, None] = {}
        self._whole = False
        self._begun = False

    def note(self, post: str) -> None:
        """Remember that `post` went on."""
        for name in (post, self._author_of(post)):
            self._names[_short(name)] = None
        while len(self._names) > MOST:
            del self._names[next(iter(self._names))]

    def may_hold(self, name: str) -> bool:
        """Tell whether the broker may hold the post, or a post of the author, of that id."""
        if not self._begun:
            self._begun = True
            # a thread of its own: a broker that is away must not keep the process from leaving
            Thread(target=self._read_back, name="recall", daemon=True).start()
        return not self._whole or _short(name) in self._names

    def _read_back(self) -> None:
        try:
            known = held_ids(self._settings, self._platform)
        except (NoBroker, SourceError, ConfigError) as error:
            _log.warning("what is held cannot be read back, so all deletions go on", reason=str(error))
            return
        for post in known:
            self.note(post)
        self._whole = len(self._names) < MOST


def _short(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
