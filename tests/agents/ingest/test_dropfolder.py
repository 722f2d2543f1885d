"""A folder into which people drop files: each is read once, grows, is put away, and none holds up another."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

from agents import clock
from agents.ingest.source import parse_sources
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, SourceError
from schemas.event import Event, Heartbeat
from schemas.settings import load_settings

HEADER = "platform,id,time,text,author.name\n"


def line(number: int) -> str:
    return f'{{"platform": "xing", "id": {number}, "time": "2026-11-01T08:00:00+01:00", "text": "post {number}"}}\n'


class Folder:
    """The folder as the runner reads it."""

    def __init__(self, path: Path, more: str = "") -> None:
        self.path = path / "drop"
        self.path.mkdir()
        self.text = f"sources: [{{id: drop, kind: dropfolder, path: drop, every: 0.1, settle: 1h{more}}}]"
        self.settings = load_settings(sources=path / "sources.yml")
        self.cursor: Mapping[str, str] | None = None

    def put(self, name: str, text: str, old: bool = True) -> Path:
        path = self.path / name
        path.write_text(text, "utf-8")
        if old:
            os.utime(path, (1, 1))
        return path

    async def read(self) -> list[str]:
        """Read until there is nothing new, acknowledging all of it."""
        [source] = parse_sources(self.text, self.settings)
        source.prepare()
        now = clock.now()
        checkpoint = Checkpoint(source="drop", cursor=dict(self.cursor), at=now) if self.cursor else None
        told: list[str] = []
        async with asyncio.timeout(30), aclosing(source.run(checkpoint)) as readings:
            async for reading in readings:
                if reading.done is not None:
                    reading.done.set_result(None)
                self.cursor = reading.cursor
                if isinstance(reading.item, Heartbeat):
                    return told
                told.append(reading.item.id if isinstance(reading.item, Event) else getattr(reading.item, "reason", ""))
        raise AssertionError("a folder is never finished")


async def test_new_files_are_read_once_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("b.jsonl", line(3))
    folder.put("a.csv", HEADER + "xing,1,2026-11-01 08:00,Die Brücke,Eva\nxing,2,2026-11-01 08:01,Noch einmal,\n")
    assert await folder.read() == ["1", "2", "3"]
    assert await folder.read() == []
    folder.put("c.jsonl", line(4))
    assert await folder.read() == ["4"]


async def test_a_file_that_grows_is_read_on_and_another_under_its_name_from_its_beginning(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.jsonl", line(1))
    assert await folder.read() == ["1"]
    folder.put("a.jsonl", line(1) + line(2))
    assert await folder.read() == ["2"]
    folder.put("a.jsonl", line(7) + line(8))
    assert await folder.read() == ["7", "8"]


async def test_half_written_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("new.jsonl", line(1), old=False)
    for name in (".hidden.jsonl", "a.jsonl.part", "a.jsonl.tmp", "letter.docx"):
        folder.put(name, line(9))
    assert await folder.read() == []
    os.utime(folder.path / "new.jsonl", (1, 1))
    assert await folder.read() == ["1"]


async def test_a_line_that_is_no_post_is_told_and_a_broken_file_holds_up_no_other(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", "nonsense\n")
    folder.put("b.csv", "x" * 3_000_000 + "\n")
    folder.put("c.jsonl.gz", "no gzip")
    folder.put("d.jsonl", line(1) + "{}\n" + line(2))
    assert await folder.read() == ["1", "wrong-type", "2"]
    assert await folder.read() == []


@pytest.mark.parametrize(("after", "left"), [("move", ["done"]), ("delete", []), ("leave", ["a.jsonl", "b.jsonl"])])
async def test_what_becomes_of_a_file_that_was_read(tmp_path: Path, after: str, left: list[str]) -> None:
    folder = Folder(tmp_path, f", after: {after}")
    folder.put("a.jsonl", line(1))
    folder.put("b.jsonl", line(2))
    assert await folder.read() == ["1", "2"]
    assert sorted(path.name for path in folder.path.iterdir()) == left
    if after == "move":
        folder.put("a.jsonl", line(3))
        assert await folder.read() == ["3"]
        assert len(list((folder.path / "done").iterdir())) == 3, "nothing is written over"


async def test_a_file_stays_until_the_broker_has_all_of_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ", after: delete")
    path = folder.put("a.jsonl", line(1))
    [source] = parse_sources(folder.text, folder.settings)
    source.prepare()
    async with aclosing(source.run(None)) as readings:
        reading = await anext(readings)
        waiting = asyncio.ensure_future(anext(readings))
        await asyncio.sleep(0)
        assert path.exists()
        assert reading.done is not None
        reading.done.set_exception(SourceError("refused"))
        with pytest.raises(SourceError, match="refused"):
            await waiting
    assert path.exists()


def test_a_folder_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    text = "sources: [{id: drop, kind: dropfolder, path: nowhere}]"
    [source] = parse_sources(text, load_settings(sources=tmp_path / "sources.yml"))
    with pytest.raises(ConfigError, match="is no folder"):
        source.prepare()
