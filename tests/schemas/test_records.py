"""Every record of every topic survives being written and read, and tolerates what a newer version adds."""

import importlib
import json
import pkgutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

import schemas
from schemas.control import Gone, ListVersion, Taken, judged
from schemas.dead import KEPT_BYTES, bury
from schemas.event import Event, Post, delivered
from schemas.model import Heard, Record, Written
from tests.schemas.records import INSTANTS, made_of

AT = datetime(2015, 1, 1, tzinfo=UTC)
MODULES = [importlib.import_module(f"schemas.{found.name}") for found in pkgutil.iter_modules(schemas.__path__)]
MODELS: list[type[BaseModel]] = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    },
    key=lambda model: model.__name__,
)
RECORDS = [model for model in MODELS if issubclass(model, Record) and model is not Record]
NAMES = [model.__name__ for model in RECORDS]


def test_there_are_records_to_test() -> None:
    assert {"Event", "Match", "Alert", "Delivery", "Tick", "WatchVersion"} <= set(NAMES)


@pytest.mark.parametrize("model", RECORDS, ids=NAMES)
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_again(model: type[Record], data: st.DataObject) -> None:
    record = data.draw(made_of(model))
    written = record.to_bytes()
    again = model.from_bytes(written)
    assert again == record
    assert again.to_bytes() == written


@pytest.mark.parametrize("model", RECORDS, ids=NAMES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data())
def test_a_record_is_one_json_object_with_its_version(model: type[Record], data: st.DataObject) -> None:
    written = json.loads(data.draw(made_of(model)).to_bytes())
    assert written["schema_version"] >= 0
    assert None not in written.values()


@pytest.mark.parametrize("model", RECORDS, ids=NAMES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data())
def test_a_field_of_a_newer_version_is_ignored(model: type[Record], data: st.DataObject) -> None:
    record = data.draw(made_of(model))
    newer = json.loads(record.to_bytes()) | {"added_later": {"anything": [1]}}
    assert model.from_bytes(json.dumps(newer).encode()) == record


@pytest.mark.parametrize("model", RECORDS, ids=NAMES)
@settings(max_examples=15)
@given(noise=st.binary(max_size=50))
def test_noise_is_a_validation_error_or_a_record(model: type[Record], noise: bytes) -> None:
    with suppress(ValidationError):
        model.from_bytes(noise)


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_nothing_that_flows_can_be_changed(model: type[BaseModel]) -> None:
    assert model.model_config.get("frozen") is True


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data())
def test_a_union_is_read_by_its_type(data: st.DataObject) -> None:
    alone = (ListVersion, Gone, Taken)  # each is told by its key in a topic of other records
    tagged = [model for model in RECORDS if "type" in model.model_fields and model not in alone]
    record: Any = data.draw(made_of(data.draw(st.sampled_from(tagged))))
    reader: Any = delivered if record.type in {"event", "edit", "deletion", "gap", "heartbeat"} else judged
    if isinstance(record, ListVersion):  # stands in the topic of the watches only
        reader = TypeAdapter(ListVersion)
    assert reader.validate_json(record.to_bytes()) == record


@given(INSTANTS, st.integers(-14 * 4, 14 * 4))
def test_a_time_of_any_zone_is_the_same_instant_in_utc(instant: Any, quarters: int) -> None:
    local = instant.astimezone(timezone(timedelta(minutes=15 * quarters)))
    post = Post.model_validate_json(json.dumps({"platform": "x", "id": "1", "time": local.isoformat(), "text": ""}))
    assert post.time == instant
    assert post.time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"id": True}, "a truth value is no id", id="id is a truth value"),
        pytest.param({"id": ""}, "an id must be there", id="id is empty"),
        pytest.param({"text": 5}, "a text is a text", id="text is a number"),
        pytest.param({"time": "yesterday"}, "a time is ISO 8601", id="time is a word"),
        pytest.param({"author": "me"}, "an author is an object", id="author is a text"),
        pytest.param({"author": {"followers": -1}}, "nobody has fewer than no followers", id="followers are negative"),
        pytest.param({"metrics": {"likes": "many"}}, "a count is a number", id="a metric is a word"),
    ],
)
def test_a_post_of_the_wrong_form_is_refused(change: dict[str, Any], reason: str) -> None:
    good = {"platform": "x", "id": "1", "time": "2015-01-01T00:00:00Z", "text": "hello"}
    Post.model_validate_json(json.dumps(good))
    with pytest.raises(ValidationError):
        Post.model_validate_json(json.dumps(good | change))


@pytest.mark.parametrize(
    ("platform", "name"),
    [("Twitter", "x"), (" google+ ", "googleplus"), ("FB", "facebook"), ("mastodon", "mastodon")],
)
def test_a_platform_has_one_name(platform: str, name: str) -> None:
    post = {"platform": platform, "id": 17, "time": "2015-01-01T00:00:00", "text": "", "surprise": 1}
    assert Post.model_validate_json(json.dumps(post)).key == f"{name}:17"


@given(st.binary(max_size=200))
def test_a_dead_record_keeps_the_original(value: bytes) -> None:
    dead = bury(value, reason="not-json", topic="t", partition=0, offset=7, at=AT)
    assert dead.original == value
    assert dead.complete
    assert dead.id == "t/0/7"


def test_of_a_huge_dead_record_the_beginning_is_kept() -> None:
    dead = bury(b"x" * (KEPT_BYTES + 1), reason="too-large", topic="t", partition=0, offset=0, at=AT)
    assert not dead.complete
    assert len(dead.original) == KEPT_BYTES
    assert dead.size == KEPT_BYTES + 1


def test_people_are_held_to_the_fields_and_platforms_are_not() -> None:
    assert Written.model_config["extra"] == "forbid"
    assert Heard.model_config["extra"] == "ignore"


def test_what_is_wrong_with_a_post_is_said_without_its_words() -> None:
    """Errors end in logs."""
    about = {"platform": "x", "id": "1", "time": "2026-01-01T00:00:00Z", "text": "Geheimes", "title": 5}
    for model in (Post, Event):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(about | {"text": "Geheimes \ud800"})
        assert "text" in str(caught.value)
        assert "Geheimes" not in str(caught.value)
