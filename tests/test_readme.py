"""What the README shows is what Earshot reads."""

import re
from pathlib import Path

from agents.ingest.source import parse_sources
from pipeline.check import check
from schemas.settings import load_settings
from schemas.watchfile import read_files

PAGE = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_watch_is_read() -> None:
    [block] = [block for block in BLOCKS if block.startswith("watches:")]
    files = check(read_files(["watches.yml"], lambda _: block))
    assert [str(error) for error in files.wrong()] == []


def test_the_sources_are_read() -> None:
    [block] = [block for block in BLOCKS if block.startswith("sources:")]
    assert [source.config.kind for source in parse_sources(block, load_settings())] == ["x", "rss"]
