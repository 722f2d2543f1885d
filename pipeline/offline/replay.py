"""How time passes in a replay: the one rule that the replay source and `earshot backtest` share.

Between posts every whole minute is told, as ticks would tell it; a silence of more than a day is told for its first
day and then jumped over, and a day after the last post is told so that incidents can resolve. Posts that are older
than one before them let no time pass: it only moves forward.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

MINUTE = timedelta(minutes=1)
LONGEST = 24 * 60
"""So many minutes of a silence are told, and after the last post."""


class Timed(Protocol):
    """What happens at a `time`: a post, or what follows from one."""

    @property
    def time(self) -> datetime:
        """When it happens."""


T = TypeVar("T", bound=Timed)


def with_ticks(posts: Iterable[T]) -> Iterator[T | datetime]:
    """Yield `posts` in their order, each after the whole minutes that passed since the latest one before it."""
    last: datetime | None = None
    for post in posts:
        if last is not None and post.time > last:
            yield from _minutes(last, post.time)
        last = post.time if last is None else max(last, post.time)
        yield post
    if last is not None:
        yield from _minutes(last, last + LONGEST * MINUTE)


def _minutes(after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the whole minutes later than `after` up to `until`, the first day of them and then the last."""
    if until - after < MINUTE and until.minute == after.minute:
        return  # most posts of a busy watch come within the minute of the one before
    first, last = _floor(after), _floor(until)
    count = (last - first) // MINUTE
    for minute in range(1, min(count, LONGEST) + 1):
        yield first + minute * MINUTE
    if count > LONGEST:
        yield last


def _floor(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
