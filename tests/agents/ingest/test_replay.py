"""The replay source: what it yields, at which speed, and that it goes on exactly where it stopped."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.ingest.source import Reading, parse_sources
from agents.ingest.sources.replay import Pace, Replay
from pipeline.offline.replay import LONGEST
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead
from schemas.errors import ConfigError
from schemas.event import Event, Heartbeat, Post
from schemas.settings import load_settings

START = datetime(2013, 12, 1, 12, 0, 30, tzinfo=UTC)


def line(number: int, minutes: float) -> str:
    time = (START + timedelta(minutes=minutes)).isoformat()
    return json.dumps({"platform": "x", "id": number, "time": time, "text": f"post {number}"}) + "\n"


@pytest.fixture
def replay(tmp_path: Path) -> Callable[[str], Replay]:
    def make(content: str) -> Replay:
        (tmp_path / "a.jsonl").write_text(content)
        settings = load_settings(sources=tmp_path / "sources.yml")
        [source] = parse_sources("sources: [{id: old, kind: replay, path: a.jsonl, speed: 0}]", settings)
        assert isinstance(source, Replay)
        return source

    return make


async def read(source: Replay, cursor: dict[str, str] | None = None) -> list[Reading]:
    checkpoint = Checkpoint(source="old", cursor=cursor, at=START) if cursor else None
    return [reading async for reading in source.run(checkpoint)]


def short(readings: list[Reading]) -> list[str]:
    """Write a reading as `12:01` for a minute, `x:1` for a post, `#3` for the dead line 3, `.` for the end."""
    told = []
    for reading in readings:
        match reading.item:
            case Event() as event:
                told.append(event.key)
            case Dead() as dead:
                told.append(f"#{dead.offset}")
            case Heartbeat() as minute:
                told.append(f"{minute.at:%H:%M}" if minute.clock else ".")
    return told


async def test_posts_in_the_order_of_the_file_with_the_minutes_between(replay: Callable[[str], Replay]) -> None:
    readings = await read(replay(line(1, 0) + "{broken\n" + line(2, 2) + line(3, 1) + line(4, 3)))
    told = short(readings)
    assert told[:8] == ["x:1", "#2", "12:01", "12:02", "x:2", "x:3", "12:03", "x:4"]
    assert told[8:10] == ["12:04", "12:05"], "time goes on after the last post, so that incidents resolve"
    assert len(told) == 8 + LONGEST + 1
    assert [reading.cursor["line"] for reading in readings[:8] if reading.cursor] == list("12223445")
    event = readings[0].item
    assert isinstance(event, Event)
    assert (event.source, event.time) == ("old", START)
    assert event.seen > datetime(2026, 1, 1, tzinfo=UTC), "an event is seen when it is replayed"


async def test_a_bad_line_is_kept_with_its_place_and_reason(replay: Callable[[str], Replay]) -> None:
    dead = (await read(replay(line(1, 0) + "{broken\n")))[1].item
    assert isinstance(dead, Dead)
    assert (dead.id, dead.reason, dead.original) == ("a.jsonl/0/2", "not-json", b"{broken")


async def test_resumed_anywhere_it_yields_exactly_the_rest(replay: Callable[[str], Replay]) -> None:
    source = replay(line(1, 0) + "{broken\n" + line(2, 2) + line(3, 1) + "3\n" + line(4, 2000))
    whole = await read(source)
    told = short(whole)
    for cut in [*range(10), len(whole) // 2, len(whole) - 2, len(whole) - 1]:
        cursor = whole[cut].cursor
        assert cursor is not None
        rest = short(await read(source, dict(cursor)))
        # minutes since the last line may be told again, which is harmless; nothing may be left out
        assert told[cut + 1 :] == rest[len(rest) - len(told) + cut + 1 :], f"cut after {cut}"
        again = rest[: len(rest) - len(told) + cut + 1]
        assert all(one[:2].isdigit() or one == "." for one in again), f"only minutes come twice: {again}"


async def test_what_was_added_to_a_finished_file_is_read(replay: Callable[[str], Replay]) -> None:
    finished = (await read(replay(line(1, 0))))[-1].cursor
    assert finished is not None
    assert short(await read(replay(line(1, 0)), dict(finished))) == ["."]
    assert short(await read(replay(line(1, 0) + line(2, 1)), dict(finished)))[:2] == ["x:2", "12:02"]


async def test_another_file_under_the_same_name_is_read_from_its_beginning(replay: Callable[[str], Replay]) -> None:
    finished = (await read(replay(line(1, 0))))[-1].cursor
    assert finished is not None
    assert short(await read(replay(line(7, 0)), dict(finished)))[0] == "x:7"


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_one_clear_error(replay: Callable[[str], Replay], content: str) -> None:
    with pytest.raises(ConfigError, match="a.jsonl: the file is empty"):
        replay(content).prepare()


def test_a_file_that_is_not_there_is_one_clear_error(replay: Callable[[str], Replay]) -> None:
    source = replay("")
    source.path.unlink()
    with pytest.raises(ConfigError, match="a.jsonl: cannot be read"):
        source.prepare()


def post(minutes: float) -> Post:
    return Post(platform="x", id="1", time=START + timedelta(minutes=minutes), text="")


@pytest.mark.parametrize(
    ("speed", "longest", "minutes", "expected", "sentence"),
    [
        (600, 9.0, [0, 1, 2, 3], 0.3, "six hundred times faster"),
        (600, 0.2, [0, 60, 61], 0.3, "an hour's silence is cut short"),
        (0, 9.0, [0, 60, 6000], 0.0, "as fast as can be"),
        (600, 9.0, [0, 2, 1, 2, 3], 0.3, "a post out of order costs no time"),
    ],
)
async def test_pace(speed: float, longest: float, minutes: list[float], expected: float, sentence: str) -> None:
    loop = asyncio.get_running_loop()
    pace, began = Pace(speed, longest), loop.time()
    for minute in minutes:
        await pace.wait(post(minute))
    assert expected - 0.03 <= loop.time() - began < expected + 0.25, sentence


async def test_many_minutes_share_the_longest_pause_between_two_posts() -> None:
    loop = asyncio.get_running_loop()
    pace, began = Pace(60, 0.3), loop.time()
    await pace.wait(post(0))
    for minute in range(1, 200):
        await pace.wait(START + timedelta(minutes=minute))
    await pace.wait(post(200))
    assert 0.27 <= loop.time() - began < 0.6


@pytest.mark.parametrize(
    ("minutes", "ok"),
    [
        ((0, 5, 120), [True]),
        ((30, 0, 120), [True]),  # what comes half an hour late alerts all the same
        ((300, 120, 0), [True, False]),  # an export that begins with the newest
    ],
)
async def test_a_file_in_the_wrong_order_is_found_before_it_is_replayed(
    replay: Callable[[str], Replay], minutes: tuple[int, ...], ok: list[bool]
) -> None:
    steps = [step async for step in replay("".join(line(at, when) for at, when in enumerate(minutes))).check()]
    assert [step.ok for step in steps] == ok
    if not all(ok):
        assert steps[-1].detail == "2 posts come long after newer ones and would alert nobody: sort the file by time"
