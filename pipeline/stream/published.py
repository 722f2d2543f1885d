"""What `earshot.watches` holds, as values: the watches that are in force, and what has to be written to change them.

A change goes to `earshot.mentions` first, where judge meets it in the order of its log, and then to `earshot.watches`,
which every worker follows: so nobody matches with a watch that judge does not know yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.stream.producer import Outgoing
from schemas.control import ListVersion, WatchRemoved, WatchVersion
from schemas.topics import MENTIONS, WATCHES
from schemas.watch import NamedList, Watch

_WATCH, _LIST = "watch/", "list/"


@dataclass(slots=True)
class Published:
    """What the topic says up to `position`, the offset of the next record."""

    watches: dict[str, WatchVersion] = field(default_factory=dict)
    lists: dict[str, ListVersion] = field(default_factory=dict)
    position: int = 0

    def take(self, offset: int, key: bytes, value: bytes | None) -> None:
        """Take in the next record of the topic.

        Raises:
            pydantic.ValidationError: it is not ours, or we cannot read it; `position` has moved all the same.
        """
        self.position = offset + 1
        kind, name = key.decode(errors="replace").partition("/")[::2]
        if kind + "/" == _WATCH:
            if value is None:
                self.watches.pop(name, None)
            else:
                self.watches[name] = WatchVersion.from_bytes(value)
        elif kind + "/" == _LIST:
            if value is None:
                self.lists.pop(name, None)
            else:
                self.lists[name] = ListVersion.from_bytes(value)

    def copy(self) -> "Published":
        """Return a copy that may go on changing while somebody else reads this one."""
        return Published(dict(self.watches), dict(self.lists), self.position)

    def asked(self) -> tuple[Watch, ...]:
        """Return the watches with their lists, in the order of their ids: the same in every process."""
        lists = {name: one.content for name, one in self.lists.items()}
        return tuple(one.watch.asking(lists, one.version) for _, one in sorted(self.watches.items()))


@dataclass(frozen=True, slots=True)
class Change:
    """The records that make a change, and what it changes: names of watches. Write `first`, then `then`."""

    first: tuple[Outgoing, ...] = ()
    then: tuple[Outgoing, ...] = ()
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.then)


def plan(
    before: Published, watches: Iterable[Watch], lists: Mapping[str, NamedList], at: datetime, *, whole: bool
) -> Change:
    """Return what takes the topic from `before` to `watches` and `lists`.

    Unless they are the `whole` of what people have written, nothing is removed: what is missing may be what cannot be
    read.
    """
    wanted = {watch.id: watch for watch in watches}
    new = [name for name in wanted if name not in before.watches]
    changed = [name for name, one in before.watches.items() if name in wanted and wanted[name].version != one.version]
    removed = [name for name in before.watches if name not in wanted] if whole else []
    versions = [WatchVersion(watch=wanted[name], version=wanted[name].version, at=at) for name in new + changed]
    then = [_keep(_LIST, name, list_) for name, list_ in _lists(before, lists, at)]
    then += [_keep(_WATCH, one.watch.id, one) for one in versions]
    then += [Outgoing(WATCHES, (_WATCH + name).encode(), None) for name in removed]
    if whole:
        then += [Outgoing(WATCHES, (_LIST + name).encode(), None) for name in before.lists if name not in lists]
    return Change(
        first=(
            *(Outgoing(MENTIONS, one.watch.id.encode(), one.to_bytes()) for one in versions),
            *(Outgoing(MENTIONS, name.encode(), WatchRemoved(watch=name, at=at).to_bytes()) for name in removed),
        ),
        then=tuple(then),
        new=tuple(new),
        changed=tuple(changed),
        removed=tuple(removed),
    )


def _lists(before: Published, lists: Mapping[str, NamedList], at: datetime) -> Iterable[tuple[str, ListVersion]]:
    """Return the lists that differ from what is published."""
    for name, content in lists.items():
        known = before.lists.get(name)
        if known is None or known.content != content:
            yield name, ListVersion(name=name, content=content, at=at)


def _keep(kind: str, name: str, record: WatchVersion | ListVersion) -> Outgoing:
    return Outgoing(WATCHES, (kind + name).encode(), record.to_bytes())
