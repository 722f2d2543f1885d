"""What people tell judge with a command lands in its log, in the partition of the watch."""

import pytest

from cli.main import run
from schemas.control import Acknowledge, Silence, judged
from schemas.settings import load_settings
from schemas.topics import MENTIONS
from tests.broker.brokers import Broker
from tests.broker.test_dead import last_value

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True)
def environment(fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    monkeypatch.setenv("EARSHOT_PARTITIONS", "1")


def test_acknowledging_and_silencing_are_records_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    run(["topics", "apply"])
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
