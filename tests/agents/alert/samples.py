"""A real-looking alert to vary: an opened incident of a German energy company."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alert import Alert, AlertReason, Quote
from schemas.incident import Incident, IncidentState
from schemas.mention import Sentiment, SentimentClass
from schemas.signal import Signal
from schemas.watch import Owner, Purpose, Route

AT = datetime(2026, 3, 4, 13, 5, tzinfo=UTC)
SLACK = Route(channel="slack", to="#presse", language="de")
MAIL = Route(channel="email", to="presse@stadtwerke.example", language="de")
CRITICAL = Sentiment(label=SentimentClass.NEGATIVE, probability=0.9)


def signal(**changes: Any) -> Signal:
    about = {"rule": "spike", "kind": "spike", "at": AT, "value": 34.0, "threshold": 20.0, "window": 3600.0}
    return Signal.model_validate(about | {"expected": 8.0} | changes)


def incident(**changes: Any) -> Incident:
    about: dict[str, Any] = {
        "id": "a1b2c3d4e5f60718",
        "watch": "stadtwerke",
        "state": IncidentState.OPEN,
        "revision": 1,
        "opened": AT,
        "updated": AT,
        "last_signal": AT,
        "signal": signal(),
        "mentions": 34,
        "stories": 12,
        "negative": 21,
        "peak": 34.0,
        "told": 34.0,
    }
    return Incident.model_validate(about | changes)


def quote(**changes: Any) -> Quote:
    about: dict[str, Any] = {
        "mention": "x:1",
        "platform": "x",
        "time": AT - timedelta(minutes=20),
        "text": "Seit zwei Stunden kein Strom im Nordend und bei den Stadtwerken geht niemand ans Telefon.",
        "author": "@nordend_lebt",
        "followers": 12_400,
        "url": "https://x.com/nordend_lebt/status/1?a=1&b=2",
        "sentiment": CRITICAL,
        "copies": 9,
        "risk": 68.5,
        "factors": {"mention": 10.0, "negativity": 31.5, "reach": 15.5, "outage": 10.0, "echo": -3.0, "novelty": 5.0},
    }
    return Quote.model_validate(about | changes)


def alert(**changes: Any) -> Alert:
    made: Incident = changes.pop("incident", incident())
    about: dict[str, Any] = {
        "id": f"{made.id}.{made.revision}",
        "watch": "stadtwerke",
        "reason": AlertReason.OPENED,
        "incident": made,
        "at": AT,
        "seen": AT,
        "purpose": Purpose(goal="reputation", measure="Antwort in unter einer Stunde"),
        "owner": Owner(name="Pressestelle", contact="presse@stadtwerke.example", respond_within=1800.0),
        "routes": (SLACK, MAIL),
        "query": 'Stadtwerke OR "SW Musterstadt"',
        "quotes": (
            quote(),
            quote(mention="web:2", platform="web", author="Musterstädter Tageblatt", followers=None, copies=1),
            quote(mention="bluesky:3", platform="bluesky", author=None, url=None, copies=2, text="Schon wieder? 🔌"),
        ),
        "platforms": {"x": 20, "bluesky": 8, "web": 6},
        "shares": {"own": 34, "Netz AG": 3},
        "respond_by": None if made.resolved else AT + timedelta(minutes=30),
    }
    return Alert.model_validate(about | changes)


def revision(number: int, reason: AlertReason = AlertReason.GREW, **changes: Any) -> Alert:
    """The alert of a later revision of the same incident, an hour later each."""
    later = AT + timedelta(hours=number - 1)
    over = reason in (AlertReason.RESOLVED, AlertReason.WITHDRAWN)
    state = IncidentState.RESOLVED if over else IncidentState.OPEN
    ended = later if over else None
    made = incident(revision=number, updated=later, mentions=34 * number, state=state, resolved=ended, peak=60.0)
    return alert(incident=made, at=later, reason=reason, **changes)
