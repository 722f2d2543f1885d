"""What the README shows is what Earshot reads."""

import re
from datetime import date
from pathlib import Path

from agents.ingest.source import parse_sources
from pipeline.check import check
from pipeline.lint import lint
from schemas.settings import load_settings
from schemas.watchfile import read_files

PAGE = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
DEPLOYED = Path(__file__).parents[1] / "deploy" / "config" / "watches.yml"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_watch_is_read() -> None:
    [block] = [block for block in BLOCKS if block.startswith("watches:")]
    files = check(read_files(["watches.yml"], lambda _: block))
    assert [str(error) for error in files.wrong()] == []
    assert [str(finding) for finding in lint(files, date(2026, 11, 27)).findings] == [], "nothing in it is doubtful"


def test_in_the_watch_of_the_containers_nothing_is_doubtful_but_where_it_prints() -> None:
    files = check(read_files(["watches.yml"], lambda _: DEPLOYED.read_text("utf-8")))
    assert [finding.rule for finding in lint(files, date(2026, 11, 27)).findings] == ["unowned"]


def test_the_sources_are_read() -> None:
    [block] = [block for block in BLOCKS if block.startswith("sources:")]
    assert [source.config.kind for source in parse_sources(block, load_settings())] == ["x", "rss"]
