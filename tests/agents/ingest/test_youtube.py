"""YouTube's source: what resources mean, and a Data API on loopback whose quotas run out."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.budget import Budget
from agents.ingest.platforms.followed import Memory
from agents.ingest.platforms.youtube import Seen, read_comment, read_thread, read_video
from agents.ingest.youtube.quota import NoSearch, Quotas, Spent
from schemas.checkpoint import Checkpoint
from schemas.errors import FailureKind, InvalidMessage, SourceError
from schemas.event import Event
from tests.agents.ingest.following import NOW, Following, source_of
from tests.agents.ingest.test_bluesky import JSON, hostile, paths
from tests.counterparts.youtube import CHANNEL, KEY, Youtube

SEEN = Seen("tube", NOW)
VIDEO: dict[str, Any] = {
    "id": "dQw4",
    "snippet": {
        "title": "Acme tested",
        "description": "It broke.",
        "publishedAt": "2026-11-20T08:00:00Z",
        "channelId": "UCeva",
        "channelTitle": "Eva tests",
        "defaultAudioLanguage": "en",
    },
    "statistics": {"viewCount": "1000", "likeCount": "7"},
}
COMMENT: dict[str, Any] = {
    "id": "Ug1",
    "snippet": {
        "textDisplay": "Tom &amp; Jerry",
        "textOriginal": "Tom & Jerry",
        "authorDisplayName": "@jo",
        "authorChannelId": {"value": "UCjo"},
        "likeCount": 3,
        "publishedAt": "2026-11-20T09:00:00Z",
        "updatedAt": "2026-11-20T09:30:00Z",
    },
}
REPLY = {"id": "Ug1.2", "snippet": COMMENT["snippet"] | {"parentId": "Ug1", "publishedAt": "2026-11-20T10:00:00Z"}}
THREAD = {
    "id": "Ug1",
    "snippet": {"videoId": "dQw4", "topLevelComment": COMMENT, "totalReplyCount": 1},
    "replies": {"comments": [REPLY]},
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Youtube.secrets.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def tube() -> AsyncIterator[Youtube]:
    async with Youtube() as tube:
        yield tube


def test_a_video_becomes_an_event() -> None:
    event = read_video(VIDEO, SEEN)
    assert (event.id, event.title, event.text, event.lang) == ("dQw4", "Acme tested", "It broke.", "en")
    assert event.metrics == {"views": 1000.0, "likes": 7.0}, "a count that is hidden is not 0"
    assert event.url == "https://www.youtube.com/watch?v=dQw4"
    assert event.author is not None
    assert (event.author.id, event.author.name) == ("UCeva", "Eva tests")
    assert event.time == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_a_thread_is_its_comment_and_its_replies() -> None:
    top, reply = read_thread(THREAD, SEEN)
    assert (top.id, top.text, top.in_reply_to, top.metrics) == (
        "Ug1",
        "Tom & Jerry",
        "dQw4",
        {"likes": 3, "comments": 1},
    )
    assert (reply.id, reply.in_reply_to) == ("Ug1.2", "Ug1")
    assert top.url == "https://www.youtube.com/watch?v=dQw4&lc=Ug1"
    assert type(top) is Event, "what was edited before we saw it is new to us"


def test_markup_is_undone_where_only_that_is_told() -> None:
    told = {"id": "Ug1", "snippet": {key: value for key, value in COMMENT["snippet"].items() if key != "textOriginal"}}
    assert read_comment(told, SEEN).text == "Tom & Jerry"


@hostile
@given(data=st.data(), value=JSON)
def test_whatever_stands_in_a_field_is_an_event_or_one_fault(data: st.DataObject, value: Any) -> None:
    given, read = data.draw(st.sampled_from([(VIDEO, read_video), (THREAD, read_thread), (COMMENT, read_comment)]))
    given = json.loads(json.dumps(given))
    *outer, last = data.draw(st.sampled_from([path for path in paths(given) if path]))
    place = given
    for name in outer:
        place = place[name]
    place[last] = value
    try:
        read(given, SEEN)
    except InvalidMessage as error:
        assert error.reason == "wrong-type"  # noqa: PT017 - either is fine


def test_the_memory_comes_back_from_its_cursor() -> None:
    memory = Memory().did("search a", 1.0).passed_on("v", "state", 2.0).follow("v", 3).passed_on("c", "other", 3.0)
    checkpoint = Checkpoint(source="a", cursor=memory.cursor() | Spent().cursor(), at=NOW)
    assert Memory.resume(checkpoint) == memory
    assert Memory.resume(None) == Memory()


def test_searches_and_units_are_two_quotas_that_end_at_midnight_in_california() -> None:
    quotas = Quotas(Budget(day=2, unit="searches"), Budget(day=3, unit="units"))
    for what in ("search", "search", "videos", "comments", "videos"):
        quotas.take(what)
    with pytest.raises(NoSearch):
        quotas.take("search")
    with pytest.raises(SourceError) as caught:
        quotas.take("videos")
    assert caught.value.kind is FailureKind.BUDGET
    assert 0 < (caught.value.retry_after or 0) <= 25 * 3600
    assert (quotas.searches_left, quotas.units_left) == (0, 0)


async def test_comments_of_the_channel_and_their_replies_are_read(tube: Youtube) -> None:
    key = await tube.publish(1)
    replies = [tube.comment(f"reply {number}", "own", key.removeprefix("youtube:")) for number in range(7)]
    async with Following(source_of(tube.entry)) as reader:
        await reader.until(f"+{key}", *(f"+youtube:{name}" for name in replies))
        later = await tube.publish(2)
        await reader.until(f"+{later}")
        assert [item.time for item in reader.items[:8]] == sorted(item.time for item in reader.items[:8])
        assert len(reader.told) == 9
    assert all(request.query.get("key") is None for request in tube.asked), "the key stands in no address"


async def test_videos_are_found_and_their_comments_followed(tube: Youtube) -> None:
    tube.began += 3000
    tube.video("v1", "A zebra")
    tube.video("v2", "A horse")
    name = tube.comment("under a video of somebody else", "v1")
    async with Following(source_of(tube.entry)) as reader:
        await reader.until("+youtube:v1", f"+youtube:{name}")
        assert "+youtube:v2" not in reader.told
        tube.videos["v1"]["statistics"]["viewCount"] = "999"
        await reader.until("~youtube:v1")
        tube.remove("v1")
        await reader.until("-youtube:v1")
        assert "gap" not in reader.told


async def test_comments_that_are_switched_off_are_no_failure(tube: Youtube) -> None:
    tube.began += 3000
    tube.video("v1", "A zebra")
    tube.closed.add("v1")
    async with Following(source_of(tube.entry)) as reader:
        await reader.until("+youtube:v1")
        await reader.until(f"+{await tube.publish(1)}")
        await reader.wait(lambda: any(request.query.get("videoId") == "v1" for request in tube.asked))
        assert not reader.errors


async def test_since_when_there_is_an_author_is_asked_once_for_each(tube: Youtube) -> None:
    async with Following(source_of(tube.entry)) as reader:
        items = await reader.until(f"+{await tube.publish(1)}")
        assert items[0].author.created == datetime(2019, 5, 1, 8, tzinfo=UTC)
        items = await reader.until(f"+{await tube.publish(2)}")
        assert items[-1].author.created == datetime(2019, 5, 1, 8, tzinfo=UTC)
        asked = [request.query["id"] for request in tube.asked if request.path.endswith("/channels")]
        assert asked == ["UCjo"], "one unit, not one a comment"


async def test_what_the_quota_no_longer_covers_is_told_without(tube: Youtube) -> None:
    tube.exceeded.add("channels")
    async with Following(source_of(tube.entry)) as reader:
        items = await reader.until(f"+{await tube.publish(1)}")
        assert (items[0].author.id, items[0].author.created) == ("UCjo", None)


async def test_a_spent_search_quota_does_not_end_the_rest(tube: Youtube) -> None:
    tube.exceeded.add("search")
    async with Following(source_of(tube.entry)) as reader:
        await reader.until(f"+{await tube.publish(1)}")
        asked = sum(request.path.endswith("/search") for request in tube.asked)
        await reader.until(f"+{await tube.publish(2)}")
        assert sum(request.path.endswith("/search") for request in tube.asked) == asked == 1
        assert reader.source.facts()["searches_left"] == 0
        assert not reader.errors


async def test_a_spent_quota_is_waited_for_until_midnight_and_survives_a_restart(tube: Youtube) -> None:
    async with Following(source_of(tube.entry)) as reader:
        await reader.until(f"+{await tube.publish(1)}")
        tube.exceeded |= {"commentThreads", "comments", "videos"}
        await reader.wait(lambda: bool(reader.errors))
        assert reader.errors[0].kind is FailureKind.BUDGET
        assert (reader.errors[0].retry_after or 0) > 0
    tube.exceeded.clear()
    asked = len(tube.asked)
    async with Following(source_of(tube.entry), reader.cursor) as again:
        await again.wait(lambda: bool(again.errors))
    later = [request.path for request in tube.asked[asked:] if not request.path.endswith("/search")]
    assert later == [], "nothing is asked that the quota does not cover"


async def test_only_what_is_asked_for_goes_on(tube: Youtube) -> None:
    await tube.publish(1, "nothing of interest")
    key = await tube.publish(2, "oh Acme!")
    entry = tube.entry.replace("only: all", "only: watched")
    async with Following(source_of(entry, "acme")) as reader:
        await reader.until(f"+{key}")
        assert reader.told == [f"+{key}"]


async def test_the_past_is_searched(tube: Youtube) -> None:
    tube.video("v1", "A zebra")
    start = datetime.fromtimestamp(tube.began, UTC)
    tube.video("v2", "Another zebra")
    source = source_of(tube.entry)
    items = [reading.item async for reading in source.backfill(start + timedelta(seconds=1), start + timedelta(days=1))]
    assert [item.id for item in items if isinstance(item, Event)] == ["v2"]
    assert all(item.backfill for item in items if isinstance(item, Event))


async def test_the_check_names_what_is_wrong(tube: Youtube, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(tube.entry.replace(CHANNEL, f"{CHANNEL}, UCnobody"))
    assert [step.ok for step in [step async for step in source.check()]] == [True, True, False]
    monkeypatch.setenv("YOUTUBE_API_KEY", "another")
    steps = [step async for step in source_of(tube.entry).check()]
    assert not any(step.ok for step in steps)
    assert "YouTube Data API v3" in steps[0].detail
    assert KEY not in steps[0].detail
