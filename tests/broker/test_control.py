"""What people tell judge with a command lands in its log, in the partition of the watch."""

from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from agents.kafka import read_to_end
from cli.main import run
from schemas.alert import Alert
from schemas.control import Acknowledge, Silence, judged
from schemas.event import Author, Deletion, Edit, Event, delivered
from schemas.incident import IncidentState
from schemas.settings import load_settings
from schemas.topics import ALERTS, JUDGE_CHANGELOG, MENTIONS, raw_topic
from tests.agents.alert.samples import alert, incident
from tests.broker.brokers import Broker
from tests.broker.test_dead import last_value, produce
from tests.pipeline.stream.test_lookup import opened
from tests.pipeline.timeline import NOON, minute

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
    told(alert(incident=incident(watch="acme", id="a1b2"), watch="acme"))
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


def told(*alerts: Alert) -> None:
    """Write what people were told."""
    produce(load_settings(), *((ALERTS, one.incident.id, one.to_bytes()) for one in alerts))


def known_to_judge(*records: object) -> str:
    """Write what judge knows after a watch, an incident of it and `records`; return the id of the incident."""
    produce(load_settings(), *((MENTIONS, "acme", b"taken in by judge") for _ in range(10)))
    worker = opened()
    worker.take(*records)
    produce(load_settings(), *((JUDGE_CHANGELOG, key.decode(), value) for key, value in worker.changelog if value))
    [one] = worker.known()
    assert one.life.open is not None
    return one.life.open.id


@pytest.mark.usefixtures("acme")
def test_a_silence_that_is_not_there_is_said_and_those_that_are_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    known_to_judge(Silence(watch="acme", at=NOON, until=minute(6000), by="Eva", reason="fair", id="5ee1"))
    before = last_value(load_settings(), MENTIONS)
    assert run(["silence", "end", "acme", "1f2e3d4c", "--by", "Eva"]) == 2
    said = capsys.readouterr().err
    assert "acme has no silence 1f2e3d4c, and nothing was changed (in force or to come are: 5ee1)" in said
    assert last_value(load_settings(), MENTIONS) == before
    assert run(["silence", "end", "acme", "5ee1", "--by", "Eva"]) == 0
    assert run(["silence", "end", "acme", "5ee1", "--by", "Eva"]) == 2, "what judge has not heard yet counts, too"
    assert "none is in force or to come" in capsys.readouterr().err


@pytest.mark.usefixtures("acme")
def test_a_silence_of_this_moment_can_be_ended_although_judge_does_not_know_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    produce(load_settings(), *((MENTIONS, "acme", b'{"type": "silence", "watch": "acme"}') for _ in range(300)))
    assert run(["silence", "add", "acme", "--by", "Eva", "--reason", "fair", "--for", "2h"]) == 0
    name = capsys.readouterr().out.partition(":")[0].strip()
    assert run(["silence", "end", "acme", name[:-1], "--by", "Eva"]) == 2
    assert f"did you mean `{name}`?" in capsys.readouterr().err
    assert run(["silence", "end", "acme", name, "--by", "Eva"]) == 0


@pytest.mark.usefixtures("acme")
def test_an_incident_that_is_not_there_or_is_over_is_said_and_those_that_are_open_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    over = incident(watch="acme", id="0ve4", state=IncidentState.RESOLVED, resolved=NOON, revision=2)
    told(alert(incident=incident(watch="acme", id="0ve4"), watch="acme"), alert(incident=over, watch="acme"))
    told(alert(incident=incident(watch="globex", id="e15e"), watch="globex"))

    def refused(name: str) -> str:
        before = last_value(load_settings(), MENTIONS)
        assert run(["acknowledge", "acme", name, "--by", "Eva"]) == 2
        assert last_value(load_settings(), MENTIONS) == before
        return capsys.readouterr().err

    assert "acme has no incident zzzz, and nothing was changed (no incident of acme is open)" in refused("zzzz")
    name = known_to_judge()
    assert f"acme has no incident zzzz, and nothing was changed (open are: {name})" in refused("zzzz")
    assert "incident 0ve4 of acme is over" in refused("0ve4")
    assert "e15e is an incident of globex, not of acme" in refused("e15e")
    assert run(["acknowledge", "acme", name, "--by", "Eva"]) == 0, "judge knows it, whatever people were told"


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


def test_all_that_an_author_wrote_is_forgotten_post_by_post(capsys: pytest.CaptureFixture[str]) -> None:
    run(["topics", "apply"])

    def post(name: str, author: Author | None, platform: str = "forum", **about: Any) -> tuple[str, str, bytes]:
        said = Event(platform=platform, id=name, time=NOON, seen=NOON, source="s", text="hm", author=author, **about)
        return raw_topic(platform), said.key, said.to_bytes()

    anna, topic = Author(id="Änna", name="Anna"), raw_topic("forum")
    edit = Edit(platform="forum", id="1", time=NOON, seen=NOON, source="s", text="hm, no", author=anna)
    gone = Deletion(source="s", seen=NOON, platform="forum", id="3")
    produce(
        load_settings(),
        post("1", anna),
        post("2", Author(id="bob", name="Änna")),
        post("3", anna),
        post("4", None, title='"Änna"'),
        post("5", anna, platform="blog"),
        post("6", anna),
        (topic, edit.key, edit.to_bytes()),
        (topic, gone.key, gone.to_bytes()),
        (topic, "forum:7", '{"type": "event", "author": {"id": "Änna"'.encode()),
    )
    before = len(all_of(topic))
    assert run(["forget", "forum:Änna", "--author"]) == 0
    assert "what this author wrote (2 posts are kept here) is forgotten" in capsys.readouterr().out
    told = [delivered.validate_json(value) for value in all_of(topic)[before:]]
    assert [(one.key, one.author) for one in told if isinstance(one, Deletion)] == [
        ("forum:1", False),
        ("forum:6", False),
        ("forum:Änna", True),
    ]
    assert run(["forget", "forum:Änna", "--author"]) == 0
    assert "(0 posts are kept here)" in capsys.readouterr().out, "what was deleted is not deleted again"


def all_of(topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=load_settings().kafka)
    found = [one.value for one in read_to_end(consumer, [TopicPartition(topic, 0)])]
    consumer.close()
    return found


@pytest.mark.parametrize("name", ["12", "x:", ":12", " :12"])
def test_what_names_no_post_is_told_how_to_name_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forget", name]) == 2
    assert "PLATFORM:ID, such as x:12" in capsys.readouterr().err
