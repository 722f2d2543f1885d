"""The path as timelines: every decision that judge can take, and what people are told."""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.flow import judge, listen
from pipeline.query import Matcher
from pipeline.state import WatchState
from pipeline.windows.window import MENTIONS
from schemas.alert import AlertReason
from schemas.control import Acknowledge, Forget, Gone, Taken
from schemas.event import Author, Deletion, Edit, Event
from schemas.incident import IncidentState
from schemas.mention import OWN
from schemas.receipt import Decision
from tests.pipeline.timeline import BEGINNING, NOON, Timeline, match, minute, watch

SPIKE = {"kind": "spike", "window": "10m", "factor": 3, "floor": 4}
SAID = "the coffee machine of acme burns down in the middle of the night"


def test_listen_says_which_watch_asked_for_it_and_what_it_is_about() -> None:
    matcher = Matcher.compile([watch(), watch(id="other", query="nothing")])
    event = Event(
        platform="x", id="1", time=NOON, seen=NOON, source="test", text="Acme is   awful", author=Author(followers=5000)
    )
    (found,) = listen(event, matcher)
    assert (found.watch, found.mention.text, found.language.code) == ("acme", "Acme is awful", "en")
    assert [one.entity for one in found.entities] == [OWN]
    assert found.score.value > 0
    assert not found.mention.edited
    assert listen(Edit(**event.model_dump(exclude={"type"})), matcher)[0].mention.edited
    assert listen(event.model_copy(update={"text": "bolt"}), matcher)[0].entities[0].entity == "Bolt"
    assert listen(event.model_copy(update={"text": "nobody"}), matcher) == ()


def test_a_post_about_two_is_judged_towards_the_own_brand() -> None:
    event = Event(
        platform="web", id="1", time=NOON, seen=NOON, source="s",
        title="Vergleich", text="Acme ist wirklich toll und super, aber Bolt ist eine schlechte Zumutung", lang="de",
    )  # fmt: skip
    (found,) = listen(event, Matcher.compile([watch()]))
    assert {one.entity for one in found.entities} == {OWN, "Bolt"}
    assert found.sentiment.label == "positive"
    assert {word.text for word in found.sentiment.words}.isdisjoint({"schlechte", "Zumutung"})


def test_the_threshold_opens_at_the_very_post_that_reaches_it() -> None:
    line = Timeline()
    assert line.posts(0, 4).decision is Decision.BELOW_THRESHOLD
    receipt = line.post(9.9)
    assert receipt.decision is Decision.OPENED
    assert receipt.detail == "count: 3 in 10m, 3 is enough"
    assert line.told == [(9.9, "opened", 3)]
    assert line.alerts[0].id == f"{line.alerts[0].incident.id}.1"
    assert receipt.incident == line.alerts[0].incident.id


def test_a_post_exactly_one_window_ago_is_no_longer_in_it() -> None:
    line = Timeline()
    assert line.posts(0, 5, 10).decision is Decision.BELOW_THRESHOLD
    assert line.posts(10.1).decision is Decision.OPENED


def test_a_redelivered_post_changes_nothing_at_all() -> None:
    line = Timeline()
    line.posts(0, 1)
    before = line.state
    assert line.post(0, id="p1").decision is Decision.REDELIVERED
    assert line.state is before


def test_copies_count_and_are_folded_into_one_story() -> None:
    line = Timeline()
    first = line.post(0, SAID)
    second = line.post(1, f"RT @anna: {SAID}!")
    assert (first.decision, second.decision) == (Decision.BELOW_THRESHOLD, Decision.FOLDED)
    assert first.story == second.story
    assert second.detail == "copy 2 of a known story; count: 2 of 3"
    assert line.post(2, SAID).decision is Decision.OPENED
    assert line.alerts[0].incident.stories == 1
    assert line.alerts[0].quotes[0].copies == 3


def test_a_rule_about_stories_does_not_trip_on_copies() -> None:
    line = Timeline(watch({"kind": "count", "threshold": 3, "window": "10m", "distinct": "stories"}))
    assert [line.post(when, SAID).decision for when in (0, 1, 2, 3)][-1] is Decision.FOLDED
    assert line.posts(4, 5).decision is Decision.OPENED


