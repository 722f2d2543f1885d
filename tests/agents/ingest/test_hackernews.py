"""Hacker News: what its hits mean, and that no post is missed, told twice or asked for again and again."""

import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from agents import clock
from agents.ingest.asks import Asks
from agents.ingest.platforms.hackernews import post_of
from agents.ingest.source import parse_sources
from schemas.checkpoint import Checkpoint
from schemas.errors import InvalidMessage
from schemas.event import Event, Heartbeat
from schemas.settings import load_settings
from tests.contracts.stand import watch
from tests.counterparts.hackernews import Search

STORY = {
    "objectID": "42",
    "created_at_i": 1763884800,
    "author": "eva",
    "title": "Trains",
    "points": 7,
    "num_comments": 3,
}


def test_a_story_and_a_comment() -> None:
    story = post_of(STORY | {"url": "https://a.example", "story_text": None})
    assert (story.key, story.text, story.title) == ("hackernews:42", "Trains\nhttps://a.example", None)
    assert story.time == datetime(2025, 11, 23, 8, 0, tzinfo=UTC)
    assert story.metrics == {"likes": 7, "comments": 3}
    asked = post_of(STORY | {"story_text": "Why <i>late</i>?"})
    assert (asked.title, asked.text) == ("Trains", "Why late?")
    comment = post_of({"objectID": "43", "created_at_i": 1, "comment_text": "<p>a &gt; b<p>c", "parent_id": 42})
    assert (comment.text, comment.in_reply_to, comment.author) == ("a > b\nc", "42", None)
    assert comment.url == "https://news.ycombinator.com/item?id=43"


@pytest.mark.parametrize(
    "hit",
    [None, 5, {}, {"objectID": "1"}, {"objectID": "", "created_at_i": 1}, {"objectID": [], "created_at_i": 1e300}],
)
def test_what_is_no_hit_is_said(hit: Any) -> None:
    with pytest.raises(InvalidMessage, match="wrong-type"):
        post_of(hit)


class Reader:
    """The search as the runner reads it."""

    def __init__(self, search: Search, more: str = "", query: str = "Bahn") -> None:
        self.search, self.more, self.query = search, more, query
        self.cursor: dict[str, str] = {}

    async def poll(self) -> list[str]:
        [source] = parse_sources(f"sources: [{self.search.entry[:-1]}{self.more}}}]", load_settings())
        source.asks = Asks([watch(self.query)])
        now = clock.now()
        told: list[str] = []
        async with aclosing(
            source.run(Checkpoint(source="hn", cursor=self.cursor, at=now) if self.cursor else None)
        ) as readings:
            async for reading in readings:
                if isinstance(reading.item, Heartbeat):
                    assert reading.cursor is not None
                    self.cursor = dict(reading.cursor)
                    return told
                told.append(reading.item.id if isinstance(reading.item, Event) else getattr(reading.item, "reason", ""))
        raise AssertionError("the search is never finished")


async def test_it_asks_for_all_and_passes_on_what_the_watches_ask_for() -> None:
    now = int(time.time())
    async with Search() as search:
        search.add(1, now - 50, comment_text="Die Bahn ist spät")
        search.add(2, now - 40, comment_text="something else")
        search.add(3, now - 30, title="Bahn")
        assert await Reader(search).poll() == ["1", "3"]
        assert [asked["query"] for asked in search.asked] == [""]


async def test_with_queries_it_asks_for_them() -> None:
    now = int(time.time())
    async with Search() as search:
        search.add(1, now - 50, comment_text="Acme is late")
        search.add(2, now - 40, comment_text="Bahn and acme.com")
        search.add(3, now - 30, title="Bahn")
        assert await Reader(search, ", queries: [Acme, acme.com]").poll() == ["1", "2"]
        assert [asked["query"] for asked in search.asked] == ["Acme", "acme.com"]


async def test_what_the_search_shows_late_is_found_and_nothing_twice() -> None:
    now = int(time.time())
    async with Search() as search:
        reader = Reader(search)
        search.add(2, now - 100, title="Bahn")
        assert await reader.poll() == ["2"]
        search.add(1, now - 400, title="Bahn, shown five minutes later")
        assert await reader.poll() == ["1"]
        assert await reader.poll() == []


async def test_more_than_a_page_is_read_to_its_end_even_within_a_second() -> None:
    now = int(time.time())
    async with Search() as search:
        for number in range(2_300):
            search.add(number, now - 3000 + number // 700, title="Bahn")
        told = await Reader(search).poll()
    assert len(told) == len(set(told)) == 2_300


async def test_after_an_outage_all_the_time_since_is_asked_for() -> None:
    now = int(time.time())
    async with Search() as search:
        reader = Reader(search)
        reader.cursor = {"newest": str(now - 86_400 * 3), "known": ""}
        search.add(1, now - 86_400 * 2, title="Bahn")
        assert await reader.poll() == ["1"]


async def test_a_post_from_the_future_hides_none_of_the_present() -> None:
    now = int(time.time())
    async with Search() as search:
        reader = Reader(search)
        search.add(1, now + 3000, title="Bahn")
        await reader.poll()
        search.add(2, now - 5, title="Bahn")
        assert await reader.poll() == ["2"]


async def test_a_hit_that_is_no_post_is_set_aside() -> None:
    async with Search() as search:
        search.add(1, int(time.time()) - 5, objectID="x" * 600, title="Bahn")
        assert await Reader(search).poll() == ["wrong-type"]
