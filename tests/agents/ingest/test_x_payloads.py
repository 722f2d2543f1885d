"""X's payloads as events: either generation of names, edits, deletions, what is missing or wrong; and prices."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.budget import Budget, Spending
from agents.ingest.platforms.x import (
    Seen,
    id_at,
    problems,
    read_activity,
    read_compliance,
    read_page,
    read_post,
    time_of,
)
from agents.ingest.platforms.x_money import Prices, Purse
from schemas.errors import InvalidMessage, SourceError
from schemas.event import Author, Deletion, Edit, Event

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SEEN = Seen("x", NOW)
FOLDER = Path(__file__).parent / "fixtures" / "x"


def fixture(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def test_a_post_of_the_stream_is_an_event() -> None:
    message = fixture("reply")
    event = read_post(message["data"], message["includes"], SEEN)
    assert type(event) is Event
    assert event.key == "x:2080765813578191303"
    assert event.time == datetime(2026, 7, 24, 21, 23, 23, tzinfo=UTC)
    assert event.author == Author(id="2222222222222222222", name="someone", followers=97, verified=True)
    assert event.url == "https://x.com/someone/status/2080765813578191303"
    assert (event.in_reply_to, event.repost_of) == ("2080765813578191000", None)
    assert (event.lang, event.country, event.media) == ("de", "DE", True)
    assert event.metrics == {
        "reposts": 2.0, "replies": 1.0, "likes": 5.0, "quotes": 0.0, "bookmarks": 0.0, "impressions": 900.0
    }  # fmt: skip
    assert event.text.startswith("@db_presse"), "verbatim"


def test_the_newer_names_are_read_and_a_later_version_is_an_edit_of_the_first() -> None:
    message = fixture("repost-long-edited")
    event = read_post(message["data"], message["includes"], SEEN)
    assert type(event) is Edit
    assert event.key == "x:2080765813578191400"
    assert event.url == "https://x.com/i/status/2080765813578191500", "the newest version is looked at"
    assert event.text == "Wir bitten um Entschuldigung für die Verspätung aller Züge.", "the whole of what is reposted"
    assert (event.repost_of, event.author) == ("2080765813578191111", Author(id="3333333333333333333"))
    assert event.metrics == {"reposts": 7.0}


def test_a_quote_says_what_it_quotes() -> None:
    message = fixture("reply")
    references = [{"type": "quoted", "id": "2080765813578191001"}]
    event = read_post(message["data"] | {"referenced_tweets": references}, message["includes"], SEEN)
    assert (event.in_reply_to, event.repost_of, event.quote_of) == (None, None, "2080765813578191001")


def test_either_generation_says_the_same() -> None:
    message = fixture("reply")
    names = {"edit_history_tweet_ids": "edit_history_post_ids", "referenced_tweets": "referenced_posts"}
    newer = {names.get(name, name): value for name, value in message["data"].items()}
    assert read_post(newer, message["includes"], SEEN) == read_post(message["data"], message["includes"], SEEN)


def linked(url: str, **beside: Any) -> dict[str, Any]:
    return {"start": 0, "end": 23, "url": url, "display_url": "…", **beside}


@pytest.mark.parametrize(
    ("text", "urls", "shown"),
    [
        (
            "Lest https://t.co/a",
            [linked("https://t.co/a", expanded_url="https://a.example/7")],
            "Lest https://a.example/7",
        ),
        (
            "https://t.co/a!",
            [linked("https://t.co/a", expanded_url="https://bit.ly/7", unwound_url="https://a.example/7")],
            "https://a.example/7!",
        ),
        (
            "Bild https://t.co/b",
            [linked("https://t.co/b", expanded_url="https://x.com/a/status/1/photo/1", media_key="3_1")],
            "Bild",
        ),
        ("https://t.co/ab", [linked("https://t.co/a", expanded_url="https://a.example/")], "https://t.co/ab"),
        ("https://t.co/a", [linked("https://t.co/a", expanded_url="javascript:alert(1)")], "https://t.co/a"),
        ("https://t.co/a", [linked("https://t.co/a")], "https://t.co/a"),
        ("https://t.co/a", "no list", "https://t.co/a"),
        ("https://t.co/a", [None, 7, {"url": 7}], "https://t.co/a"),
    ],
    ids=[
        "a link stands where it leads to",
        "after all redirections where X followed them",
        "pictures of its own are no link",
        "a link that begins like another is another",
        "what is no web address is not put in",
        "a link X knows nothing of stays",
        "no list of links costs no post",
        "odd links cost no post",
    ],
)
def test_short_links_are_written_out(text: str, urls: Any, shown: str) -> None:
    post = {"id": "5000000000000000000", "text": text, "entities": {"urls": urls}}
    assert read_post(post, None, SEEN).text == shown
    long = {"id": "5", "text": "cut…", "note_tweet": {"text": text, "entities": {"urls": urls}}}
    assert read_post(long, None, SEEN).text == shown, "of a long post those of its long text"
    repost = {"id": "6", "text": "RT @a: cut…", "referenced_tweets": [{"type": "retweeted", "id": post["id"]}]}
    assert read_post(repost, {"tweets": [post]}, SEEN).text == shown, "of a repost those of what is reposted"


def test_a_deletion_is_one_by_activity_and_by_compliance() -> None:
    deletion = Deletion(source="x", seen=NOW, platform="x", id="2080761269309813134")
    assert read_activity(fixture("deleted")["data"], SEEN) == deletion
    for reason in ("deleted", "suspended", "protected", "scrub_geo"):
        line = {"id": "2080761269309813134", "action": "delete", "reason": reason}
        assert read_compliance(line, SEEN) == deletion, reason


def test_activities_about_posts_are_read_and_others_passed_over() -> None:
    post = fixture("reply")["data"]
    made = read_activity({"event_type": "post.mention.create", "payload": post, "includes": {}}, SEEN)
    assert isinstance(made, Event)
    assert read_activity({"event_type": "follow.follow", "payload": {}}, SEEN) is None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (None, "post"),
        ([], "post"),
        ({}, "id"),
        ({"id": {}}, "id"),
        ({"id": "1", "text": 5}, "text"),
        ({"id": "1", "created_at": "yesterday"}, "created_at"),
        ({"id": "1", "referenced_tweets": {"a": 1}}, "referenced_tweets"),
        ({"id": "1", "text": "x" * 200_001}, "text"),
    ],
)
def test_what_is_wrong_is_said_by_its_field_and_quotes_nothing(data: Any, field: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read_post(data, {"users": "none"} if data is None else None, SEEN)
    assert caught.value.reason == "wrong-type"
    assert field in caught.value.detail
    assert "xxx" not in str(caught.value)
    assert "yesterday" not in str(caught.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "data", "text"]), inner),
    max_leaves=8,
)
NAMES = ["id", "text", "author_id", "created_at", "public_metrics", "geo", "note_tweet", "referenced_posts", "users"]


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), ANYTHING)
def test_whatever_x_sends_is_an_event_or_an_invalid_message(data: Any, includes: Any) -> None:
    for read in (lambda: read_post(data, includes, SEEN), lambda: list(read_page({"data": [data]}, SEEN))):
        try:
            read()
        except InvalidMessage:
            continue
    problems(data)


@given(st.integers(1_300_000_000, 2_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_ids_hold_the_time(moment: datetime) -> None:
    assert abs(time_of(str(id_at(moment)), NOW) - moment) < timedelta(milliseconds=2)


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ({"title": "ConnectionException", "connection_issue": "TooManyConnections"}, ("TooManyConnections",)),
        (
            {"errors": [{"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect"}]},
            ("UpstreamOperationalDisconnect",),
        ),
        ({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}, ()),
        ({"errors": "all of it"}, ()),
        ([1], ()),
    ],
)
def test_problems_have_names(answer: Any, names: tuple[str, ...]) -> None:
    assert problems(answer) == names


# ---- prices


def purse(day: float | None = None) -> Purse:
    return Purse(Budget(day), Prices(), Spending())


def test_the_same_is_paid_once_a_day() -> None:
    first = purse().charge(NOW, 0.005, {"1", "2"}, {"7"})
    assert first.spending.today == pytest.approx(0.02)
    again = first.charge(NOW + timedelta(hours=11), 0.005, {"2", "3"}, {"7"})
    assert again.spending.today == pytest.approx(0.025), "one post more"
    tomorrow = again.charge(NOW + timedelta(hours=13), 0.005, {"2"}, set())
    assert tomorrow.spending.today == pytest.approx(0.005), "UTC days"
    assert tomorrow.spending.month == pytest.approx(0.03)


def test_what_can_be_afforded_never_exceeds_the_budget() -> None:
    full = purse(0.1)
    assert full.affordable(NOW, 0.005, users=False) == 20
    assert full.affordable(NOW, 0.005, users=True) == 6
    assert purse().affordable(NOW, 0.005, users=True) is None
    with pytest.raises(SourceError, match="budget of the day"):
        full.budget.check(full.charge(NOW, 0.005, {str(n) for n in range(19)}, set()).spending, NOW, 0.01)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=40))
def test_spending_is_what_distinct_posts_and_users_cost(read: list[tuple[int, int]]) -> None:
    spent = purse()
    for post, person in read:
        spent = spent.charge(NOW, 0.005, {str(post)}, {str(person)})
    posts, people = {post for post, _ in read}, {person for _, person in read}
    assert spent.spending.today == pytest.approx(0.005 * len(posts) + 0.01 * len(people))
