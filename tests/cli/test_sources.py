"""`earshot sources`: what it prints, and its exit codes."""

import json
import socket
from pathlib import Path

import pytest
import yaml

from agents import clock
from agents.ingest import overview
from agents.ingest.source import parse_sources
from cli.broker import free_port
from cli.main import run
from schemas.checkpoint import Checkpoint, SourceState
from schemas.settings import load_settings

POSTS = '{"platform": "web", "id": "1", "time": "2026-11-01T08:00:00Z", "text": "first"}\n'
OPML = """<opml version="2.0"><body><outline text="News">
<outline type="rss" text="Die Zeitung" xmlUrl="https://zeitung.example/feed"/></outline></body></opml>"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "posts.jsonl").write_text(POSTS)
    text = "sources:\n- {id: old, kind: replay, path: posts.jsonl}\n- {id: push, kind: webhook}\n"
    (tmp_path / "sources.yml").write_text(text)
    monkeypatch.setenv("EARSHOT_SOURCES", str(tmp_path / "sources.yml"))
    monkeypatch.setenv("EARSHOT_WEBHOOK_SECRETS", "s")
    monkeypatch.setenv("EARSHOT_WEBHOOK_PORT", "0")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.mark.parametrize(
    ("state", "code"), [(SourceState.RUNNING, 0), (SourceState.FAILING, 1), (SourceState.ENDED, 1)]
)
def test_the_table_says_how_each_is_doing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: SourceState, code: int
) -> None:
    now = clock.now()
    found = {"old": Checkpoint(source="old", heard=now, at=now, state=state, trouble="its trouble", owner="host:1")}
    monkeypatch.setattr(overview, "stored_by", lambda _settings, _tell: found)
    assert run(["sources"]) == code
    said = capsys.readouterr().out
    for word in ("old", "replay", state.value, "host:1", "never run", "old: its trouble"):
        assert word in said
    assert run(["sources", "--json"]) == code
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["id"], row["state"]) for row in rows] == [("old", state.value), ("push", "never run")]


def test_without_a_broker_one_line_says_so(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EARSHOT_KAFKA", f"127.0.0.1:{free_port()}")
    assert run(["sources"]) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("earshot: EARSHOT_KAFKA: no Kafka broker answers at 127.0.0.1:")


def test_a_source_that_is_pushed_to_is_tested_beside_the_ingest_that_has_its_port(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("EARSHOT_WEBHOOK_PORT", str(taken.getsockname()[1]))
        assert run(["sources", "test", "push"]) == 0
    assert "push (webhook)" in capsys.readouterr().out


def test_a_source_is_tested_by_its_id_or_its_kind(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert run(["sources", "test", "old"]) == 0
    assert "ok   file: 1 posts, 0 lines that are none" in capsys.readouterr().out
    assert run(["sources", "test", "webhook"]) == 0
    assert "push (webhook)" in capsys.readouterr().out
    assert run(["sources", "test", "olt"]) == 2
    assert "lists no source `olt`" in capsys.readouterr().err
    (folder / "posts.jsonl").write_text("{}\n")
    assert run(["sources", "test", "old"]) == 1
    assert "FAIL file" in capsys.readouterr().out


def test_the_past_of_what_cannot_be_asked_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sources", "backfill", "old", "--from", "2026-11-02", "--to", "2026-11-01"]) == 2
    assert "--from must be before --to" in capsys.readouterr().err
    monkeypatch.setattr("agents.ingest.backfill.check_access", lambda *_about: {})
    assert run(["sources", "backfill", "push", "--from", "2026-11-01", "--to", "2026-11-02"]) == 2
    assert "cannot be asked for the past" in capsys.readouterr().err


def test_feeds_of_a_reader_become_entries(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "feeds.opml").write_text(OPML)
    assert run(["sources", "import", str(folder / "feeds.opml")]) == 0
    text = "sources:\n" + capsys.readouterr().out
    [source] = parse_sources(text, load_settings())
    assert source.config.kind == "rss"
    assert yaml.safe_load(text)["sources"][0]["url"] == "https://zeitung.example/feed"
    assert run(["sources", "import", str(folder / "none.opml")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_every_kind_is_listed_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "kinds"]) == 0
    said = capsys.readouterr().out
    assert "rss: News and blogs by RSS or Atom" in said
    assert "- {id: push, kind: webhook}" in said
