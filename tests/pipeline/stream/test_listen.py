"""Listen without a broker: what each kind of raw record leads to, and what is poison."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.observe import counter
from pipeline import sentiment
from pipeline.check import load_watches
from pipeline.stream.batch import Batch
from pipeline.stream.dead import read
from pipeline.stream.follow import Edition
from pipeline.stream.listen import Listen, read_models
from schemas.control import Forget, judged
from schemas.dead import Dead
from schemas.errors import ConfigError, InvalidMessage
from schemas.event import Deletion, Edit, Event, Gap, Heartbeat, delivered
from schemas.mention import Match
from schemas.metrics import EVENTS_READ, MATCHES
from schemas.model import Record
from schemas.settings import load_settings
from schemas.tick import Tick
from schemas.topics import DEAD, MAX_RAW_BYTES, MENTIONS
from tests.broker.worker import WATCHES
from tests.pipeline import tiny

AT = datetime(2026, 3, 2, tzinfo=UTC)


def post(text: str) -> Event:
    return Event(platform="x", id="1", time=AT, source="s", seen=AT, text=text)


@dataclass
class Raw:
    """A record as the consumer hands it out."""

    value: bytes | None
    key: bytes | None = b"x:1"
    topic: str = "earshot.raw.x"
    partition: int = 2
    offset: int = 7
    timestamp: int = 1_772_409_600_000
    """When it was written, in milliseconds since 1970: at `AT`."""


def listen(clock: str = "events") -> Listen:
    outbox: Any = None
    return Listen(load_settings(clock=clock, partitions=3), Edition.of(load_watches(WATCHES, "watches.yml")), outbox)


@pytest.fixture(scope="module")
def stage() -> Listen:
    return listen()


KINDS: list[tuple[str, Record, list[tuple[type[Record], str, int]]]] = [
    ("a post about both watches", post("acme train"), [(Match, "acme", -1), (Match, "trains", -1)]),
    ("a post about nothing", post("good morning"), []),
    (
        "an edit is a match too, and whom it says nothing to any more forgets what stood there",
        Edit(platform="x", id="1", time=AT, source="s", seen=AT, text="acme"),
        [(Match, "acme", -1), (Forget, "trains", -1)],
    ),
    (
        "a deletion is everybody's business",
        Deletion(source="s", seen=AT, platform="x", id="1"),
        [(Forget, "acme", -1), (Forget, "trains", -1)],
    ),
    (
        "and so is that of an author",
        Deletion(source="s", seen=AT, platform="x", id="anna", author=True),
        [(Forget, "acme", -1), (Forget, "trains", -1)],
    ),
    (
        "a replay's clock",
        Heartbeat(source="s", seen=AT, at=AT, clock=True),
        [(Tick, "tick", part) for part in range(3)],
    ),
    ("a heartbeat that is no clock", Heartbeat(source="s", seen=AT, at=AT), []),
    ("a gap is shown, not judged", Gap(source="s", seen=AT, since=AT, until=AT, reason="resume"), []),
]


@pytest.mark.parametrize(("sentence", "record", "expected"), KINDS)
def test_every_kind_has_its_consequence(
    stage: Listen, sentence: str, record: Record, expected: list[tuple[type[Record], str, int]]
) -> None:
    out = stage.hear([Raw(record.to_bytes())], stage.edition)
    found = [(type(judged.validate_json(one.value or b"")), one.key.decode(), one.partition) for one in out]
    assert found == expected, sentence
    assert {one.topic for one in out} <= {MENTIONS}


@pytest.mark.parametrize(
    ("ahead", "written", "topics"),
    [
        (timedelta(), None, [MENTIONS]),
        (timedelta(hours=23), None, [MENTIONS]),
        (timedelta(hours=25), None, [DEAD]),
        (timedelta(days=365), None, [DEAD]),
        (timedelta(days=365), -1, [MENTIONS]),
        (timedelta(days=365), 253_402_300_799_999, [MENTIONS]),
        (timedelta(days=365), 2**62, [MENTIONS]),
    ],
    ids=["now", "a zone wrong", "a day", "a year", "a log without time", "a log of the year 9999", "one beyond it"],
)
def test_a_post_seen_in_the_future_makes_no_watch_deaf(
    stage: Listen, ahead: timedelta, written: int | None, topics: list[str]
) -> None:
    """A watch's time moves forward only: all that comes after such a post would be too late to alert."""
    sent = post("acme").model_copy(update={"seen": AT + ahead, "time": AT + ahead})
    raw = Raw(sent.to_bytes()) if written is None else Raw(sent.to_bytes(), timestamp=written)
    found = stage.hear([raw], stage.edition)
    assert [one.topic for one in found] == topics
    if topics == [DEAD]:
        assert Dead.from_bytes(found[0].value or b"").reason == "from-the-future"


