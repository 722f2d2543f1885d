"""Where a reader of Jetstream stands, how it goes on from there, and whether that was exact.

A `seq` is good on the host that gave it alone; the microsecond at which a host witnessed an event is nearly the same on
all of them. Cursors include what they name, so the first event comes again and is passed over by its identity.
"""

from dataclasses import dataclass
from enum import StrEnum

from agents.ingest.platforms.bluesky import POSTS, Frame
from schemas.checkpoint import Checkpoint

SILENT_CLAMP = 60_000_000
"""Microseconds: on the first wire, which never says that it has forgotten, a beginning so long after the cursor is a
gap; at Bluesky there are dozens of posts a second."""
TIMES = 10**15
"""Jetstream takes a cursor from here on for microseconds, and a smaller one for a seq."""
LARGEST = 1_048_576
_SAME = 100


class Wire(StrEnum):
    """In which of its two protocols Jetstream is spoken to."""

    V2 = "v2"
    V1 = "v1"


PATHS = {Wire.V2: "/xrpc/network.bsky.jetstream.subscribeEvents", Wire.V1: "/subscribe"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands: `seq` is good on `host` alone, `micros` anywhere; `same` came at that microsecond."""

    host: str = ""
    seq: int = 0
    micros: int = 0
    same: tuple[str, ...] = ()

    def after(self, host: str, frame: Frame) -> "Place":
        """Return the place behind `frame`."""
        same = (*self.same, frame.identity)[-_SAME:] if frame.micros == self.micros else (frame.identity,)
        return Place(host, frame.seq, frame.micros, same)

    def cursor(self) -> dict[str, str]:
        """Return the place as a cursor of a checkpoint."""
        texts = {"host": self.host, "seq": str(self.seq), "micros": str(self.micros)}
        return texts | {"same": ",".join(self.same)}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None) -> "Place":
        """Return the place that a checkpoint holds."""
        cursor = checkpoint.cursor if checkpoint else {}
        if "micros" not in cursor:
            return cls()
        same = tuple(name for name in cursor["same"].split(",") if name)
        return cls(cursor["host"], int(cursor["seq"]), int(cursor["micros"]), same)


@dataclass(frozen=True, slots=True)
class Opening:
    """How the stream is opened: which `wire` of which `host`, at which `cursor` (0: what is said from now on).

    `lost` says why it cannot be exact, where that is known beforehand. `until` (microseconds) ends a back-fill.
    """

    host: str
    wire: Wire
    cursor: int = 0
    lost: str = ""
    until: int = 0

    def params(self) -> list[tuple[str, str]]:
        """Return the query of the URL."""
        names = ("wantedCollections",) if self.wire is Wire.V1 else ("collections", "kinds", "kinds")
        params = list(zip(names, (POSTS, "commit", "account"), strict=False))
        # a post has a few KB; what is larger would end the connection again and again
        params.append(("maxMessageSizeBytes", str(LARGEST)))
        return [*params, ("cursor", str(self.cursor))] if self.cursor else params


def opening(place: Place, host: str, wire: Wire, overlap: int, now: int) -> Opening:
    """Return how to go on from `place` at `host`, on another host than before `overlap` microseconds earlier.

    Without a place it begins so long before `now`, so that nothing is lost while it is opened.
    """
    if not place.micros:
        return Opening(host, wire, now - overlap)
    if host != place.host:
        return Opening(host, wire, place.micros - overlap)
    return Opening(host, wire, place.seq if wire is Wire.V2 and place.seq else place.micros)


class Reader:
    """What one connection has brought so far: `place` is where it stands, `lost` why something may be missing."""

    def __init__(self, opened: Opening, place: Place) -> None:
        self.place = place
        self.lost = opened.lost
        self._opened = opened
        self._since = place.micros
        self._known = frozenset(place.same)
        self._first = True

    def told(self, notice: str) -> None:
        """Take note of what the host says of our cursor before the first event."""
        if notice == "OutdatedCursor":
            self.lost = "the host has forgotten what came after the last post we read"

    def missed(self, frame: Frame) -> bool:
        """Tell whether, before this first frame with a place, something may be missing since the last place."""
        if not self._first or not frame.micros:
            return False
        self._first = False
        silently = self._opened.wire is Wire.V1 and frame.micros - self._since > SILENT_CLAMP
        if silently and self._since:
            self.lost = "the first post the host sends came long after the last that we read"
        return bool(self.lost and self._since)

    def take(self, frame: Frame) -> bool:
        """Move behind `frame`, and tell whether it is new: what the cursor names comes again."""
        if not frame.micros:
            return False
        new = frame.identity not in self._known
        if new or frame.micros != self.place.micros:
            self.place = self.place.after(self._opened.host, frame)
        return new
