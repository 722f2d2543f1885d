"""A record that another program wrote into one of our topics: it is named and left out, and the others are read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.alert.delivery import _admit
from agents.ingest.checkpoints import read_checkpoints
from agents.ingest.runner import _trusted
from agents.layout import read_layout, write_layout
from agents.strays import Stray, warn
from agents.topics import apply_topics
from cli.main import run
from pipeline.stream.lookup import deliveries, receipts
from schemas.checkpoint import Checkpoint
from schemas.dead import bury
from schemas.errors import ConfigError
from schemas.receipt import Decision, Receipt
from schemas.settings import Settings, load_settings
from schemas.topics import CHECKPOINTS, DEAD, DELIVERIES, LAYOUT, RECEIPTS, raw_topic
from tests.broker.brokers import Broker
from tests.broker.test_dead import produce

pytestmark = pytest.mark.broker

AT = datetime(2026, 1, 1, tzinfo=UTC)
FOREIGN = b'{"password": "geheim"}'


@pytest.fixture
def settings(fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    (tmp_path / "sources.yml").write_text("sources:\n- {id: feed, kind: rss, url: 'https://zeitung.example/feed'}\n")
    monkeypatch.setenv("EARSHOT_KAFKA", fresh_broker.address)
    monkeypatch.setenv("EARSHOT_PARTITIONS", "1")
    monkeypatch.setenv("EARSHOT_SOURCES", str(tmp_path / "sources.yml"))
    found = load_settings()
    apply_topics(found)
    warn.cache_clear()
    return found


def test_dead_list_shows_the_others_and_names_it_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    dead = [bury(b"{", reason="not-json", topic=raw_topic("x"), partition=0, offset=at, at=AT) for at in (7, 8)]
    [_, offset, _] = produce(
        settings,
        (DEAD, dead[0].id, dead[0].to_bytes()),
        (DEAD, "other", FOREIGN),
        (DEAD, dead[1].id, dead[1].to_bytes()),
    )
    assert run(["dead", "list", "--json"]) == 1
    told = capsys.readouterr()
    assert [json.loads(line)["offset"] for line in told.out.splitlines()] == [7, 8]
    assert told.err == f"earshot: earshot.dead/0/{offset} is not ours and is left out\n"
    assert run(["dead", "show", dead[1].id]) == 0


def test_dead_list_with_nothing_else_still_says_so_by_its_code(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    produce(settings, *((DEAD, f"other:{number}", FOREIGN) for number in range(7)))
    assert run(["dead", "list"]) == 1
    told = capsys.readouterr()
    assert told.out == "no dead records\n"
    assert told.err.splitlines()[-1] == "earshot: … and 2 more records that are not ours"
    assert "geheim" not in told.err


def test_sources_shows_the_others_and_names_it_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    known = Checkpoint(source="feed", at=AT, heard=datetime.now(UTC), owner="host:1")
    [offset, _] = produce(settings, (CHECKPOINTS, "other", FOREIGN), (CHECKPOINTS, "feed", known.to_bytes()))
    assert run(["sources", "--json"]) == 1, "somebody should look, though each source is well"
    told = capsys.readouterr()
    assert [json.loads(line)["state"] for line in told.out.splitlines()] == ["running"]
    assert told.err == f"earshot: earshot.checkpoints/0/{offset} is not ours and is left out\n"


TRUSTED = [
    ("other", True, "what another program keeps under its own name concerns no source"),
    ("feed", False, "where a source stood is not known any more, and it must not begin anew unasked"),
]


@pytest.mark.parametrize(("key", "begins", "sentence"), TRUSTED)
def test_ingest_begins_unless_a_checkpoint_is_written_over(
    settings: Settings, key: str, begins: bool, sentence: str
) -> None:
    produce(settings, (CHECKPOINTS, key, FOREIGN))
    strays: list[Stray] = []
    found = read_checkpoints(settings, strays.append)
    if begins:
        assert _trusted(found, strays, frozenset({"feed"})) == {}, sentence
    else:
        with pytest.raises(ConfigError, match=r"earshot\.checkpoints: the checkpoint of feed is written over"):
            _trusted(found, strays, frozenset({"feed"}))


def test_a_source_goes_on_from_the_checkpoint_before_the_one_that_is_written_over(settings: Settings) -> None:
    known = Checkpoint(source="feed", at=AT, cursor={"etag": "1"})
    produce(settings, (CHECKPOINTS, "feed", known.to_bytes()), (CHECKPOINTS, "feed", FOREIGN))
    strays: list[Stray] = []
    found = read_checkpoints(settings, strays.append)
    assert _trusted(found, strays, frozenset({"feed"})) == {"feed": known}
    assert len(strays) == 1


@pytest.mark.parametrize("key", ["other", "layout"])
def test_deliver_is_let_in_beside_a_foreign_layout(
    settings: Settings, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_layout(settings, 1)
    [offset] = produce(settings, (LAYOUT, key, FOREIGN))
    for _ in range(2):
        assert _admit(settings, again=False)
    assert read_layout(settings) == 1
    named = [record.getMessage() for record in caplog.records if record.name == "strays"]
    assert named == [f"earshot.layout/0/{offset} is not ours and is left out: another program writes into the topic"], (
        "once, however often it is read"
    )


def test_a_layout_that_is_gone_is_not_taken_for_none(settings: Settings) -> None:
    """A worker would write its own, although the state may lie in another number of partitions."""
    produce(settings, (LAYOUT, "layout", FOREIGN))
    with pytest.raises(ConfigError, match=r"earshot\.layout: the layout is written over .* at offset 0"):
        read_layout(settings)


def test_what_was_decided_is_read_beside_a_foreign_record_under_the_same_key(settings: Settings) -> None:
    known = Receipt(mention="x:1", watch="acme", at=AT, decision=Decision.BELOW_THRESHOLD, incident="acme-1")
    foreign = b'{"incident": "acme-1", "password": "geheim"}'
    produce(settings, (RECEIPTS, "x:1", foreign), (RECEIPTS, "x:1", known.to_bytes()), (DELIVERIES, "a.b", FOREIGN))
    assert receipts(settings, "x:1") == receipts(settings, incident="acme-1") == [known]
    assert deliveries(settings, ["a"]) == {}