def test_the_wall_clock_takes_no_time_from_a_source() -> None:
    beat = Heartbeat(source="s", seen=AT, at=AT, clock=True)
    stage = listen("wall")
    assert stage.hear([Raw(beat.to_bytes())], stage.edition) == []


def test_many_records_are_answered_in_their_order(stage: Listen) -> None:
    """They are matched stage by stage; each gets its own answer, whatever stands between."""
    gone = Deletion(source="s", seen=AT, platform="x", id="9")
    records: list[Record | Raw] = [
        post("acme one"),
        post("nothing"),
        gone,
        Raw(b"3"),
        post("train two"),
        post("acme three"),
    ]
    raw = [one if isinstance(one, Raw) else Raw(one.to_bytes()) for one in records]
    together = stage.hear(raw, stage.edition)
    graves = [one for one in together if one.topic == DEAD]
    assert [one for one in together if one.topic != DEAD] == [
        out for one in raw if one.value != b"3" for out in stage.hear([one], stage.edition)
    ]
    assert [out.key for out in together].index(graves[0].key) == 3, "behind the first match and two that forget"


def poison() -> Iterator[tuple[str, bytes | None, str]]:
    yield "not-json", None, "a record without a value"
    yield "not-json", b'{"type":"event"', "cut off"
    yield "not-utf8", b'{"type":"ev\xff"}', "a byte that is no text"
    yield "wrong-type", b"3", "a number"
    yield "wrong-type", b'{"type":"event","platform":"x"}', "an event without its fields"
    yield "too-large", b"x" * (MAX_RAW_BYTES + 1), "one byte too many"
    yield "too-large", post("acme " + "\u0001" * 199_000).to_bytes(), "as JSON it is too large"


@pytest.mark.parametrize(("reason", "value", "sentence"), list(poison()))
def test_poison_is_buried_with_its_reason(stage: Listen, reason: str, value: bytes | None, sentence: str) -> None:
    [grave] = stage.hear([Raw(value)], stage.edition)
    dead = Dead.from_bytes(grave.value or b"")
    assert (grave.topic, dead.reason, dead.id) == (DEAD, reason, "earshot.raw.x/2/7"), sentence
    assert dead.original == (value or b"")[:65_536]


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(value: bytes) -> None:
    with pytest.raises(InvalidMessage, match=r"^(not-json|not-utf8|wrong-type)"):
        read(value, delivered)


class Paper:
    """An outbox that writes nowhere."""

    async def deliver(self, records: object, lost: object = None) -> bool:  # noqa: ARG002
        return True


async def test_the_metrics_count_what_each_batch_held() -> None:
    paper: Any = Paper()
    stage = Listen(load_settings(partitions=3), Edition.of(load_watches(WATCHES, "watches.yml")), paper)
    read_, matched = counter(EVENTS_READ).labels("x")._value, counter(MATCHES).labels("acme")._value
    before = read_.get(), matched.get()
    records = [Raw(post(text).to_bytes()) for text in ("acme", "nothing", "acme again")]
    for _ in range(2):
        await stage.process(Batch("earshot.raw.x", 2, [*records, Raw(b"poison")], lambda: False, lambda: None))
    assert (read_.get() - before[0], matched.get() - before[1]) == (6, 4)


def test_the_stage_judges_with_the_model_that_is_set_and_is_not_started_without(tmp_path: Path) -> None:
    outbox: Any = None
    settings = load_settings(partitions=3, sentiment_model=str(tiny.make(tmp_path)))
    edition = Edition.of(load_watches(WATCHES, "watches.yml"))
    (outgoing,) = Listen(settings, edition, outbox).hear([Raw(post("acme schlecht").to_bytes())], edition)
    found = judged.validate_json(outgoing.value or b"")
    assert isinstance(found, Match)
    assert (found.sentiment.label, found.sentiment.words) == ("negative", ())
    with pytest.raises(ConfigError, match="EARSHOT_SENTIMENT_MODEL"):
        Listen(load_settings(sentiment_model=str(tmp_path / "none")), edition, outbox)


@pytest.mark.parametrize(
    ("model", "languages", "expected", "sentence"),
    [
        (False, "", {"de", "en"}, "they are what judges"),
        (True, "", set(), "the model judges every language"),
        (True, "de", {"en"}, "the model is asked for German alone"),
    ],
)
def test_lexicons_that_judge_nothing_are_not_read(
    model: bool, languages: str, expected: set[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    def noted(code: str) -> Any:
        def weigh(_parts: Any) -> None:
            asked.add(code)

        return weigh

    monkeypatch.setattr(sentiment, "_LEXICONS", {code: noted(code) for code in ("de", "en")})
    folder = str(tiny.make(tmp_path)) if model else ""
    read_models(load_settings(sentiment_model=folder, sentiment_languages=languages))
    assert asked == expected, sentence
