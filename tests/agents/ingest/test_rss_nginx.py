"""Feeds on a real web server: what is asked on condition, packed, moved, limited and gone."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from time import monotonic, sleep

import pytest

from agents import clock
from agents.ingest.source import parse_sources
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Heartbeat
from schemas.settings import load_settings
from tests.servers.nginx import nginx

pytestmark = pytest.mark.system


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    # the master runs as root here, its worker does not
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    with nginx(tmp_path) as url:
        yield url


def publish(folder: Path, *names: str) -> None:
    items = "".join(f"<item><guid>http://a/{name}</guid><title>Title {name}</title></item>" for name in names)
    feed = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'
    (folder / "www" / "feed.xml").write_text(feed)


async def poll(url: str, cursor: Mapping[str, str] | None = None) -> tuple[list[str], dict[str, str]]:
    [source] = parse_sources(f"sources: [{{id: news, kind: rss, url: '{url}', every: 1s}}]", load_settings())
    checkpoint = Checkpoint(source="news", cursor=dict(cursor), at=clock.now()) if cursor else None
    told: list[str] = []
    async with asyncio.timeout(30), aclosing(source.run(checkpoint)) as readings:
        async for reading in readings:
            if isinstance(reading.item, Heartbeat):
                assert reading.cursor is not None
                return told, dict(reading.cursor)
            assert isinstance(reading.item, Event)
            told.append(reading.item.id.removeprefix("http://a/"))
    raise AssertionError("a feed is never finished")


def served(folder: Path, count: int) -> list[str]:
    """Return the status of each answer, once there are so many; the server notes it a moment after it has answered."""
    deadline = monotonic() + 30
    while True:
        lines = (folder / "access.log").read_text().splitlines()
        if len(lines) >= count or monotonic() > deadline:
            return [line.split('" ')[1].split()[0] for line in lines]
        sleep(0.01)


async def test_what_has_not_changed_is_not_sent_again(site: str, tmp_path: Path) -> None:
    publish(tmp_path, "2", "1")
    told, cursor = await poll(f"{site}/feed.xml")
    assert told == ["1", "2"]
    assert cursor["etag"].startswith('W/"'), "it was packed, and its tag says so"
    assert (await poll(f"{site}/feed.xml", cursor))[0] == []
    publish(tmp_path, "33", "2", "1")
    assert (await poll(f"{site}/feed.xml", cursor))[0] == ["33"]
    assert served(tmp_path, 3) == ["200", "304", "200"]


async def test_what_has_moved_for_good_is_asked_there(site: str, tmp_path: Path) -> None:
    publish(tmp_path, "1")
    told, cursor = await poll(f"{site}/moved.xml")
    assert (told, cursor["url"]) == (["1"], f"{site}/feed.xml")
    await poll(f"{site}/moved.xml", cursor)
    assert served(tmp_path, 3) == ["301", "200", "304"]


async def test_what_is_limited_or_gone_is_told(site: str, tmp_path: Path) -> None:
    publish(tmp_path, "1")
    await poll(f"{site}/limited.xml")
    with pytest.raises(SourceError, match="429"):
        await poll(f"{site}/limited.xml")
    with pytest.raises(ConfigError, match="gone for good"):
        await poll(f"{site}/gone.xml")
    with pytest.raises(SourceError):
        await poll(f"{site}/inward.xml")


async def test_a_feed_that_says_how_long_it_is_fresh_is_left_alone_for_so_long(site: str, tmp_path: Path) -> None:
    from agents.ingest.sources.rss import State

    publish(tmp_path, "1")
    url = f"{site}/fresh.xml"
    [source] = parse_sources(f"sources: [{{id: news, kind: rss, url: '{url}', every: 1s}}]", load_settings())
    async with source._client() as client:  # type: ignore[attr-defined]
        state, _ = await source._poll(client, State.resume(url, None))  # type: ignore[attr-defined]
        assert state.rest == 40
        again, _ = await source._poll(client, state)  # type: ignore[attr-defined]
    assert (again.rest, served(tmp_path, 2)) == (40, ["200", "304"])
