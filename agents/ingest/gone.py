"""What came and what was removed lately: platforms that repeat themselves tell things twice, and too late."""

from collections.abc import Iterable, Iterator

from schemas.event import Deletion, Event

MOST = 20_000


class Recent:
    """The names that were added last, at most `MOST` of them."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        """Remember a name, and forget the oldest where there are too many."""
        self._names[name] = None
        while len(self._names) > MOST:
            del self._names[next(iter(self._names))]

    def discard(self, name: str) -> None:
        """Forget a name."""
        self._names.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._names


class Gone(Recent):
    """The ids of posts that were removed."""

    def note(self, item: object) -> None:
        """Remember it if it is the deletion of a post."""
        if isinstance(item, Deletion) and not item.author:
            self.add(item.id)

    def left(self, items: Iterable[Event | Deletion]) -> Iterator[Event | Deletion]:
        """Yield deletions, and of posts those that were not removed."""
        for item in items:
            if isinstance(item, Deletion) or item.id not in self:
                yield item
