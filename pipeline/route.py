"""Route: which alert goes where, and what stands in it: everything delivery needs to tell people."""

from datetime import datetime, timedelta

from pipeline.incident import Life
from pipeline.memory import Memory
from pipeline.story import Story
from pipeline.window import ENTITY, MENTIONS, Window
from schemas.alert import Alert, AlertReason, Quote
from schemas.incident import Incident
from schemas.mention import OWN
from schemas.watch import Route, Watch

QUOTES = 3


def choose(watch: Watch) -> tuple[Route, ...]:
    """Return the routes that an alert of `watch` goes to: all of them."""
    return watch.routes


def tell(watch: Watch, life: Life, reason: AlertReason, seen: datetime, heard: tuple[Window, Memory]) -> Alert:
    """Return the alert that tells of the incident in `life`; `seen` is when its cause reached us.

    Raises:
        ValueError: there is no incident.
    """
    incident, since = life.incident, life.since
    if incident is None or since is None:
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
        routes=choose(watch),
        query=watch.query,
        quotes=quotes(memory, since),
        platforms=dict(sorted(life.heard.platforms.items())),
        shares=shares(window, incident, at),
        respond_by=None if incident.resolved else at + timedelta(seconds=watch.owner.respond_within),
    )


def quotes(memory: Memory, since: datetime) -> tuple[Quote, ...]:
    """Return the posts that stand for the largest stories heard after `since`; of equal ones the most read."""
    heard = [story for story in memory.since(since) if story.quote]
    heard.sort(key=_weight)
    return tuple(story.quote.model_copy(update={"copies": story.own}) for story in heard[:QUOTES] if story.quote)


def _weight(story: Story) -> tuple[int, int, int]:
    return -story.own, -story.reach, story.serial


def shares(window: Window, incident: Incident, at: datetime) -> dict[str, int]:
    """Return how often each entity was mentioned in the leading rule's window."""
    after = at - timedelta(seconds=incident.signal.window)
    return {OWN: window.count(MENTIONS, after, at)} | window.counts(ENTITY, after, at)