@pytest.mark.parametrize("root_first", [True, False], ids=["post, reposts", "reposts, post"])
def test_a_marked_repost_is_folded_whatever_it_says(root_first: bool) -> None:
    line = Timeline(watch({"kind": "count", "threshold": 99, "window": "10m"}))
    root: dict[str, Any] = {"text": SAID, "id": "root"}
    reposts: list[dict[str, Any]] = [{"text": f"what? {number}", "repost_of": "root"} for number in range(3)]
    posts = [root, *reposts] if root_first else [*reposts, root]
    stories = {line.post(when, **post).story for when, post in enumerate(posts)}
    assert len(stories) == 1


def test_a_late_post_counts_in_its_place_and_alerts_nobody() -> None:
    line = Timeline(watch({"kind": "count", "threshold": 3, "window": "3h"}))
    line.posts(0, 1)
    line.tick(100)
    receipt = line.post(2)
    assert (receipt.decision, receipt.detail) == (Decision.LATE, "posted 2026-03-02 12:02 UTC, too late to alert")
    assert line.state.window.count("mentions", minute(-1), minute(3)) == 3
    assert line.alerts == []


def test_posts_in_the_wrong_order_are_counted_together() -> None:
    line = Timeline()
    line.posts(5, 4)
    assert line.post(3).decision is Decision.OPENED
    assert line.alerts[0].at == minute(5), "time only moves forward"


def test_a_post_about_a_competitor_is_compared_but_trips_nothing() -> None:
    line = Timeline()
    for when in (0, 1, 2):
        assert line.post(when, entities=("Bolt",)).decision is Decision.COMPETITOR_ONLY
    line.posts(3, 4)
    line.post(5, entities=(OWN, "Bolt"))
    assert line.alerts[0].shares == {"own": 3, "Bolt": 4}
    assert line.alerts[0].incident.mentions == 3


def test_a_spike_is_silent_until_it_has_seen_two_windows() -> None:
    line = Timeline(watch(SPIKE))
    assert line.posts(0, 1, 2, 3, 4).decision is Decision.WARMING_UP
    assert line.posts(21, 22, 23).decision is Decision.BELOW_THRESHOLD
    receipt = line.posts(24)
    assert (receipt.decision, receipt.detail) == (
        Decision.OPENED,
        "spike: 4 in 10m after 0 in the window before, 4 is enough",
    )


def test_an_edit_changes_what_is_quoted_and_counts_nothing() -> None:
    line = Timeline()
    line.posts(0, 1)
    receipt = line.post(1, "said otherwise now", id="p1", edited=True)
    assert receipt.decision is Decision.EDITED
    before = line.state
    line.post(1, "said otherwise now", id="p1", edited=True)
    assert line.state is before, "the same edit again is no news"
    line.post(2)
    assert "said otherwise now" in [quote.text for quote in line.alerts[0].quotes]
    assert line.alerts[0].incident.mentions == 3


def test_an_edited_post_that_was_not_known_is_a_new_one() -> None:
    assert Timeline().post(0, edited=True).decision is Decision.BELOW_THRESHOLD


def test_a_deleted_post_is_counted_and_not_quoted() -> None:
    line = Timeline()
    line.posts(0, 1)
    line.delete("p1")
    before = line.state
    line.delete("p1")
    line.delete("unknown")
    assert line.state is before
    line.post(2)
    assert [quote.mention for quote in line.alerts[0].quotes] == ["x:p2", "x:p3"]
    assert line.alerts[0].incident.mentions == 3


def test_nothing_of_an_author_who_is_gone_is_quoted() -> None:
    line = Timeline()
    line.post(0, writer="7")
    line.post(1, writer="7", platform="web")
    before = line.state
    line.delete("9", author=True)
    assert line.state is before, "nobody by that name was heard"
    line.delete("7", author=True)
    restored = WatchState.restore(line.state.persist()[0].rows())
    assert restored == line.state
    line.post(2, writer="7")
    assert [quote.mention for quote in line.alerts[0].quotes] == ["web:p2", "x:p3"], "what they say later is theirs"
    assert line.alerts[0].incident.mentions == 3


