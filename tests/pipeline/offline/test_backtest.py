"""Backtest and explain over real crises: how soon, how often, and what is said about every post."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.check import load_watches
from pipeline.offline.backtest import Bench, backtest
from pipeline.offline.explain import explain
from pipeline.offline.replay import with_ticks
from pipeline.state import WatchState
from schemas.about import About
from schemas.alert import Alert, AlertReason
from schemas.errors import InvalidMessage
from schemas.event import Author, Post
from schemas.mention import Score
from schemas.receipt import Decision, Receipt
from schemas.watch import Watch
from tests.pipeline.timeline import minute, watch

EXAMPLE = Path(__file__).parents[3] / "examples" / "crises"


def post(name: str, when: float, text: str, **fields: Any) -> Post:
    return Post(platform="x", id=name, time=minute(when), text=text, **fields)


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    return [Post.model_validate_json(line) for line in (EXAMPLE / "crises.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def watches() -> tuple[Watch, ...]:
    return load_watches((EXAMPLE / "watches.yml").read_text("utf-8"), "watches.yml")


@pytest.fixture(scope="module")
def found(watches: tuple[Watch, ...], posts: list[Post]) -> list[Alert | Receipt]:
    return list(backtest(watches, posts))


def alerts_of(found: list[Alert | Receipt]) -> Iterator[Alert]:
    return (item for item in found if isinstance(item, Alert))


def test_a_real_crisis_is_told_at_the_tenth_post_of_an_hour(
    watches: tuple[Watch, ...], posts: list[Post], found: list[Alert | Receipt]
) -> None:
    times = {one.key: one.time for one in posts}
    for asked in watches:
        first = next(alert for alert in alerts_of(found) if alert.watch == asked.id)
        heard = [
            times[item.mention]
            for item in found
            if isinstance(item, Receipt) and item.watch == asked.id and item.decision is not Decision.COMPETITOR_ONLY
        ]
        crowded = next(at for at in range(9, len(heard)) if heard[at] - heard[at - 9] < timedelta(hours=1))
        assert first.at == heard[crowded], f"the floor of {asked.id} is reached there and no earlier"


def test_a_real_crisis_gives_at_most_four_alerts_a_day(found: list[Alert | Receipt]) -> None:
    days = Counter((alert.watch, alert.at.date()) for alert in alerts_of(found))
    assert max(days.values()) <= 4


def test_every_incident_of_a_replay_resolves(found: list[Alert | Receipt]) -> None:
    last = {alert.incident.id: alert.reason for alert in alerts_of(found)}
    assert set(last.values()) == {AlertReason.RESOLVED}


def test_exact_copies_and_marked_reposts_are_one_story(posts: list[Post], found: list[Alert | Receipt]) -> None:
    texts = {one.key: bare(one.text) for one in posts}
    stories: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for item in found:
        if isinstance(item, Receipt) and texts[item.mention]:
            stories[item.watch, texts[item.mention]].add(item.story)
    assert len(stories) > 1000
    assert [text for text, ids in stories.items() if len(ids) > 1] == []


def bare(text: str) -> str:
    """What of a text a person would compare: no repost mark, no addresses, no names."""
    return " ".join(re.sub(r"https?:\S*|@\w+", " ", re.sub(r"^(RT @\w+:?\s*)+", "", text)).casefold().split())


def test_quotes_are_of_different_stories_the_largest_first(found: list[Alert | Receipt]) -> None:
    story = {item.mention: item.story for item in found if isinstance(item, Receipt)}
    for alert in alerts_of(found):
        assert len({story[quote.mention] for quote in alert.quotes}) == len(alert.quotes)
        since = alert.incident.opened - timedelta(seconds=alert.incident.signal.window)
        copies = [quote.copies for quote in alert.quotes if quote.time > since]
        assert copies == sorted(copies, reverse=True), "of an older story only what was heard of it since counts"
        if alert.reason is AlertReason.OPENED:
            assert len(alert.quotes) == min(3, alert.incident.stories)


def test_a_quoted_post_has_the_risk_of_its_receipt(found: list[Alert | Receipt]) -> None:
    scores = {(one.watch, one.mention): one.score for one in found if isinstance(one, Receipt)}
    shown = [(alert.watch, quote) for alert in alerts_of(found) for quote in alert.quotes]
    assert len(shown) > 20
    for name, quote in shown:
        score = scores[name, quote.mention]
        assert score is not None
        assert quote.risk == score.value
        assert quote.factors == {one.name: one.points for one in score.factors if one.points}
    assert any("novelty" in quote.factors for _, quote in shown), "also what only judge can tell"


def test_the_same_file_twice_gives_the_same_bytes(watches: tuple[Watch, ...], posts: list[Post]) -> None:
    some = posts[:150]
    one, other = ([item.to_bytes() for item in backtest(watches, some)] for _ in range(2))
    assert one == other
    assert one


def test_a_restart_in_the_middle_of_a_real_crisis_changes_nothing(
    watches: tuple[Watch, ...], posts: list[Post], found: list[Alert | Receipt]
) -> None:
    bench, again = Bench.of(watches), list[Alert | Receipt]()
    for number, item in enumerate(with_ticks(posts[:300])):
        if number % 97 == 0:
            bench.states = {name: WatchState.restore(state.rows()) for name, state in bench.states.items()}
        for verdict in bench.step(item):
            again += [*verdict.alerts, *verdict.receipts]
    until = [item for item in found if item.at <= posts[299].time]
    assert again[: len(until)] == until


def test_what_is_noted_for_a_changelog_is_thrown_away_and_changes_nothing(
    watches: tuple[Watch, ...], posts: list[Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    some, benches = posts[:250], []
    for most in (2_000, 5):
        monkeypatch.setattr("pipeline.offline.backtest._MOST_TOUCHED", most)
        bench = Bench.of(watches)
        told = [one.to_bytes() for one in bench.run(with_ticks(bench.listen(some)))]
        benches.append((told, {name: state.rows() for name, state in bench.states.items()}))
        noted = max(len(state.memory.touched) for state in bench.states.values())
        assert (noted > 5) == (most > 5), "all of a year is not kept in memory"
    assert benches[0] == benches[1]


def test_every_line_is_explained_with_story_and_decision() -> None:
    lines: list[Post | InvalidMessage] = [
        post("1", 0, "acme burns down in the night", author=Author(followers=10)),
        InvalidMessage("not-json", "line 2"),
        post("2", 1, "RT @anna: acme burns down in the night"),
        post("3", 2, "acme again"),
        post("3", 2, "acme again"),
        post("4", 3, "we like bolt"),
        post("5", 4, "nobody   said anything"),
    ]
    said = list(explain([watch()], lines))
    assert [line["id"] for line in said] == ["x:1", None, "x:2", "x:3", "x:3", "x:4", "x:5"]
    assert [line["decision"]["decision"] for line in said] == [
        "below-threshold",
        "invalid",
        "folded",
        "opened",
        "redelivered",
        "competitor-only",
        "no-match",
    ]
    assert said[0]["story"] == said[2]["story"] is not None
    assert said[0]["matches"] == [
        {"watch": "acme", "entities": [{"entity": "own", "spans": [{"start": 0, "end": 4, "term": "acme"}]}]}
    ]
    assert said[1]["decision"] == {"decision": "invalid", "detail": "not-json: line 2"}
    assert said[6]["text"] == "nobody said anything"
    assert {"language", "sentiment", "score"} <= said[6].keys()
    assert said[6]["sentiment"].keys() == {"class", "probability", "words"}
    assert said[6]["score"].keys() == {"value", "factors"}
    json.dumps(said)


def test_of_several_watches_the_strongest_decision_stands_first() -> None:
    loud = watch({"kind": "count", "threshold": 1, "window": "10m"}, id="loud")
    (said,) = explain([watch(), loud], [post("1", 0, "acme")])
    assert said["decision"]["decision"] == "opened"
    assert {name: one["decision"]["decision"] for name, one in said["watches"].items()} == {
        "acme": "below-threshold",
        "loud": "opened",
    }
    assert said["watches"]["loud"]["incident"]


TORN = "Acme ist super und toll, aber Bolt ist eine schlechte Zumutung"
RIVAL: dict[str, Any] = {"id": "rival", "query": "bolt", "competitors": ({"name": "Acme", "query": "acme"},)}
LEAN = ["acme", "bolt", "acme: bolt", "ist super", "ist eine Zumutung", ", aber", ". ", "besser als", "Explosion", "?"]


def test_what_is_explained_is_what_was_judged_towards_each_entity() -> None:
    rival = watch(**RIVAL, risk={"weights": {"mention": 2}})
    (said,) = explain([watch(), rival], [post("1", 0, TORN, lang="de")])
    felt = {name: one["sentiment"]["class"] for name, one in said["watches"].items()}
    assert felt == {"acme": "positive", "rival": "negative"}
    assert said["sentiment"] == said["watches"]["acme"]["sentiment"], "the first of equally strong decisions"
    assert said["watches"]["rival"]["score"]["value"] > said["watches"]["acme"]["score"]["value"]


def test_each_watch_says_how_far_its_rules_were_who_is_meant_and_how_risky_it_is() -> None:
    about = About(speaks_for=("Zug",))
    said = list(explain([watch(about=about)], [post(str(number), number, f"acme Zug {number}") for number in range(3)]))
    one, three = said[0]["watches"]["acme"], said[2]["watches"]["acme"]
    assert [(rule["value"], rule["threshold"], rule["tripped"]) for rule in (one["rules"] + three["rules"])] == [
        (1, 3, False),
        (3, 3, True),
    ]
    assert (one["relevance"]["by"], list(one["relevance"]["words"])) == (
        "description",
        [{"word": "zug", "weight": 2.0}],
    )
    assert 0.9 < one["relevance"]["probability"] < 1
    assert one["risk"].startswith(f"Risk {one['score']['value']:g} of 100: mention +10")
    assert "novelty +5 (a new story)" in one["risk"]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(LEAN), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=5))
def test_explain_and_receipt_agree(texts: list[str]) -> None:
    """Whatever is said of whom: what is explained is the score of the receipt and the sentiment of the match."""
    rival = watch(**RIVAL, risk={"weights": {"safety": 3}})
    heard = [post(str(number), number, text, lang="de") for number, text in enumerate(texts)]
    receipts = [one for one in backtest([watch(), rival], heard) if isinstance(one, Receipt)]
    said = list(explain([watch(), rival], heard))
    bench = Bench.of([watch(), rival])
    for one, told in zip(heard, said, strict=True):
        list(bench.hear(one))
        felt = {match.watch: match.sentiment for match in bench.matches}
        scores = {found.watch: found.score or Score(value=-1) for found in receipts if found.mention == one.key}
        assert told["watches"].keys() == felt.keys() == scores.keys()
        for name, about in told["watches"].items():
            assert (about["sentiment"]["class"], about["sentiment"]["probability"]) == (
                felt[name].label,
                felt[name].probability,
            )
            assert about["score"]["value"] == scores[name].value
            assert [(f["name"], f["points"], f["detail"]) for f in about["score"]["factors"]] == [
                (f.name, f.points, f.detail) for f in scores[name].factors
            ]
        if felt:
            assert told["sentiment"]["class"] in {found.label for found in felt.values()}
            assert told["score"]["value"] in {found.value for found in scores.values()}


def test_nothing_to_read_is_nothing_to_say() -> None:
    assert list(explain([watch()], [])) == []
    assert list(backtest([watch()], [])) == []
    assert [line["decision"]["decision"] for line in explain([watch()], [InvalidMessage("not-utf8")])] == ["invalid"]
