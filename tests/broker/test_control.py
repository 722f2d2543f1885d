"""What people tell judge with a command lands in its log, in the partition of the watch."""

from pathlib import Path

import pytest

from cli.main import run
from schemas.control import Acknowledge, Silence, judged
from schemas.event import Deletion, delivered
from schemas.settings import load_settings
from schemas.topics import MENTIONS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.test_dead import last_value

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def environment(fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    monkeypatch.setenv("EARSHOT_PARTITIONS", "1")


WATCH = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: none}
    query: acme
    rules: [{kind: count, threshold: 2, window: 1h}]
    owner: {name: Press, contact: press@acme.example, respond_within: 30m}
    routes: [{channel: console}]
"""


@pytest.fixture
def acme(tmp_path: Path) -> None:
    """Topics, and a watch that is in force."""
    (tmp_path / "watches.yml").write_text(WATCH)
    assert run(["topics", "apply"]) == 0
    assert run(["watches", "apply", str(tmp_path / "watches.yml")]) == 0


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "asked",
    [
        ["silence", "add", "acne", "--by", "Eva", "--reason", "fair", "--for", "2h"],
        ["silence", "end", "acne", "1f2e3d4c", "--by", "Eva"],
        ["acknowledge", "acne", "a1b2", "--by", "Eva"],
    ],
    ids=["silenced", "unsilenced", "acknowledged"],
)
def test_a_watch_that_is_not_there_is_said_and_not_believed(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = last_value(load_settings(), MENTIONS)
    assert run(asked) == 2
    assert "no watch acne is in force, and nothing was changed (did you mean `acme`?)" in capsys.readouterr().err
    assert last_value(load_settings(), MENTIONS) == before


@pytest.mark.usefixtures("acme")
def test_acknowledging_and_silencing_are_records_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["acknowledge", "acme", "a1b2", "--by", "Eva"]) == 0
    record = judged.validate_json(last_value(load_settings(), MENTIONS))
    assert isinstance(record, Acknowledge)
    assert (record.watch, record.incident, record.by) == ("acme", "a1b2", "Eva")

    asked = ["silence", "add", "acme", "platform=web", "--by", "Eva", "--reason", "trade fair", "--for", "2h"]
    assert run(asked) == 0
    begun = judged.validate_json(last_value(load_settings(), MENTIONS))
    assert isinstance(begun, Silence)
    assert (str(begun.matchers[0]), begun.reason) == ("platform=web", "trade fair")
    assert begun.id in capsys.readouterr().out

    assert run(["silence", "end", "acme", begun.id, "--by", "Eva"]) == 0
    over = judged.validate_json(last_value(load_settings(), MENTIONS))
    assert isinstance(over, Silence)
    assert (over.id, over.until) == (begun.id, over.at)


def test_without_topics_the_command_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["acknowledge", "acme", "a1b2", "--by", "Eva"]) == 2
    assert "earshot.mentions is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "topic", "key", "author"),
    [
        pytest.param(["x:12"], "x", "x:12", False, id="a post"),
        pytest.param(["xing:anna", "--author"], "xing", "xing:anna", True, id="all that an author wrote"),
        pytest.param(["Twitter:12"], "x", "x:12", False, id="a platform by its other name"),
        pytest.param(["web:https://a.example/1"], "web", "web:https://a.example/1", False, id="an id with colons"),
        pytest.param(["forum:7"], "other", "forum:7", False, id="a platform that we do not know"),
    ],
)
def test_what_is_to_be_forgotten_is_a_deletion_of_its_platform(
    asked: list[str], topic: str, key: str, author: bool
) -> None:
    run(["topics", "apply"])
    assert run(["forget", *asked]) == 0
    record = delivered.validate_json(last_value(load_settings(), raw_topic(topic)))
    assert isinstance(record, Deletion)
    assert (record.key, record.author) == (key, author)


@pytest.mark.parametrize("name", ["12", "x:", ":12", " :12"])
def test_what_names_no_post_is_told_how_to_name_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forget", name]) == 2
    assert "PLATFORM:ID, such as x:12" in capsys.readouterr().err
