"""Surge: what only the posts before can tell about risk."""

from datetime import timedelta
from typing import Any

import pytest

from pipeline.alerts.route import quotes
from pipeline.incidents.life import Life
from schemas.event import Author
from schemas.mention import Score
from schemas.receipt import Decision
from tests.pipeline.timeline import NOON, Timeline, minute, watch


def points(score: Score | None) -> dict[str, float]:
    return {one.name: one.points for one in score.factors} if score else {}


def by(number: int, *, young: bool = False) -> Author:
    return Author(id=f"a{number}", name="n", created=NOON - timedelta(days=3 if young else 900))


def test_a_new_story_is_news_and_a_copy_is_none() -> None:
    line = Timeline()
    assert points(line.post(0, "Der Zug nach Ulm fällt heute wieder aus").score)["novelty"] == 5
    assert "novelty" not in points(line.post(1, "Der Zug nach Ulm fällt heute wieder aus").score)


@pytest.mark.parametrize(
    ("posts", "sign"),
    [
        pytest.param([{"author": by(n, young=True)} for n in range(6)], "young accounts", id="young accounts"),
        pytest.param([{"author": by(n), "text": "Boykott jetzt alle"} for n in range(6)], "identical", id="one text"),
        pytest.param([{"author": by(n % 2)} for n in range(13)], "few authors", id="a burst of few authors"),
        pytest.param([{"author": by(n)} for n in range(6)], None, id="ordinary accounts"),
        pytest.param(
            [{"author": by(n), "text": "Boykott jetzt alle", "repost_of": "7"} for n in range(6)], None, id="reposts"
        ),
        pytest.param([{"author": by(1), "text": "Boykott jetzt alle"} for _ in range(6)], None, id="one account"),
        pytest.param([{"author": by(n, young=True)} for n in range(4)], None, id="too few to say"),
    ],
)
def test_signs_of_coordination_add_and_never_lower(posts: list[dict[str, Any]], sign: str | None) -> None:
    line = Timeline()
    receipt = [line.post(at / 10, post.pop("text", None), **post) for at, post in enumerate(map(dict, posts))][-1]
    assert receipt.score is not None
    found = [one for one in receipt.score.factors if one.name == "coordination"]
    assert bool(found) is bool(sign)
    assert all(sign in one.detail and one.points > 0 for one in found if sign)


def test_a_post_that_is_edited_keeps_what_it_had_when_it_was_new() -> None:
    line = Timeline()
    line.post(0, "acme burns down in the night", id="one")
    edited = line.post(1, "acme burns down in the night, all of it", id="one", edited=True)
    assert edited.decision is Decision.EDITED
    assert points(edited.score)["novelty"] == 5
    (shown,) = quotes(line.state.memory, Life(since=minute(-1)))
    assert shown.text.endswith("all of it")
    assert shown.factors == points(edited.score)
    assert edited.score is not None
    assert shown.risk == edited.score.value


def test_what_was_said_more_than_an_hour_ago_is_no_sign() -> None:
    line = Timeline()
    for number in range(4):
        line.post(number, author=by(number, young=True))
    late = line.post(70, author=by(4, young=True))
    assert "coordination" not in points(late.score)
    for number in range(5, 9):
        late = line.post(71, author=by(number, young=True))
    assert points(late.score)["coordination"] == 3


def test_a_watch_weighs_what_only_judge_can_tell_too() -> None:
    line = Timeline(watch(risk={"weights": {"novelty": 3, "coordination": 0}}))
    for number in range(6):
        receipt = line.post(number / 10, author=by(number, young=True))
    assert points(receipt.score) == {"novelty": 15, "coordination": 0}
