"""What was removed lately: a platform that repeats itself without order may tell of a post after its end."""

from collections.abc import Iterable, Iterator

from schemas.event import Deletion, Event

MOST = 20_000


class Gone:
    """The ids that were removed last, at most `MOST` of them."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def note(self, item: object) -> None:
        """Note that a deletion has come; anything else says nothing."""
        if isinstance(item, Deletion) and not item.author:
            self._ids[item.id] = None
            while len(self._ids) > MOST:
                del self._ids[next(iter(self._ids))]

    def back(self, name: str) -> None:
        """Note that a post is there again."""
        self._ids.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def left(self, items: Iterable[Event | Deletion]) -> Iterator[Event | Deletion]:
        """Yield deletions, and of posts those that were not removed."""
        for item in items:
            if isinstance(item, Deletion) or item.id not in self._ids:
                yield item
