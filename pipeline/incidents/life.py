"""Life: the value that an incident lives in – what people know of it, what was heard since, and when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.alerts.silence import Hush, whole_until
from pipeline.frozen import swift
from schemas.handling import Handling
from schemas.incident import Incident, IncidentState
from schemas.model import UtcTime
from schemas.signal import Signal

NAMELESS = "…"
"""Stands for the name of an author who wants to be forgotten."""
QUIET = timedelta(minutes=60)
LONGEST_QUIET = timedelta(hours=4)
MOST_SHOWN = 16
_OVER = (IncidentState.RESOLVED, IncidentState.CLOSED)


@swift
@dataclass(frozen=True, slots=True)
class Mentions:
    """Some own-brand mentions, counted; `stories` is how many different ones."""

    mentions: int = 0
    stories: int = 0
    negative: int = 0
    platforms: Mapping[str, int] = field(default_factory=dict)


@swift
@dataclass(frozen=True, slots=True)
class Shown:
    """A post that a message shows although it stands for no story: numbers of its `words` and of its `writer`."""

    mention: str
    words: int
    writer: int | None = None


@dataclass(frozen=True, slots=True)
class Life:
    """The unresolved incident of a watch or of one of its groups, or the last one.

    `incident` is as people were told of it last (at `alerted`); since then the mentions later than `since` are counted
    in `heard`, `signal` is what the leading rule measured last, `peak` the most it measured and `told` what people
    know of; `far` is how many times its threshold the rule measured then that was farthest above it, `height` the most
    times that the leading one ever did, `needed` its threshold then. `restless` is when
    a rule last was. `alone` is since when nobody takes care of it, `rose` when its severity last rose, `cooling` how
    many seconds it cools down. `silences` are those in force or to come; `silenced`, which states from before silences
    had names hold, is until when nobody is told. `inhibited` is how many signals were not told because of it. Of a
    group `tales` are the stories it has heard, by their numbers, the
    first ones; `crowd` are the groups that share the incident, where there was no room for one each. `subject` is the
    story that people were last told of first, where one post or story was what it was about. `shown` are posts that
    messages show beside those that stand for a story, the latest. `over` is when a silence was broken: nothing else
    has to be waited for.
    """

    incident: Incident | None = None
    since: UtcTime | None = None
    heard: Mentions = Mentions()
    signal: Signal | None = None
    peak: float = 0.0
    told: float = 0.0
    alerted: UtcTime | None = None
    restless: UtcTime | None = None
    silenced: UtcTime | None = None
    alone: UtcTime | None = None
    rose: UtcTime | None = None
    cooling: float | None = None
    silences: tuple[Hush, ...] = ()
    inhibited: int = 0
    tales: tuple[int, ...] | None = None
    crowd: tuple[int, ...] = ()
    subject: str = ""
    far: float = 0.0
    height: float = 0.0
    needed: float = 0.0
    shown: tuple[Shown, ...] = ()
    over: UtcTime | None = None

    @property
    def open(self) -> Incident | None:
        """The incident that is not resolved."""
        return None if self.incident is None or self.incident.state in _OVER else self.incident

    @property
    def nameless(self) -> bool:
        """Tell whether it is the incident of an author who wants to be forgotten."""
        return self.incident is not None and (self.incident.group or {}).get("author") == NAMELESS

    @property
    def resolves(self) -> datetime | None:
        """When the open incident resolves if all stays quiet."""
        if (incident := self.open) is None or self.restless is None or self.signal is None:
            return None
        if self.over:
            return self.after_silence(self.over)
        return self.after_silence(self.restless + quiet(self.restless - incident.opened, self.signal.window))

    @property
    def closes(self) -> datetime | None:
        """When the resolved incident has cooled down."""
        last = self.incident
        if last is None or last.state is not IncidentState.RESOLVED or last.resolved is None:
            return None
        return last.resolved + timedelta(seconds=self.cooling or Handling().cool_down)

    def after_silence(self, at: datetime) -> datetime:
        """Return `at`, or the end of the silence of the whole watch that it lies in."""
        if self.silenced and at < self.silenced:
            at = self.silenced
        return (whole_until(self.silences, at) or at) if self.silences else at

    def quiet_at(self, at: datetime) -> bool:
        """Tell whether the whole watch is silenced."""
        return self.after_silence(at) != at


def quiet(lasted: timedelta, window: float) -> timedelta:
    """Return how long it must be quiet before an incident is over: at least the leading rule's window.

    Half as long as it has `lasted`, up to `LONGEST_QUIET`: nobody calls a crisis of a day over after a quiet hour.
    """
    return max(QUIET, timedelta(seconds=window), min(lasted / 2, LONGEST_QUIET))
