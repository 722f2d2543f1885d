"""Posts in the replay line format: what is read, and what is said about the rest."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.posts import InvalidPost, delivered, read_post, read_posts
from schemas.event import Deletion, Edit, Event
from schemas.topics import MAX_RAW_BYTES

GOOD = b'{"platform":"X","id":1,"time":"2013-12-01T12:20:00Z","text":"secret words"}'
NOW = datetime(2026, 11, 27, tzinfo=UTC)
POST: dict[str, Any] = {"platform": "x", "id": "1", "time": "2013-12-01T12:20:00Z", "text": "hello"}
PRETTY = json.dumps(json.loads(GOOD), indent=2).encode()


@pytest.mark.parametrize(
    ("body", "count", "sentence"),
    [
        (GOOD, 1, "one object"),
        (PRETTY, 1, "one object over several lines"),
        (b"[" + GOOD + b"," + GOOD + b"]", 2, "an array"),
        (b"\n " + GOOD + b"\r\n\r\n" + GOOD + b"\n", 2, "one a line, empty lines between"),
        (GOOD[:-1] + b',"new_field":{"a":1}}', 1, "fields we do not know yet"),
        (GOOD.replace(b"X", b"Twitter"), 1, "a platform by its old name"),
    ],
)
def test_read(body: bytes, count: int, sentence: str) -> None:
    posts = read_posts(body)
    assert [(post.platform, post.id) for post in posts] == [("x", "1")] * count, sentence


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ({"type": "edit", **POST}, Edit.model_validate_strings({"source": "s", "seen": str(NOW), **POST})),
        ({"type": "deletion", "platform": "twitter", "id": 1}, Deletion(source="s", seen=NOW, platform="x", id="1")),
        (
            {"type": "deletion", "platform": "x", "id": "7", "author": True},
            Deletion(source="s", seen=NOW, platform="x", id="7", author=True),
        ),
        ({"type": "photo", **POST}, Event.model_validate_strings({"source": "s", "seen": str(NOW), **POST})),
    ],
    ids=["an edit", "a deletion", "all of an author", "a type that is the platform's own"],
)
def test_a_line_may_change_or_take_back_what_was_sent(line: dict[str, Any], item: Event | Deletion) -> None:
    [found] = read_posts(json.dumps(line).encode())
    assert delivered(found, "s", NOW) == item


@pytest.mark.parametrize(
    ("line", "field"),
    [({"type": "edit", "platform": "x"}, "id"), ({"type": "deletion", "platform": "x"}, "id")],
)
def test_what_an_edit_or_a_deletion_lacks_is_named(line: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidPost) as caught:
        read_posts(json.dumps([line]).encode())
    assert caught.value.where == {"item": 1, "field": field}


@pytest.mark.parametrize(
    ("body", "reason", "where", "sentence"),
    [
        (b"  \n", "not-json", {}, "nothing"),
        (b"[]", "not-json", {}, "an array of nothing"),
        (b"7", "wrong-type", {"line": 1}, "JSON, but no object"),
        (GOOD + b"\n{", "not-json", {"line": 2}, "the second line breaks off"),
        (GOOD[:-1] + b"\n" + GOOD, "not-json", {"line": 1}, "the first line breaks off"),
        (b'{"id":1}', "wrong-type", {"line": 1, "field": "platform"}, "a field is missing"),
        (GOOD.replace(b'"id":1', b'"id":""'), "wrong-type", {"line": 1, "field": "id"}, "an empty id"),
        (GOOD.replace(b'"X"', b'"  "'), "wrong-type", {"line": 1, "field": "platform"}, "a platform of blanks"),
        (GOOD.replace(b"2013-12-01", b"gestern"), "wrong-type", {"line": 1, "field": "time"}, "no time"),
        (
            GOOD.replace(b"2013-12", b"0001-01").replace(b"Z", b"+14:00"),
            "wrong-type",
            {"line": 1, "field": "time"},
            "before the year 1",
        ),
        (PRETTY.replace(b"2013-12-01", b"gestern"), "wrong-type", {"field": "time"}, "an object over several lines"),
        (b"[" + GOOD + b',{"platform":3}]', "wrong-type", {"item": 2, "field": "platform"}, "the second of an array"),
        (
            GOOD[:-1] + b',"author":{"followers":-1}}',
            "wrong-type",
            {"line": 1, "field": "author.followers"},
            "inside the author",
        ),
        (GOOD[:-1] + b',"metrics":{"likes":NaN}}', "wrong-type", {"line": 1, "field": "metrics.likes"}, "no number"),
        (GOOD.replace(b"words", b"w\xf6rter"), "not-utf8", {"line": 1}, "Latin-1"),
        (GOOD.replace(b"words", b"\\ud800"), "not-json", {"line": 1}, "half of a character"),
    ],
)
def test_refused(body: bytes, reason: str, where: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidPost) as caught:
        read_posts(body)
    assert (caught.value.reason, caught.value.where) == (reason, where), sentence
    assert "secret" not in str(caught.value), "the words of a post stay out of errors and logs"


def test_a_line_too_long_for_the_pipeline_is_refused() -> None:
    with pytest.raises(InvalidPost, match="too-large: 1048577 bytes are more than 1048576"):
        read_post(b" " * (MAX_RAW_BYTES + 1))


@given(
    st.binary()
    | st.lists(st.sampled_from([GOOD, PRETTY, b"{", b"[", b"]", b"\n", b",", b'"', b"\xff", b"0"])).map(b"".join)
)
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    # anything but InvalidPost would end the test, as it would end the process
    with suppress(InvalidPost):
        assert read_posts(body)


def test_a_list_over_several_lines_is_told_to_be_one() -> None:
    with pytest.raises(InvalidPost) as caught:
        read_post(b"[" + GOOD + b",")
    assert "write one post a line, without brackets" in caught.value.detail