def test_an_open_incident_no_longer_quotes_what_was_deleted_in_it() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    assert "x:p1" in [quote.mention for quote in line.alerts[0].quotes]
    line.delete("p1")
    line.posts(*(20 + step / 10 for step in range(6)))
    assert [alert.reason for alert in line.alerts] == [AlertReason.OPENED, AlertReason.GREW]
    assert "x:p1" not in [quote.mention for quote in line.alerts[1].quotes]


TOLD_GONE: list[tuple[str, str, bool, tuple[str, ...]]] = [
    ("a post that was heard, which may be quoted", "p1", False, ("x:p1",)),
    ("a copy of it, which may have tripped a rule", "copy", False, ("x:copy",)),
    ("one that was not heard", "unheard", False, ()),
    ("of an author what stands for a story", "7", True, ("x:p1", "x:p3")),
    ("an author who was not heard", "9", True, ()),
]


@pytest.mark.parametrize(("why", "name", "author", "gone"), TOLD_GONE, ids=[row[0] for row in TOLD_GONE])
def test_delivery_is_told_what_may_be_quoted_and_is_gone(
    why: str, name: str, author: bool, gone: tuple[str, ...]
) -> None:
    line = Timeline()
    line.post(0, "the train is late again today", writer="7")
    line.post(1, "the train is late again today", id="copy", writer="8")
    line.post(2, writer="7")
    deletion = Deletion(source="test", seen=NOON, platform="x", id=name, author=author)
    verdict = line.take(Forget(watch="acme", deletion=deletion))
    assert [one.mentions for one in verdict.news if isinstance(one, Gone)] == ([gone] if gone else []), why


def test_delivery_is_told_who_takes_care_as_often_as_that_changes() -> None:
    line = Timeline()
    line.posts(0, 1, 2)
    name = line.alerts[-1].incident.id

    def said(incident: str, by: str, *, released: bool = False) -> list[tuple[str, bool]]:
        at = line.now + timedelta(seconds=1)
        record = Acknowledge(watch="acme", incident=incident, at=at, by=by, released=released)
        news = line.take(record).news
        assert all(isinstance(one, Taken) and (one.incident, one.at) == (name, at) for one in news)
        return [(one.by, one.released) for one in news if isinstance(one, Taken)]

    assert said("nosuch", "ben") == [], "nobody can take what is not open"
    assert said(name, "ben") == [("ben", False)]
    assert said(name, "ben") == [], "he has it already"
    assert said(name, "eva") == [("eva", False)]
    assert said(name, "eva", released=True) == [("eva", True)]
    assert said(name, "ben", released=True) == [], "nobody has it"


def reworded(line: Timeline, name: str, text: str, **about: Any) -> list[tuple[str, ...]]:
    """Edit a post, and return what delivery is told that it reads otherwise now."""
    found = line.take(match(name, 9, text, edited=True, **about))
    assert all(isinstance(one, Gone) and one.edited for one in found.news)
    return [one.mentions for one in found.news if isinstance(one, Gone)]


LATE_TRAIN = "the train is late again today"
REWORDED: list[tuple[str, str, str, dict[str, Any], list[tuple[str, ...]]]] = [
    ("its words are others", "p1", "it was on time", {}, [("x:p1",)]),
    ("only its figures are", "p1", LATE_TRAIN, {"metrics": {"likes": 900.0}, "followers": 9}, []),
    ("it is a copy, of which the words are not kept", "copy", "it was on time", {}, []),
    ("it was not known before", "new", "it was on time", {}, []),
]


@pytest.mark.parametrize(("why", "name", "text", "about", "told"), REWORDED, ids=[row[0] for row in REWORDED])
def test_delivery_is_told_of_an_edit_if_words_that_may_be_quoted_are_others(
    why: str, name: str, text: str, about: dict[str, Any], told: list[tuple[str, ...]]
) -> None:
    line = Timeline()
    line.post(0, LATE_TRAIN, id="p1")
    line.post(1, LATE_TRAIN, id="copy")
    assert reworded(line, name, text, **about) == told, why
    assert reworded(line, name, text, **about) == [], "the same edit again is no news"


