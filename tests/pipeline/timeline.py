"""Writes judge's log as a timeline: `Timeline(watch()).post(3, "text")` is a post three minutes after noon."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.flow import judge
from pipeline.state import Verdict, WatchState
from schemas.alert import Alert
from schemas.control import Acknowledge, Forget, Judged, Silence, WatchVersion
from schemas.event import Author, Deletion
from schemas.mention import OWN, EntityMatch, Language, Match, Mention, Score, Sentiment, SentimentClass
from schemas.receipt import Receipt
from schemas.tick import Tick
from schemas.watch import Watch

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEGINNING = datetime.min.replace(tzinfo=UTC)
COUNT = {"kind": "count", "threshold": 3, "window": "10m"}


def minute(count: float) -> datetime:
    """Return the moment so many minutes after noon."""
    return NOON + timedelta(minutes=count)


def watch(*rules: dict[str, Any], **fields: Any) -> Watch:
    """Return a watch with `rules`, three mentions in ten minutes if there are none."""
    written = {
        "id": "acme",
        "purpose": {"goal": "reputation", "measure": "answers within the hour"},
        "query": "acme",
        "rules": rules or (COUNT,),
        "owner": {"name": "Press", "respond_within": "30m"},
        "routes": ({"channel": "slack", "to": "#press"}, {"channel": "email", "to": "press@acme.example"}),
        "competitors": ({"name": "Bolt", "query": "bolt"},),
    }
    return Watch.model_validate(written | fields)


def match(mention: str, when: float, text: str, **about: Any) -> Match:
    """Return a match posted `when` minutes after noon.

    `entities`, `negative`, `platform`, `followers`, `writer` (the author's id) and the fields of a mention
    may be given.
    """
    entities = about.pop("entities", (OWN,))
    negative = about.pop("negative", False)
    platform = about.pop("platform", "x")
    followers = about.pop("followers", None)
    writer = about.pop("writer", None)
    time = minute(when)
    fields = {"time": time, "seen": time, "text": text, "source": "test", **about}
    author = Author(id=writer, name="anna", followers=followers)
    return Match(
        watch="acme",
        entities=tuple(EntityMatch(entity=entity) for entity in entities),
        mention=Mention(id=f"{platform}:{mention}", platform=platform, author=author, **fields),
        language=Language(code="en", confidence=1.0),
        sentiment=Sentiment(label=SentimentClass.NEGATIVE if negative else SentimentClass.NEUTRAL, probability=0.9),
        score=Score(value=10.0),
    )


def distinct(number: int) -> str:
    """Return a text that is like no other one's."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return f"{letters}one {letters}two {letters}three {letters}four {letters}five"


@dataclass
class Timeline:
    """A watch that hears what is written on it, and what it answered."""

    watch: Watch = field(default_factory=watch)
    state: WatchState = field(default_factory=WatchState.empty)
    now: datetime = BEGINNING
    alerts: list[Alert] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        if self.state.watch is None:
            self.take(WatchVersion(watch=self.watch, version="1", at=NOON))

    def take(self, record: Judged) -> Verdict:
        """Judge a record."""
        if isinstance(record, Tick):
            self.now = max(self.now, record.at)
        self.state, verdict = judge(self.state, record, self.now)
        self.alerts += verdict.alerts
        self.receipts += verdict.receipts
        return verdict

    def post(self, when: float, text: str | None = None, **about: Any) -> Receipt:
        """Hear a post of its own, or one with `text`, and return the receipt."""
        self.number += 1
        name = about.pop("id", f"p{self.number}")
        said = distinct(self.number) if text is None else text
        return self.take(match(name, when, said, **about)).receipts[-1]

    def posts(self, *when: float) -> Receipt:
        """Hear several posts and return the receipt of the last."""
        return [self.post(one) for one in when][-1]

    def tick(self, when: float) -> Verdict:
        """Let it be so many minutes after noon."""
        return self.take(Tick(at=minute(when)))

    def silence(self, until: float) -> None:
        """Silence the watch."""
        self.take(Silence(watch="acme", at=self.now, until=minute(until), by="ben"))

    def acknowledge(self, incident: str) -> None:
        """Take care of an incident."""
        self.take(Acknowledge(watch="acme", incident=incident, at=self.now, by="ben"))

    def delete(self, name: str, *, author: bool = False) -> None:
        """Hear that a post on x is gone, or all that an author wrote there."""
        deletion = Deletion(source="test", seen=NOON, platform="x", id=name, author=author)
        self.take(Forget(watch="acme", deletion=deletion))

    @property
    def told(self) -> list[tuple[float, str, int]]:
        """What people were told: when, why, and how many mentions."""
        return [
            ((alert.at - NOON) / timedelta(minutes=1), alert.reason.value, alert.incident.mentions)
            for alert in self.alerts
        ]
