"""What has a glimpse is a sound event and says the same; all else has none and is read as ever."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.event import Author, Event, delivered
from schemas.glimpse import AuthorGlimpse, Glimpse, glimpse

POST: dict[str, Any] = {
    "schema_version": 1,
    "type": "event",
    "platform": "x",
    "id": "1",
    "time": "2026-01-01T00:00:00+00:00",
    "text": "Grüße 🔥",
    "title": "Titel",
    "source": "s",
    "seen": "2026-01-01T00:00:01.5Z",
    "author": {"id": "7", "name": "anna", "followers": 3, "verified": True, "created": "2020-01-01T00:00:00Z"},
    "url": "https://example.org/1",
    "metrics": {"likes": 3, "views": 1.5},
    "media": True,
    "backfill": False,
}
TIMES = ("time", "seen", "created")


def _post(**fields: Any) -> bytes:
    return json.dumps(POST | fields, ensure_ascii=False).encode()


def _said(post: Any, names: Any) -> dict[str, Any]:
    return {name: getattr(post, name) for name in names if name not in (*TIMES, "author")}


def _agrees(data: bytes) -> bool:
    """Tell whether there is a glimpse; if so, the record must be an event that says the same."""
    found = glimpse(data)
    if found is None:
        return False
    event = delivered.validate_json(data)
    assert type(event) is Event
    assert _said(found, Glimpse.__struct_fields__) == _said(event, Glimpse.__struct_fields__)
    assert abs(found.seen - event.seen) <= timedelta(microseconds=1)
    assert (found.author is None) == (event.author is None)
    if found.author is not None:
        fields = found.author.__struct_fields__
        assert _said(found.author, fields) == _said(event.author, fields)
    return True


def test_there_is_a_glimpse_of_what_every_source_writes() -> None:
    assert _agrees(_post())
    assert _agrees(Event.model_validate_json(_post()).to_bytes())


def test_a_glimpse_knows_every_field_so_that_none_makes_it_slow() -> None:
    assert set(Glimpse.__struct_fields__) == set(Event.model_fields)
    assert set(AuthorGlimpse.__struct_fields__) == set(Author.model_fields)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"type": "edit"}, "an edit is no event"),
        ({"type": None}, "nor is what does not say what it is"),
        ({"platform": "Twitter"}, "a platform by another name"),
        ({"platform": "twitter"}, "an old name"),
        ({"platform": "  "}, "no name at all"),
        ({"platform": "x" * 41}, "too long a name"),
        ({"id": 7}, "a number for an id is read as text"),
        ({"id": ""}, "no id"),
        ({"text": None}, "no text"),
        ({"time": "2026-01-01T00:00:00"}, "a time without a zone"),
        ({"time": "0001-01-01T00:00:00+01:00"}, "a time that has no UTC"),
        ({"seen": "9999-12-31T23:59:59-01:00"}, "nor has this one"),
        ({"time": 1767225600}, "a number for a time"),
        ({"author": {"followers": -1}}, "fewer than no followers"),
        ({"author": {"created": "9999-12-31T23:59:59-01:00"}}, "an account of the year 10000"),
        ({"metrics": {"likes": "many"}}, "a word for a number"),
        ({"news": 1}, "a field that a newer version added"),
    ],
)
def test_of_the_unusual_there_is_no_glimpse(changed: dict[str, Any], sentence: str) -> None:
    assert glimpse(_post(**changed)) is None, sentence


@pytest.mark.parametrize("broken", [b"", b"3", b"{", _post()[:-1], _post() + b"x", _post().replace(b"a", b"\xff")])
def test_nor_is_there_one_of_what_is_no_json(broken: bytes) -> None:
    assert glimpse(broken) is None


_NAMES = st.sampled_from([*POST, "created", "lang", "in_reply_to", "country"])
_ODD = st.sampled_from(["2026-01-01T00:00:00.9999999Z", "2026-02-30T00:00:00Z", "1e3", "\x00", "\ud7ff", "ß"])
_VALUES: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _ODD
_VALUES |= st.dictionaries(st.sampled_from(["id", "name", "followers", "created", "a"]), _VALUES, max_size=2)


@given(st.dictionaries(_NAMES, _VALUES, max_size=2))
def test_whatever_a_field_holds_a_glimpse_never_claims_more_than_reading(fields: dict[str, Any]) -> None:
    _agrees(_post(**fields))


@given(st.integers(0, len(_post()) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_whatever_is_broken_a_glimpse_never_claims_more_than_reading(at: int, new: bytes, gone: int) -> None:
    data = _post()
    try:
        _agrees(data[:at] + new + data[at + gone :])
    except ValidationError as error:
        raise AssertionError("there was a glimpse of what cannot be read") from error
