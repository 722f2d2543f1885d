"""Feedback on a running deployment: a person says what an alert was worth, and the next post is judged by that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.main import run
from schemas.alert import Alert
from schemas.event import Post
from schemas.receipt import Decision, Receipt
from schemas.settings import Settings
from schemas.topics import ALERTS, RECEIPTS
from tests.broker.brokers import Broker
from tests.broker.worker import Feed, Reader, Worker, provision, reading

pytestmark = pytest.mark.broker

BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
WATCH = """
watches:
  - id: bahn
    purpose: {goal: reputation, measure: answered within an hour}
    query: bahn
    about: {is_us: ["Schaffner und Zug am Bahnhof verspätet"]}
    relevance: {least: 0.7}
    rules: [{kind: count, threshold: 2, window: 10m}]
    owner: Press
    routes: [{channel: console}]
"""
ELSEWHERE = ("Bahn frei auf der Rennstrecke: Stau wegen Baustelle", "Stau wegen Baustelle, die rechte Bahn ist dicht")
SECONDS = 90.0


class Deployment:
    """A worker, and what is posted, told and asked of it."""

    def __init__(self, settings: Settings, reader: Reader, worker: Worker) -> None:
        self.reader, self.worker = reader, worker
        self._feed, self._count = Feed(settings), 0

    def post(self, text: str) -> Receipt:
        """Post so, a minute after the last one, and return what was decided."""
        self._count += 1
        name, time = f"p{self._count}", BEGIN + timedelta(minutes=self._count)
        self._feed.replay([Post(platform="x", id=name, time=time, text=text)])
        self.reader.until(lambda: f"x:{name}" in self.reader.judged, SECONDS, self.worker)
        found = [Receipt.from_bytes(value) for value in self.reader.values(RECEIPTS)]
        return next(one for one in found if one.mention == f"x:{name}")

    def alert(self) -> str:
        """Return the id of the alert that was sent last."""
        self.reader.until(lambda: bool(self.reader.records[ALERTS]), SECONDS, self.worker)
        return Alert.from_bytes(self.reader.values(ALERTS)[-1]).id


@pytest.fixture
def deployment(fresh_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    settings = provision(fresh_broker, tmp_path, watches=WATCH)
    with reading(settings, ALERTS, RECEIPTS) as reader, Worker(settings, tmp_path / "log") as worker:
        yield Deployment(settings, reader, worker)


def _probability(receipt: Receipt) -> float:
    assert receipt.relevance is not None
    return receipt.relevance.probability


@pytest.mark.timeout(400)
def test_what_a_person_calls_noise_is_kept_quiet_until_it_is_reset_and_called_useful_is_meant(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [deployment.post(text) for text in ELSEWHERE]
    assert before[-1].decision is Decision.OPENED
    assert {found.relevance.by for found in before if found.relevance} == {"description"}
    told = deployment.alert()
    assert run(["feedback", told, "noise", "--by", "Eva"]) == 0
    assert "learns from 2 of its posts" in capsys.readouterr().out

    after = deployment.post("Stau auf der Bahn: Baustelle wegen Rennstrecke dicht")
    assert after.decision is Decision.IRRELEVANT
    assert after.relevance is not None
    assert after.relevance.by == "feedback"
    assert _probability(after) < 0.7 <= _probability(before[0])
    assert {"stau", "baustelle"} & {one.word for one in after.relevance.words}
    meant = deployment.post("Schaffner der Bahn im Zug: am Bahnhof verspätet")
    assert meant.decision is not Decision.IRRELEVANT, "it has not become deaf"

    deployment.worker.kill()
    deployment.worker.start()
    again = deployment.post("Rennstrecke: Stau wegen Baustelle, Bahn dicht auf der A9")
    assert again.relevance is not None
    assert again.relevance.by == "feedback", "what was learnt survives a restart"
    assert again.decision is Decision.IRRELEVANT

    capsys.readouterr()
    assert run(["feedback", "show", "bahn"]) == 0
    assert "count: 0 useful, 1 noise" in (shown := capsys.readouterr().out)
    assert "learnt from 0 posts meant and 2 not meant" in shown

    assert run(["feedback", "reset", "bahn", "--by", "Eva"]) == 0
    forgot = deployment.post("Dicht ist auf der A9 die Bahn wegen Baustelle: Stau, Rennstrecke")
    assert forgot.relevance is not None
    assert (forgot.relevance.by, forgot.decision) != ("feedback", Decision.IRRELEVANT)
    assert forgot.relevance.by == "description"
    assert _probability(forgot) > _probability(again)
    capsys.readouterr()
    assert run(["feedback", "show", "bahn"]) == 0
    assert capsys.readouterr().out == "nobody has given feedback\n"

    assert run(["feedback", told, "useful", "--by", "Eva"]) == 0
    meant = deployment.post("Baustelle: auf der rechten Bahn ist Stau, dicht bis zur Rennstrecke")
    assert meant.relevance is not None
    assert meant.relevance.by == "feedback"
    assert meant.decision is not Decision.IRRELEVANT, "what somebody called useful is meant"
    capsys.readouterr()
    assert run(["feedback", "show", "bahn"]) == 0
    assert "count: 1 useful, 0 noise" in (shown := capsys.readouterr().out)
    assert "learnt from 2 posts meant and 0 not meant" in shown


def test_feedback_on_what_was_never_sent_changes_nothing_and_says_so(
    fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    assert run(["topics", "apply"]) == 0
    assert run(["feedback", "0000.1", "useful"]) == 2
    assert "there is no alert '0000.1'" in capsys.readouterr().err
