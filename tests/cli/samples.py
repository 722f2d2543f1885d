"""Records for the tests of the commands: one incident that opens, grows and resolves, and what was decided about it."""

from datetime import UTC, datetime, timedelta

from schemas.alert import Alert, AlertReason, Quote
from schemas.incident import Incident, IncidentState
from schemas.mention import Sentiment, SentimentClass
from schemas.signal import Signal
from schemas.watch import Owner, Purpose, Route

NOON = datetime(2013, 7, 6, 12, 0, tzinfo=UTC)
ROUTES = (
    Route(channel="slack", to="#krise-mma", language="en"),
    Route(channel="email", to="presse@mma.example", language="de"),
)


def alert(reason: AlertReason, revision: int, minutes: float, mentions: int) -> Alert:
    """Return revision `revision` of the incident, `minutes` after noon."""
    at = NOON + timedelta(minutes=minutes)
    signal = Signal(rule="count", kind="count", at=at, value=mentions, threshold=10, window=3600.0, expected=2)
    resolved = reason is AlertReason.RESOLVED
    incident = Incident(
        id="mma-1",
        watch="mma",
        state=IncidentState.RESOLVED if resolved else IncidentState.OPEN,
        revision=revision,
        opened=NOON,
        updated=at,
        last_signal=at,
        resolved=at if resolved else None,
        signal=signal,
        mentions=mentions,
        stories=mentions // 2,
        negative=mentions // 3,
        peak=mentions,
        told=mentions,
    )
    return Alert(
        id=f"{incident.id}.{revision}",
        watch="mma",
        reason=reason,
        incident=incident,
        at=at,
        seen=at,
        purpose=Purpose(goal="reputation", measure="first answer within an hour"),
        owner=Owner(name="Krisenstab Presse", contact="presse@mma.example", respond_within=1800.0),
        routes=ROUTES,
        query='"Lac Megantic" OR #LacMegantic',
        quotes=quotes(),
        platforms={"x": mentions},
        shares={"own": mentions, "Canadian Pacific": 3},
        respond_by=at + timedelta(minutes=30),
    )


def quotes() -> tuple[Quote, ...]:
    """Return three posts as they are quoted in an alert, one of them hostile to whoever shows it."""
    texts = (
        "RT @user: Entire town of Lac-Megantic in Quebec evacuated after freight train carrying crude oil derails",
        "Un train de carburant explose à Lac-Mégantic <script>alert(1)</script> & <!channel> *bold* :fire:",
        "Nuit d'horreur à Lac-Mégantic (sud du Québec) - Un train explose, le centre-ville est en flamme",
    )
    feeling = Sentiment(label=SentimentClass.NEGATIVE, probability=0.8)
    return tuple(
        Quote(
            mention=f"x:{number}",
            platform="x",
            time=NOON,
            text=text,
            author="user",
            followers=1200,
            url=f"https://x.com/user/status/{number}",
            sentiment=feeling,
            copies=number + 1,
        )
        for number, text in enumerate(texts)
    )


def story() -> tuple[Alert, ...]:
    """Return the three alerts of the incident."""
    return (
        alert(AlertReason.OPENED, 1, 0, 12),
        alert(AlertReason.GREW, 2, 40, 60),
        alert(AlertReason.RESOLVED, 3, 300, 90),
    )
