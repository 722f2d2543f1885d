"""The state of one watch as a frozen value: everything that judge knows about it, and the rows it is stored in.

Rows are compact JSON. `watch` is the watch as last published, `head` what changes with every mention, `story/<id>` one
story, `members/<id>/<n>` a sealed segment of a story's identities. Stored together they are the whole state: `restore`
of all rows equals the state they came from, and stores the same bytes again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pipeline.alerts.hold import Desk
from pipeline.detect import Armed, arm, next_wake, timed, unbegun
from pipeline.form import (
    GROUPS,
    HEAD,
    LEARNT,
    SHORTEST,
    STORY,
    WATCH,
    Head,
    groups_row,
    head_form,
    learnt_form,
    learnt_row,
    memory_row,
    read_groups,
    read_memory,
)
from pipeline.frozen import replace, swift
from pipeline.incidents import moments
from pipeline.incidents.group import NO_GROUPS, Groups
from pipeline.incidents.life import Life
from pipeline.incidents.moments import Moment
from pipeline.learnt import NOTHING, Learnt
from pipeline.relevance import Meaning, meaning
from pipeline.stories.dedup import clear
from pipeline.stories.index import rebuild
from pipeline.stories.memory import Memory, hour_of
from pipeline.surge import NOBODY, Crowd
from pipeline.windows import window
from pipeline.windows.health import Health
from pipeline.windows.window import Window
from schemas.alert import Alert
from schemas.control import Gone, Inhibitor, Taken, WatchRemoved, WatchVersion
from schemas.receipt import Receipt
from schemas.watch import Watch

LATENESS = 3600.0
"""Seconds that a mention may be behind the time judge has reached and still alert."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@swift
@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from one record. `folded` is None when it counted no mention, else whether its story was known.

    `shadowed` are the rules that would have tripped and are only tried, `news` is what others have to know.
    """

    alerts: tuple[Alert, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    folded: bool | None = None
    shadowed: tuple[str, ...] = ()
    news: tuple[Inhibitor | Gone | Taken, ...] = ()


class _Stored(NamedTuple):
    """The parts of a state as they were last stored."""

    version: WatchVersion | None = None
    clock: datetime | None = None
    window: Window = Window()
    serial: int = 0
    readings: Mapping[str, Any] | None = None
    life: Life = Life()
    desks: Mapping[str, Desk] | None = None
    crowd: Crowd = NOBODY
    learnt: Learnt = NOTHING
    groups: Groups = NO_GROUPS


@dataclass(frozen=True, slots=True)
class WatchState:
    """Everything judge knows about one watch. `clock` is how late it is for this watch: the latest time acted upon.

    `readings` are the detectors' states by rule id, `desks` what its routes were told and what waits for them, by their
    addresses; `groups` are the incidents that the watch tells apart, `life` is the one that belongs to none of them;
    `crowd` and `learnt` are for risk and relevance. `rules` and `meaning` follow; `timed`
    are the rules that time alone may trip, `waits` says that for a rule time has yet to begin; `lateness` (seconds) is
    a setting.
    """

    version: WatchVersion | None = None
    clock: datetime | None = None
    window: Window = Window()  # noqa: RUF009 - it cannot change
    memory: Memory = field(default_factory=Memory)
    readings: Mapping[str, Any] = field(default_factory=dict)
    life: Life = Life()  # noqa: RUF009
    desks: Mapping[str, Desk] = field(default_factory=dict)
    crowd: Crowd = NOBODY
    learnt: Learnt = NOTHING
    groups: Groups = NO_GROUPS
    lateness: float = field(default=LATENESS, compare=False)
    rules: tuple[Armed, ...] = field(default=(), compare=False)
    timed: tuple[Armed, ...] = field(default=(), compare=False)
    waits: bool = field(default=False, compare=False)
    meaning: Meaning | None = field(default=None, compare=False, repr=False)
    stored: "_Stored | None" = field(default=None, compare=False, repr=False)

    @classmethod
    def empty(cls, lateness: float = LATENESS, memory: Memory | None = None) -> "WatchState":
        """Return the state of a watch of which nothing is known yet; its stories go into `memory`."""
        return cls(lateness=lateness, memory=Memory() if memory is None else memory)

    def over(self, memory: Memory) -> "WatchState":
        """Return the state as it was last stored, with the same memory over what is stored now."""
        return self._as_stored(memory)

    @property
    def watch(self) -> Watch | None:
        """The watch as last published."""
        return self.version.watch if self.version else None

    def due(self, now: datetime) -> bool:
        """Tell whether a tick at `now` may change anything: whether `due_at` is not later; cheap."""
        if (version := self.version) is None:
            return False
        if self.begins or self.memory.due(now):
            return True
        wakes = next_wake(self.timed, self.readings) if self.timed else None
        if wakes is not None and wakes <= now:
            return True
        rests = moments.rests(self.life, self.desks, version.watch, self.groups.first, now)
        return not rests and (upcoming := self.upcoming) is not None and upcoming.at <= now

    @property
    def due_at(self) -> datetime | None:
        """The moment from which on a tick changes something, None if none does; it holds until the state changes."""
        if self.version is None:
            return None
        if self.begins:
            return _BEGINNING
        upcoming, hour = self.upcoming, self.memory.next_hour
        expires = None if hour is None else _BEGINNING + timedelta(hours=hour + 1 - hour_of(_BEGINNING))
        if upcoming is None or expires is None:
            return upcoming.at if upcoming else expires
        return min(upcoming.at, expires)

    @property
    def begins(self) -> bool:
        """Tell whether time begins to pass, for the watch or for a rule of it that is new."""
        return self.window.began is None or self.waits

    @property
    def upcoming(self) -> Moment | None:
        """What is due next about rules, incident, digests and silences because time passes."""
        if self.version is None:
            return None
        wakes = next_wake(self.timed, self.readings) if self.timed else None
        return moments.upcoming(self.life, self.desks, self.version.watch, wakes, self.groups.first)

    @property
    def open(self) -> int:
        """How many incidents are not resolved."""
        return (self.life.open is not None) + sum(1 for _ in self.groups.open)

    def knowing(self, health: Health) -> "WatchState":
        """Return the state that knows when sources were not heard; the very same if it does."""
        return self if health is self.window.health else replace(self, window=self.window.knowing(health))

    def adopt(self, version: WatchVersion | WatchRemoved) -> "WatchState":
        """Return the state that judges by `version` from here on; the same version again changes nothing."""
        if isinstance(version, WatchRemoved):
            return self._retire()
        if self.version is not None and self.version.version == version.version:
            return self
        rules = arm(version.watch)
        known = {rule.id: self.readings[rule.id] for rule in rules if self._keeps(rule)}
        horizon = max([SHORTEST, *(rule.reach for rule in rules)])
        looking = self.window.reach(horizon, self.clock) if self.clock else replace(self.window, horizon=horizon)
        means = meaning(version.watch.about, self.learnt)
        after = replace(self, version=version, rules=rules, timed=timed(rules), readings=known, window=looking)
        return replace(
            after, waits=unbegun(rules, known), meaning=means, groups=self.groups.reckon(version.watch, self.life)
        )

    def knows(self, learnt: Learnt) -> "WatchState":
        """Return the state that has learnt so much; the very same if that is no news."""
        if learnt is self.learnt:
            return self
        return replace(self, learnt=learnt, meaning=meaning(self.watch.about if self.watch else None, learnt))

    def _retire(self) -> "WatchState":
        """Return the state of a watch that is no more: empty, and all its rows will be removed."""
        return replace(WatchState.empty(self.lateness, clear(self.memory)), stored=self.stored)

    @property
    def blank(self) -> bool:
        """Tell whether nothing is known yet, or no more."""
        return self.version is None and self.learnt == NOTHING and self._head() is None

    def _keeps(self, rule: Armed) -> bool:
        return rule.id in self.readings and any(map(rule.learns_as, self.rules))

    def persist(self) -> tuple["WatchState", dict[str, bytes | None]]:
        """Return the state without what is unsaved, and the rows that changed since it was last; None is "delete"."""
        before = self.stored or _Stored()
        rows: dict[str, bytes | None] = {}
        if self.version is not before.version:
            rows[WATCH] = self.version.to_bytes() if self.version else None
        if not self._same_head(before):
            rows[HEAD] = self._head()
        if self.learnt is not before.learnt:
            rows[LEARNT] = learnt_row(self.learnt)
        if not self.groups.stored_as(before.groups):
            rows[GROUPS] = groups_row(self.groups)
        for name, stored in sorted(self.memory.touched.items()):
            if (value := memory_row(self.memory, name)) is not None or stored:
                rows[name] = value
        return self._as_stored(self.memory.saved()), rows

    def _same_head(self, before: "_Stored") -> bool:
        return (
            self.clock == before.clock
            and self.window is before.window
            and self.readings is before.readings
            and self.life is before.life
            and self.desks is before.desks
            and self.crowd is before.crowd
            and self.memory.serial == before.serial
        )

    def _as_stored(self, memory: Memory) -> "WatchState":
        parts = (self.version, self.clock, self.window, memory.serial, self.readings, self.life, self.desks, self.crowd)
        return replace(self, memory=memory, stored=_Stored(*parts, self.learnt, self.groups))

    def rows(self) -> dict[str, bytes]:
        """Return every row of the state."""
        memory = self.memory
        names = [*(f"{STORY}{story}" for story in sorted(memory.stories)), *sorted(memory.tables.segments)]
        found = {HEAD: self._head(), LEARNT: learnt_row(self.learnt), GROUPS: groups_row(self.groups)}
        found |= {name: memory_row(memory, name) for name in names}
        found[WATCH] = self.version.to_bytes() if self.version else None
        return {name: value for name, value in found.items() if value is not None}

    def _head(self) -> bytes | None:
        if self.version is None and self.clock is None and not self.memory.size:
            return None
        head = Head(
            v=1,
            clock=self.clock,
            serial=self.memory.serial,
            horizon=self.window.horizon,
            began=self.window.began,
            series=window.to_rows(self.window),
            readings={one.id: one.dump(self.readings[one.id]) for one in self.rules if one.id in self.readings},
            life=self.life,
            desks=dict(self.desks),
            crowd=self.crowd,
        )
        return head_form.dump_json(head, exclude_defaults=True)

    @classmethod
    def restore(
        cls, rows: Mapping[str, bytes], lateness: float = LATENESS, memory: Memory | None = None
    ) -> "WatchState":
        """Return the state that `rows` hold; with a `memory`, which is stored elsewhere, only its head and watch.

        Raises:
            pydantic.ValidationError: a row was written by something else.
        """
        version = WatchVersion.from_bytes(rows[WATCH]) if WATCH in rows else None
        head = head_form.validate_json(rows[HEAD]) if HEAD in rows else Head(v=1)
        rules = arm(version.watch) if version else ()
        learnt = learnt_form.validate_json(rows[LEARNT]) if LEARNT in rows else NOTHING
        groups = read_groups(rows[GROUPS]) if GROUPS in rows else NO_GROUPS
        memory = rebuild(*read_memory(rows)) if memory is None else memory
        found = {rule.id: rule.load(head.readings[rule.id]) for rule in rules if rule.id in head.readings}
        clean = cls(
            version=version,
            clock=head.clock,
            window=Window(head.horizon, head.began, window.from_rows(head.series)),
            memory=memory.numbered(head.serial),
            readings=found,
            life=head.life,
            desks=head.desks,
            crowd=head.crowd,
            learnt=learnt,
            groups=groups.reckon(version.watch if version else None, head.life),
            meaning=meaning(version.watch.about if version else None, learnt),
            lateness=lateness,
            rules=rules,
            timed=timed(rules),
            waits=unbegun(rules, found),
        )
        return clean._as_stored(clean.memory)