GROUPED = {"group_by": ("author",)}


@pytest.mark.parametrize("fields", [{}, GROUPED], ids=["one incident", "an incident for each author"])
def test_the_words_of_a_copy_that_a_message_shows_are_known_too(fields: dict[str, Any]) -> None:
    line = Timeline(watch({"kind": "influencer", "followers": 5000}, **fields))
    line.post(0, LATE_TRAIN, id="p1")
    line.post(1, LATE_TRAIN, id="loud", followers=9000, writer="7")
    assert line.alerts[-1].quotes[0].mention == "x:loud"
    line.state = WatchState.restore(line.state.rows())
    assert reworded(line, "loud", LATE_TRAIN, metrics={"likes": 9.0}) == [], "only its figures are others"
    assert reworded(line, "loud", "it was on time") == [("x:loud",)]
    assert reworded(line, "loud", "it was on time") == [], "the same edit again is no news"
    deletion = Deletion(source="test", seen=NOON, platform="x", id="7", author=True)
    forget = Forget(watch="acme", deletion=deletion)
    assert [one.mentions for one in line.take(forget).news if isinstance(one, Gone)] == [("x:loud",)]
    assert line.take(forget).news == (), "nothing of that author is shown any more"


def test_an_edit_after_which_nobody_asks_for_the_post_is_told_if_its_words_may_be_quoted() -> None:
    line = Timeline()
    line.post(0, LATE_TRAIN, id="p1")
    line.post(1, LATE_TRAIN, id="copy")

    def told(name: str) -> list[tuple[tuple[str, ...], bool]]:
        deletion = Deletion(source="test", seen=NOON, platform="x", id=name)
        news = line.take(Forget(watch="acme", deletion=deletion, edited=True)).news
        return [(one.mentions, one.edited) for one in news if isinstance(one, Gone)]

    assert told("copy") == []
    assert told("unheard") == []
    assert told("p1") == [(("x:p1",), True)]
    assert told("p1") == [], "it has no words any more"


def test_what_was_asked_for_from_the_past_counts_and_tells_nobody() -> None:
    line = Timeline()
    for when in range(6):
        assert line.post(when, backfill=True).decision is Decision.BACKFILLED
    assert line.alerts == []
    assert line.state.window.count(MENTIONS, minute(-1), minute(7)) == 6
    assert line.state.memory.size == 6
    assert line.post(7).decision is Decision.OPENED, "what is said now is heard, with all that went before"


def test_a_match_of_a_watch_that_was_not_published_is_not_counted() -> None:
    state, verdict = judge(WatchState.empty(), match("1", 0, "acme"), BEGINNING)
    assert state == WatchState.empty()
    assert verdict.receipts[0].detail.startswith("not counted")


def test_an_alert_says_all_that_people_need() -> None:
    line = Timeline()
    line.post(0, negative=True, platform="web", url="https://news.example/1")
    line.post(1, followers=10)
    line.post(2, followers=9000, seen=minute(3))
    (alert,) = line.alerts
    assert (alert.at, alert.seen, alert.respond_by) == (minute(2), minute(3), minute(32))
    assert [route.channel for route in alert.routes] == ["slack", "email"]
    assert (alert.platforms, alert.incident.negative) == ({"web": 1, "x": 2}, 1)
    assert [quote.followers for quote in alert.quotes] == [9000, 10, None]
    assert alert.incident.state is IncidentState.OPEN


def test_a_rule_that_is_only_tried_keeps_no_incident_open_and_stands_in_no_reason() -> None:
    tried = {"kind": "count", "name": "tried", "threshold": 2, "window": "10d", "shadow": True}
    line = Timeline(watch({"kind": "count", "threshold": 3, "window": "10m"}, tried))
    assert line.posts(0, 1, 2).decision is Decision.OPENED
    later = line.post(40)
    assert later.decision is Decision.IN_INCIDENT
    assert later.detail == "count: 1 of 3"
    assert {one.rule for one in later.rules or ()} == {"count", "tried"}
    line.tick(70)
    assert [reason for _, reason, _ in line.told] == ["opened", "resolved"]
