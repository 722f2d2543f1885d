"""The rights of each process: one list, the same in the docs and in what the command prints."""

import re
from pathlib import Path

import pytest

from cli.main import run
from schemas.acls import PROCESSES, acls, commands, table
from schemas.settings import Settings, load_settings
from schemas.topics import TOPICS

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture(autouse=True)
def _own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EARSHOT_TOPIC_PREFIX", "EARSHOT_GROUP_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def test_the_docs_hold_the_same_table() -> None:
    """If this fails: earshot topics acls --table."""
    assert table(load_settings()) in DOCS.read_text("utf-8")


def test_every_topic_is_used_by_somebody_and_nothing_else_is() -> None:
    settings = load_settings(topic_prefix="here.")
    known = {settings.topic(topic.name) for topic in TOPICS}
    used = {acl for process in PROCESSES for acl in acls(process, settings) if acl.kind == "topic"}
    exact = {acl.name for acl in used if not acl.prefixed}
    assert exact <= known
    assert all(name in exact or name.startswith("here.raw.") for name in known)


def test_only_who_provisions_may_touch_all_topics() -> None:
    settings = load_settings()
    for process in ("ingest", "worker", "deliver", "dead"):
        assert settings.topic_prefix not in {acl.name for acl in acls(process, settings)}, process
    for process in ("ingest", "worker", "deliver"):
        assert {one for acl in acls(process, settings) for one in acl.operations} <= {"Read", "Write", "Describe"}


@pytest.mark.parametrize(
    ("settings", "topic", "group"),
    [
        (load_settings(topic_prefix="earshot."), "earshot.alerts", "earshot-deliver"),
        (load_settings(topic_prefix="team.ears_"), "team.ears_alerts", "team.ears-deliver"),
        (load_settings(topic_prefix="a.", group_prefix="b.c-"), "a.alerts", "b.c-deliver"),
    ],
)
def test_names_follow_the_prefixes(settings: Settings, topic: str, group: str) -> None:
    found = {acl.name for acl in acls("deliver", settings)}
    assert {topic, group, f"{group}-"} <= found


def test_the_command_prints_a_line_a_resource(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["topics", "acls", "--principal", "User:CN={process},O=us", "--process", "deliver"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == commands(["deliver"], load_settings(), "User:CN={process},O=us")
    assert all(re.match(r"--add --allow-principal User:CN=deliver,O=us --operation \w+ ", line) for line in lines)
    assert run(["topics", "acls", "--process", "nobody"]) == 2
    assert "there is no process nobody" in capsys.readouterr().err
