"""Route: which alert goes where and when, and what stands in it: everything delivery needs to tell people."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.alerts.hold import Desk, Withheld, admit, keep
from pipeline.incidents.life import Life
from pipeline.stories.memory import Memory, hour_of
from pipeline.stories.quotation import quote
from pipeline.stories.story import Story
from pipeline.windows.heard import number
from pipeline.windows.window import ENTITY, MENTIONS, Window
from schemas.alert import Alert, AlertReason, Quote
from schemas.incident import Incident
from schemas.mention import OWN, Match
from schemas.severity import reaches
from schemas.watch import Route, Watch

QUOTES = 3
Desks = Mapping[str, Desk]
"""The desks of a watch by the addresses of its routes; who has none has nothing on it."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What becomes of an alert: `now` goes out if there are routes to take it, and `held` says why others do not."""

    desks: Desks
    now: Alert | None
    held: Mapping[str, Withheld]
    """Why routes hold it back, by their addresses."""
    refused: int = 0
    """How many routes do not want anything so harmless."""

    @property
    def shared(self) -> tuple[Route, ...]:
        """The routes that take it now as far as delivery finds room in the budget that watches share there."""
        return _shared(self.now) if self.now else ()


class Pivot(NamedTuple):
    """The post that has tripped a rule, and its story. `leads`: the alert is about it, or about its `whole` story."""

    match: Match
    story: str
    leads: bool = False
    whole: bool = False


def dispatch(desks: Desks, alert: Alert, routes: Iterable[Route]) -> Dispatch:
    """Give `alert` to those of `routes` that take it now, and lay it on the desks of those that take it later."""
    changed = dict(desks)
    taking: list[Route] = []
    held: dict[str, Withheld] = {}
    refused = 0
    for route in routes:
        if not reaches(alert.incident.severity, route.severity):
            refused += 1
            continue
        before = changed.get(route.address, Desk())
        desk, why = admit(before, route, alert.incident.severity, alert.at)
        if why:
            held[route.address] = why
            desk = keep(desk, alert)
        else:
            taking.append(route)
        if desk != before:
            changed[route.address] = desk
    now = alert.model_copy(update={"routes": tuple(taking)}) if taking else None
    return Dispatch(changed, now, held, refused)


def addressed(alert: Alert) -> Iterator[tuple[str, Alert]]:
    """Yield an alert as it is written, with its key: by its incident, or by the address where budgets are shared.

    So all that goes to such an address comes to one partition, where it can be counted.
    """
    shared = _shared(alert)
    if not shared:
        yield alert.incident.id, alert
        return
    if own := tuple(route for route in alert.routes if route not in shared):
        yield alert.incident.id, alert.model_copy(update={"routes": own})
    for route in shared:
        for to in (route.to,) if isinstance(route.to, str) else dict.fromkeys(route.to):
            single = route.model_copy(update={"to": to})
            yield single.address, alert.model_copy(update={"routes": (single,)})


def _shared(alert: Alert) -> tuple[Route, ...]:
    return tuple([route for route in alert.routes if route.budget and route.budget.shared])


def audience(watch: Watch, incident: Incident) -> tuple[Route, ...]:
    """Return the routes that hear of an incident: those of the watch and of each step it was escalated by."""
    steps = watch.escalation[: incident.escalated]
    found = {route.address: route for routes in (watch.routes, *(step.routes for step in steps)) for route in routes}
    return tuple(found.values())


def tell(
    watch: Watch,
    life: Life,
    reason: AlertReason,
    seen: datetime,
    heard: tuple[Window, Memory],
    pivot: Pivot | None = None,
) -> Alert:
    """Return the alert that tells of the incident in `life`; `seen` is when its cause reached us, `pivot` if a post.

    Raises:
        ValueError: there is no incident.
    """
    incident = life.incident
    if incident is None or life.since is None:
        raise ValueError("an alert needs an incident")
    window, memory = heard
    at = incident.updated
    return Alert(
        id=f"{incident.id}.{incident.revision}",
        watch=watch.id,
        reason=reason,
        incident=incident,
        at=at,
        seen=seen,
        purpose=watch.purpose,
        owner=watch.owner,
        routes=watch.routes,
        query=watch.query,
        quotes=quotes(memory, life, pivot),
        platforms=dict(sorted(life.heard.platforms.items())),
        shares=shares(window, incident, at) if life.tales is None else {},
        respond_by=at + timedelta(seconds=watch.owner.respond_within) if not incident.resolved else None,
        mention=pivot.match.mention.id if pivot else None,
    )


def quotes(memory: Memory, life: Life, pivot: Pivot | None = None) -> tuple[Quote, ...]:
    """Return the posts that a message shows: first what it is about, then the largest stories, the most read of equal.

    How large one is, is how often it was heard since the incident began; of equal, what began then before what is old.
    The post that has tripped a rule is among them, or one that says the same. Of a group only its stories are shown.
    """
    since, tales = life.since, life.tales
    heard = [one for one in memory.since(since) if tales is None or number(one.id) in tales] if since else []
    heard.sort(key=lambda story: _weight(story, since))
    if (subject := memory.stories.get(life.subject)) is not None:
        heard = [subject, *(one for one in heard if one.id != subject.id)]
    stand = [one for one in heard if one.stands][:QUOTES]
    shown = [
        (one.id, found.model_copy(update={"copies": one.own or one.copies})) for one in stand if (found := one.quoted)
    ]
    names = [name for name, _ in shown]
    if pivot is None or (pivot.story in names and (pivot.whole or not pivot.leads)):
        return tuple([one for _, one in shown])
    others = [one for name, one in shown if name != pivot.story][: QUOTES - 1]
    post = _post(memory, pivot.match)
    return (post, *others) if pivot.leads else (*others, post)


def _post(memory: Memory, match: Match) -> Quote:
    """Return a post as a message shows it: as its story keeps it, where it stands for that."""
    story = memory.known(match.mention.id)
    found = story.quoted if story and story.stands == match.mention.id else None
    copies = (story.own or story.copies) if story else 1
    return (found or Quote.from_bytes(quote(match).encode())).model_copy(update={"copies": copies})


def _weight(story: Story, since: datetime | None) -> tuple[int, bool, int, int]:
    if since is None or story.first > since:
        return -story.own, False, -story.reach, story.serial
    begin = hour_of(since)
    return (
        -min(story.own, sum(n for hour, n in story.spread.curve.items() if hour >= begin)),
        True,
        -story.reach,
        story.serial,
    )


def shares(window: Window, incident: Incident, at: datetime) -> dict[str, int]:
    """Return how often each entity was mentioned in the leading rule's window."""
    after = at - timedelta(seconds=incident.signal.window)
    return {OWN: window.count(MENTIONS, after, at)} | window.counts(ENTITY, after, at)
