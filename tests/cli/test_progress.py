"""What a run has done so far, told from its topics."""

from datetime import timedelta

import pytest

from agents.alert.channel import delivery_id
from cli.progress import Progress, Tally
from cli.summary import quantile, summarise
from cli.view import sparkline
from schemas.delivery import Delivery, DeliveryState
from schemas.event import Author, Event, Heartbeat
from schemas.mention import OWN, EntityMatch, Language, Match, Mention, Score, Sentiment, SentimentClass
from schemas.receipt import Decision, Receipt
from schemas.tick import Tick
from schemas.topics import ALERTS, DELIVERIES, MENTIONS, RECEIPTS, raw_topic
from tests.cli.samples import NOON, ROUTES, story


def match(name: str, minutes: float = 0) -> bytes:
    at = NOON + timedelta(minutes=minutes)
    mention = Mention(id=name, platform="x", source="s", time=at, seen=at, text="t", author=Author(name="a"))
    return Match(
        watch="mma",
        entities=(EntityMatch(entity=OWN),),
        mention=mention,
        language=Language(code="en", confidence=1.0),
        sentiment=Sentiment(label=SentimentClass.NEUTRAL, probability=1.0),
        score=Score(value=1),
    ).to_bytes()


def receipt(name: str, story: str, decision: Decision = Decision.BELOW_THRESHOLD) -> bytes:
    return Receipt(mention=name, watch="mma", at=NOON, decision=decision, story=story).to_bytes()


def delivery(alert: int, route: int, state: DeliveryState, seconds: float) -> bytes:
    about = story()[alert]
    return Delivery(
        id=delivery_id(about.id, ROUTES[route]),
        alert=about.id,
        incident=about.incident.id,
        channel=ROUTES[route].channel,
        to=str(ROUTES[route].to),
        state=state,
        offset=alert,
        requested=about.seen,
        at=about.seen + timedelta(seconds=seconds),
    ).to_bytes()


@pytest.fixture
def progress() -> Progress:
    return Progress({"mma": Tally()})


def test_a_record_that_comes_twice_counts_once(progress: Progress) -> None:
    for _ in range(2):
        progress.add(MENTIONS, 0, match("x:1"))
        progress.add(RECEIPTS, 0, receipt("x:1", "s1"))
        progress.add(ALERTS, 0, story()[0].to_bytes())
    watch = progress.watches["mma"]
    assert (watch.matched, len(watch.stories), watch.folded, watch.alerts) == (1, 1, 0, 1)


def test_the_second_mention_of_a_story_is_folded_and_a_redelivery_is_nothing(progress: Progress) -> None:
    progress.add(RECEIPTS, 0, receipt("x:1", "s1"))
    progress.add(RECEIPTS, 0, receipt("x:2", "s1", Decision.FOLDED))
    progress.add(RECEIPTS, 0, receipt("x:1", "s1", Decision.REDELIVERED))
    watch = progress.watches["mma"]
    assert (len(watch.stories), watch.folded, progress.decided) == (1, 1, 2)


def test_time_has_passed_only_when_it_has_in_every_partition(progress: Progress) -> None:
    progress.add(MENTIONS, 0, Tick(at=NOON).to_bytes())
    assert progress.clock(2) < NOON
    progress.add(MENTIONS, 1, Tick(at=NOON - timedelta(minutes=1)).to_bytes())
    assert progress.clock(2) == NOON - timedelta(minutes=1)


def test_an_alert_waits_until_every_route_has_an_end(progress: Progress) -> None:
    progress.add(ALERTS, 0, story()[0].to_bytes())
    assert progress.waiting == 2
    progress.add(DELIVERIES, 0, delivery(0, 0, DeliveryState.SENDING, 1))
    assert progress.waiting == 2
    progress.add(DELIVERIES, 0, delivery(0, 0, DeliveryState.SENT, 1))
    progress.add(DELIVERIES, 0, delivery(0, 1, DeliveryState.DEAD, 2))
    assert progress.waiting == 0
    assert len(progress.told) == 1


def test_the_summary_measures_from_the_cause_and_counts_what_was_given_up(progress: Progress) -> None:
    post = Event(platform="x", id="1", time=NOON, text="t", source="s", seen=NOON)
    for raw in (post, Heartbeat(source="s", seen=NOON, at=NOON)):
        progress.add(raw_topic("x"), 0, raw.to_bytes())
    progress.add(raw_topic("x"), 0, b"{")
    for alert in story():
        progress.add(ALERTS, 0, alert.to_bytes())
    progress.add(DELIVERIES, 0, delivery(0, 0, DeliveryState.SENT, 0.5))
    progress.add(DELIVERIES, 0, delivery(1, 0, DeliveryState.SENT, 1.5))
    progress.add(DELIVERIES, 0, delivery(2, 0, DeliveryState.SENT, 300))
    progress.add(DELIVERIES, 0, delivery(2, 1, DeliveryState.DEAD, 300))
    summary = summarise(progress, NOON - timedelta(seconds=9), "inbox.html")
    said = summary.figures
    assert said["seconds_to_first_alert"] == 9.5
    assert said["event_to_alert_p50"] == 1.5, "an alert that nothing but time has caused has no delay"
    assert (said["heard"], said["incidents"], said["alerts"], said["delivered"]) == (1, 1, 3, 3)
    assert summary.undelivered == 1
    assert summary.watches["mma"]["incidents"][0]["resolved"] == "2013-07-06T17:00:00Z"


def test_quantiles_of_nothing_and_of_little() -> None:
    assert quantile([], 0.5) is None
    assert quantile([1.0], 0.95) == 1.0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0


def test_a_sparkline_has_one_character_an_hour_and_ends_now(progress: Progress) -> None:
    for number in range(8):
        progress.add(MENTIONS, 0, match(f"x:{number}", 60))
    progress.add(MENTIONS, 0, match("x:early", 0))
    assert sparkline(progress.watches["mma"], NOON + timedelta(hours=2), 4) == " ▁█ "
