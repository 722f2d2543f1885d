"""Reddit's source: what things mean, and a Reddit on loopback whose posts are deleted, edited and too many."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.platforms.reddit import RING, Memory, Seen, Told, number_of, read_thing
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, InvalidMessage
from schemas.event import Deletion, Event
from tests.agents.ingest.following import NOW, Following, short, source_of
from tests.agents.ingest.test_bluesky import JSON, hostile, paths
from tests.counterparts.reddit import AGENT, Reddit, base36

SEEN = Seen("reddit", NOW)
SUBMISSION: dict[str, Any] = {
    "kind": "t3",
    "data": {
        "id": "hleyaa",
        "name": "t3_hleyaa",
        "title": "Acme & Söhne",
        "selftext": "What do you think?",
        "author": "eva",
        "author_fullname": "t2_1eva",
        "created_utc": 1763884860.0,
        "score": 7,
        "num_comments": 2,
        "permalink": "/r/acme/comments/hleyaa/acme/",
        "is_self": True,
        "edited": False,
        "removed_by_category": None,
    },
}
COMMENT: dict[str, Any] = {
    "kind": "t1",
    "data": {
        "id": "abc",
        "body": "No.",
        "author": "jo",
        "author_fullname": "t2_2jo",
        "created_utc": 1763884900.0,
        "score": -3,
        "permalink": "/r/acme/comments/hleyaa/acme/abc/",
        "link_id": "t3_hleyaa",
        "parent_id": "t1_abb",
        "edited": 1763885000.0,
    },
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Reddit.secrets.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def site() -> AsyncIterator[Reddit]:
    async with Reddit() as site:
        yield site


def thing(base: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"kind": base["kind"], "data": base["data"] | data}


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (SUBMISSION, {"id": "t3_hleyaa", "title": "Acme & Söhne", "text": "What do you think?", "in_reply_to": None}),
        (SUBMISSION, {"metrics": {"likes": 7.0, "comments": 2.0}, "repost_of": None, "platform": "reddit"}),
        (SUBMISSION, {"url": "https://www.reddit.com/r/acme/comments/hleyaa/acme/"}),
        (thing(SUBMISSION, selftext=""), {"text": "Acme & Söhne", "title": None}),
        (
            thing(SUBMISSION, selftext="", is_self=False, url="https://news.example/a"),
            {"text": "https://news.example/a", "title": "Acme & Söhne"},
        ),
        (thing(SUBMISSION, crosspost_parent="t3_other"), {"repost_of": "t3_other"}),
        (thing(SUBMISSION, post_hint="image"), {"media": True}),
        (COMMENT, {"id": "t1_abc", "text": "No.", "in_reply_to": "t1_abb", "metrics": {"likes": -3.0}}),
    ],
)
def test_a_thing_becomes_an_event(given: dict[str, Any], means: dict[str, Any]) -> None:
    item = read_thing(given, SEEN).item
    assert type(item) is Event
    assert {name: getattr(item, name) for name in means} == means
    assert item.time.timestamp() == given["data"]["created_utc"]


@pytest.mark.parametrize(
    "given",
    [
        thing(SUBMISSION, author="[deleted]"),
        thing(SUBMISSION, removed_by_category="moderator"),
        thing(SUBMISSION, selftext="[removed]"),
        thing(COMMENT, body="[deleted]"),
        thing(COMMENT, author=None),
    ],
    ids=["author deleted", "removed", "text removed", "comment deleted", "no author"],
)
def test_what_is_gone_is_a_deletion(given: dict[str, Any]) -> None:
    assert isinstance(read_thing(given, SEEN).item, Deletion)


@hostile
@given(data=st.data(), value=JSON)
def test_whatever_stands_in_a_field_is_a_thing_or_one_fault(data: st.DataObject, value: Any) -> None:
    given = json.loads(json.dumps(data.draw(st.sampled_from([SUBMISSION, COMMENT]))))
    *outer, last = data.draw(st.sampled_from([path for path in paths(given) if path]))
    place = given
    for name in outer:
        place = place[name]
    place[last] = value
    try:
        read_thing(given, SEEN)
    except InvalidMessage as error:
        assert error.reason == "wrong-type"  # noqa: PT017 - either is fine


@given(st.lists(st.integers(min_value=1, max_value=36**8), max_size=150))
def test_the_memory_comes_back_from_its_cursor_and_keeps_the_latest(numbers: list[int]) -> None:
    memory = Memory({}, {})
    for number in numbers:
        name = f"t3_{base36(number)}"
        memory = memory.saw("r/acme/new", name)
        gone = Deletion(source="a", seen=NOW, platform="reddit", id=name)
        memory = memory.passed_on(Told(name, 1.0, 2.0, gone), 3.0)
    checkpoint = Checkpoint(source="a", cursor=memory.cursor(), at=NOW)
    assert Memory.resume(checkpoint) == memory
    kept = [number_of(name) for name in memory.rings.get("r/acme/new", ())]
    assert kept == sorted(set(numbers))[-RING:]


async def test_only_what_is_new_is_told_oldest_first(site: Reddit) -> None:
    first = [await site.publish(number) for number in (1, 2)]
    async with Following(source_of(site.entry)) as reader:
        await reader.until(*(f"+{key}" for key in first))
        name = site.comment("a comment", "t3_x")
        await reader.until(f"+reddit:{name}")
        assert reader.told[:2] == [f"+{key}" for key in first]
        assert len(reader.told) == 3
    agents = {request.headers["User-Agent"] for request in site.asked}
    assert agents == {AGENT}
    assert re.fullmatch(r"\S+:\S+:\S+ \(by /u/\w+\)", AGENT)


@pytest.mark.parametrize("left", [0, 1])
async def test_deleted_anchors_lose_nothing_and_repeat_nothing(site: Reddit, left: int) -> None:
    for number in range(1, 6):
        site.submit(number, "before")
    async with Following(source_of(site.entry)) as reader:
        await reader.wait(lambda: len(reader.told) == 5)
    for name in list(site.things)[left:]:
        site.remove(name)
    for number in range(10, 160):
        site.submit(number, "meanwhile")
    async with Following(source_of(site.entry), reader.cursor) as again:
        await again.wait(lambda: sum(one[0] == "+" for one in again.told) >= 150)
        assert "gap" not in again.told
        assert len([one for one in again.told if one[0] == "+"]) == 150


async def test_more_than_a_listing_shows_is_a_gap(site: Reddit) -> None:
    site.submit(1, "before")
    async with Following(source_of(site.entry)) as reader:
        await reader.wait(lambda: len(reader.told) == 1)
    await site.forget()
    async with Following(source_of(site.entry), reader.cursor) as again:
        await again.wait(lambda: sum(one[0] == "+" for one in again.told) >= 1000)
        assert again.told[0] == "gap"


async def test_a_listing_that_just_is_short_is_no_gap(site: Reddit) -> None:
    name = site.submit(1, "before")
    async with Following(source_of(site.entry)) as reader:
        await reader.wait(lambda: len(reader.told) == 1)
    site.remove(name)
    key = await site.publish(2)
    async with Following(source_of(site.entry), reader.cursor) as again:
        await again.until(f"+{key}")
        assert "gap" not in again.told


async def test_edits_and_deletions_are_found_by_looking_again(site: Reddit) -> None:
    keys = [await site.publish(number) for number in (1, 2, 3)]
    async with Following(source_of(site.entry)) as reader:
        await reader.until(f"+{keys[2]}")
        await site.edit(1)
        await site.delete(2)
        site.remove(keys[2].removeprefix("reddit:"))
        await reader.until(f"~{keys[0]}", f"-{keys[1]}", f"-{keys[2]}")
        edit = next(item for item in reader.items if short_of(item).startswith("~"))
        beats = reader.beats
        await reader.wait(lambda: reader.beats >= beats + 2)
        assert edit.text == "post 1, edited"
        assert sorted(one for one in reader.told if one[0] != "+") == sorted(
            [f"~{keys[0]}", f"-{keys[1]}", f"-{keys[2]}"]
        ), "each is told once"


async def test_only_what_is_asked_for_goes_on(site: Reddit) -> None:
    await site.publish(1, "nothing of interest")
    key = await site.publish(2, "oh Acme!")
    entry = site.entry.replace("only: all", "only: watched")
    async with Following(source_of(entry, "acme")) as reader:
        await reader.until(f"+{key}")
        assert reader.told == [f"+{key}"]


async def test_a_search_is_a_listing_of_its_own(site: Reddit) -> None:
    await site.publish(1, "nothing of interest")
    key = await site.publish(2, "oh zebra!")
    entry = site.entry.replace("subreddits: [acme]", "searches: ['zebra']")
    async with Following(source_of(entry)) as reader:
        await reader.until(f"+{key}")
        assert reader.told == [f"+{key}"]
    query = site.asked[-1].query
    assert (query["sort"], query["type"]) == ("new", "link")


async def test_a_token_that_is_taken_back_is_renewed(site: Reddit) -> None:
    async with Following(source_of(site.entry)) as reader:
        await reader.until(f"+{await site.publish(1)}")
        await site.expire()
        await reader.until(f"+{await site.publish(2)}")
        assert not reader.errors
        assert "token_expires" in reader.source.facts()


async def test_what_is_left_for_all_is_not_used_up(site: Reddit) -> None:
    site.left, site.reset = 4.0, 77
    async with Following(source_of(site.entry)) as reader:
        await reader.wait(lambda: bool(reader.errors))
        assert reader.errors[0].kind is FailureKind.RATE_LIMITED
        assert 60 < (reader.errors[0].retry_after or 0) <= 77


async def test_a_pause_that_is_asked_for_is_told(site: Reddit) -> None:
    async with Following(source_of(site.entry)) as reader:
        await reader.until(f"+{await site.publish(1)}")
        await site.limit(30)
        await reader.wait(lambda: bool(reader.errors))
        assert 25 < (reader.errors[0].retry_after or 0) <= 32


async def test_the_past_is_read_within_its_bounds(site: Reddit) -> None:
    names = [site.submit(number, "text") for number in (1, 2, 3)]
    source = source_of(site.entry)
    start, end = (datetime.fromtimestamp(site.things[name]["data"]["created_utc"], UTC) for name in names[1:])
    items = [reading.item async for reading in source.backfill(start, end)]
    assert [item.id for item in items if isinstance(item, Event)] == [names[1]]
    assert all(item.backfill for item in items if isinstance(item, Event))


async def test_the_check_names_what_cannot_be_read(site: Reddit, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(site.entry.replace("[acme]", "[acme, forbidden]"))
    assert [(step.name, step.ok) for step in [step async for step in source.check()]] == [
        ("the credentials are taken", True),
        ("r/acme can be read", True),
        ("r/forbidden can be read", False),
    ]
    monkeypatch.setenv("REDDIT_SECRET", "another")
    [step] = [step async for step in source_of(site.entry).check()]
    assert not step.ok
    assert "another" not in step.detail


def test_a_source_that_reads_nothing_is_refused() -> None:
    entry = "{id: a, kind: reddit, client_id: 'env:REDDIT_ID', client_secret: 'env:REDDIT_SECRET', user: eva}"
    with pytest.raises(ConfigError, match="nothing to read"):
        source_of(entry)


def short_of(item: Any) -> str:
    from agents.ingest.source import Reading

    return short(Reading(item))
