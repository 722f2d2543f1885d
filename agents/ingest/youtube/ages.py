"""Since when there are the YouTube channels that write: neither a video nor a comment tells, so it is asked for."""

from collections.abc import Sequence
from datetime import datetime

from agents.ingest.platforms.payload import group, moment
from agents.ingest.platforms.youtube import id_of
from agents.ingest.youtube.quota import Api
from schemas.errors import FailureKind, SourceError
from schemas.event import Event

KEPT = 20_000
"""So many channels are remembered; of more, the oldest are asked for again."""


class Ages:
    """Asks once for each channel, fifty of them for one unit, and for none when the day's units are spent."""

    def __init__(self) -> None:
        self._known: dict[str, datetime | None] = {}

    async def told(self, api: Api, events: Sequence[Event]) -> list[Event]:
        """Return `events` with since when there are their authors. Raises as `Api.ask`, but for what is spent."""
        writers = {event.author.id for event in events if event.author and event.author.id}
        unknown = sorted(writers - self._known.keys())
        try:
            channels = await api.resources("channels", "snippet", unknown)
        except SourceError as error:
            if error.kind is not FailureKind.BUDGET:
                raise
            # what was paid for is told today, and without it
            return list(events)
        found = {id_of(one): moment(group(one, "snippet").get("publishedAt")) for one in channels}
        known = self._known | {name: found.get(name) for name in unknown}
        self._known = dict(list(known.items())[-KEPT:])
        return [self._aged(event) for event in events]

    def _aged(self, event: Event) -> Event:
        created = self._known.get(event.author.id) if event.author and event.author.id else None
        if event.author is None or created is None:
            return event
        return event.model_copy(update={"author": event.author.model_copy(update={"created": created})})
