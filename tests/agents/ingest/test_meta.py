"""What Meta's payloads mean, how they are signed, and how much of a limit is used: all of it pure."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ingest.platforms import facebook, instagram, meta, threads
from agents.ingest.platforms.meta import Change, Ignored, Meaning, Unread, Usage, changes, usage
from agents.ingest.platforms.payload import load, moment
from agents.ingest.platforms.threads_words import words
from schemas.errors import ConfigError, InvalidMessage, SourceError
from schemas.event import Deletion, Edit, Event
from tests.agents.ingest.payloads import payload
from tests.servers.graph import signed_request

SEEN = datetime(2026, 3, 2, 12, tzinfo=UTC)
READERS = {"facebook": facebook.read_change, "instagram": instagram.read_change, "threads": threads.read_change}


def meanings(name: str) -> list[Meaning]:
    read = READERS[name.partition("/")[0]]
    return [change if isinstance(change, Ignored) else read(change, "s", SEEN) for change in changes(payload(name))]


def test_a_comment_has_all_that_is_told_of_it() -> None:
    [event] = meanings("facebook/comment")
    assert isinstance(event, Event)
    assert event.key == "facebook:1234_55_901"
    assert event.text.startswith("Seit Montag kein Zug")
    assert event.author is not None
    assert (event.author.id, event.author.name) == ("7701", "Jana Beispiel")
    assert (event.in_reply_to, event.url) == ("1234_55", "https://www.facebook.com/nordbahn/posts/55")
    assert (event.time, event.seen) == (datetime(2026, 3, 2, 11, 29, 58, tzinfo=UTC), SEEN), "never the entry's time"


def test_a_mention_may_say_who_and_when_in_other_ways() -> None:
    [event] = meanings("facebook/mention")
    assert isinstance(event, Event)
    assert event.author is not None
    assert (event.key, event.author.id, event.author.name) == ("facebook:8800_12", "8800", "Pendler Nord")
    assert event.time == datetime(2026, 3, 2, 11, 30, tzinfo=UTC)


def test_a_mention_may_say_neither_who_nor_when() -> None:
    [event] = meanings("facebook/mention_without_sender")
    assert isinstance(event, Event)
    assert (event.key, event.author, event.time) == ("facebook:8800_13_4", None, SEEN), "then it is when we saw it"


def test_three_shapes_in_one_batch() -> None:
    found = meanings("facebook/mixed")
    kinds = [item if isinstance(item, Ignored) else type(item) for item in found]
    expected = [Ignored.MESSAGE, Event, Ignored.REACTION, Edit, Deletion, Ignored.OWN, Event, Unread, Ignored.FIELD]
    assert kinds == expected
    flat, edit, deletion, review, photo = (item for item in found if not isinstance(item, Ignored))
    assert isinstance(flat, Event)
    assert (flat.key, flat.text) == ("facebook:1234_60", "An die Wand geschrieben")
    assert isinstance(edit, Edit)
    assert edit.text.endswith("jetzt rief jemand an.")
    assert isinstance(deletion, Deletion)
    assert (deletion.key, deletion.author) == ("facebook:1234_55_902", False)
    assert isinstance(review, Event)
    assert (review.text, review.author and review.author.name) == ("Nie wieder Nordbahn", "Rita")
    assert photo == Unread("post", "1234_63")


VERBS = [
    ("add", Event, "new"),
    ("edited", Edit, "its new state"),
    ("edit", Edit, "in its other spelling"),
    ("unhide", Edit, "there again, with what it says"),
    ("remove", Deletion, "gone"),
    ("hide", Deletion, "out of sight"),
    ("follow", Ignored.VERB, "not about words"),
]


@pytest.mark.parametrize(("verb", "kind", "sentence"), VERBS)
def test_each_verb(verb: str, kind: object, sentence: str) -> None:
    value = {"item": "comment", "comment_id": "1_2_3", "post_id": "1_2", "verb": verb, "message": "hm"}
    found = facebook.read_change(Change("page", "9", "feed", value), "s", SEEN)
    assert (found if isinstance(found, Ignored) else type(found)) == kind, sentence


def test_the_same_notification_again_is_the_same_value() -> None:
    assert meanings("facebook/mixed") == meanings("facebook/mixed")


def test_instagram_tells_mentions_by_ids_only() -> None:
    assert meanings("instagram/mentions") == [
        Unread("mentioned_comment", "17894227972186121", "17918195224117852"),
        Unread("mentioned_media", "17918195224117853"),
        Ignored.FIELD,
    ]


def test_instagram_comment() -> None:
    [event] = meanings("instagram/comment")
    assert isinstance(event, Event)
    assert event.author is not None
    assert (event.key, event.author.name, event.time) == ("instagram:17894227972186120", "pendlerin", SEEN)
    assert event.in_reply_to == "17918195224117851"


def test_threads() -> None:
    [event] = meanings("threads/reply")
    assert isinstance(event, Event)
    assert event.author is not None
    assert (event.key, event.author.id, event.author.name) == ("threads:18001", None, "pendler_nord")
    assert (event.in_reply_to, event.media) == ("18000", False)
    assert event.time == datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
    [gone] = meanings("threads/delete")
    assert isinstance(gone, Deletion)
    assert gone.key == event.key


TIMES = [
    (1772451000, datetime(2026, 3, 2, 11, 30, tzinfo=UTC), "seconds"),
    ("1772451000", datetime(2026, 3, 2, 11, 30, tzinfo=UTC), "seconds as a text"),
    (1772451000000, datetime(2026, 3, 2, 11, 30, tzinfo=UTC), "milliseconds"),
    ("2026-03-02T12:30:00+0100", datetime(2026, 3, 2, 11, 30, tzinfo=UTC), "ISO with Meta's zone"),
    ("2026-03-02T11:30:00", datetime(2026, 3, 2, 11, 30, tzinfo=UTC), "ISO without a zone"),
    (True, None, "no time"),
    (10**400, None, "an absurd number"),
    (-5, None, "before 1970"),
    ("yesterday", None, "words"),
    ({"a": 1}, None, "an object"),
]


@pytest.mark.parametrize(("written", "time", "sentence"), TIMES)
def test_times(written: Any, time: datetime | None, sentence: str) -> None:
    assert moment(written) == time, sentence


BODY = b'{"object":"page","entry":[]}'
SIGNED = [
    (meta.sign(b"new", BODY), True, "the new secret"),
    (meta.sign(b"old", BODY), True, "the old one while they are changed"),
    (f" {meta.sign(b'new', BODY)} ", True, "with white space around it"),
    (meta.sign(b"other", BODY), False, "somebody else's"),
    (meta.sign(b"new", BODY + b" "), False, "of another body"),
    (meta.sign(b"new", BODY).removeprefix("sha256="), False, "without saying how"),
    (meta.sign(b"new", BODY).replace("sha256=", "sha1="), False, "by an older way"),
    ("sha256=äöü", False, "no hex"),
    ("", False, "none"),
]


@pytest.mark.parametrize(("header", "fits", "sentence"), SIGNED)
def test_signatures(header: str, fits: bool, sentence: str) -> None:
    assert meta.trusted((b"new", b"old"), header, BODY) is fits, sentence


HANDSHAKES = [
    ({"hub.mode": "subscribe", "hub.challenge": "77", "hub.verify_token": "v"}, "77", "Meta asks"),
    ({"hub.mode": "subscribe", "hub.challenge": "77", "hub.verify_token": "w"}, None, "somebody guesses"),
    ({"hub.mode": "unsubscribe", "hub.challenge": "77", "hub.verify_token": "v"}, None, "another mode"),
    ({"hub.mode": "subscribe", "hub.verify_token": "v"}, None, "no challenge"),
    ({}, None, "nothing"),
]


@pytest.mark.parametrize(("query", "answer", "sentence"), HANDSHAKES)
def test_handshake(query: dict[str, str], answer: str | None, sentence: str) -> None:
    assert meta.challenged(query, "v") == answer, sentence


def test_a_signed_request_names_who_wants_to_be_forgotten() -> None:
    said = json.dumps({"algorithm": "HMAC-SHA256", "issued_at": 1, "user_id": "218471"}).encode()
    assert meta.read_signed_request((b"new", b"old"), signed_request(b"old", said))["user_id"] == "218471"


FORGED = [
    (signed_request(b"other", b'{"algorithm":"HMAC-SHA256","user_id":"1"}'), "by somebody else"),
    (signed_request(b"new", b'{"algorithm":"none","user_id":"1"}'), "another algorithm"),
    (signed_request(b"new", b'{"algorithm":"HMAC-SHA256"}'), "nobody"),
    (signed_request(b"new", b"{"), "no JSON"),
    ("a.b.c", "nonsense"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("signed", "sentence"), FORGED)
def test_other_signed_requests_are_refused(signed: str, sentence: str) -> None:
    with pytest.raises(InvalidMessage):
        meta.read_signed_request((b"new",), signed)


BUSINESS = {"1234": [{"type": "pages", "call_count": 12, "total_time": 96, "estimated_time_to_regain_access": 0}]}
USED = [
    ({}, Usage(0), 0, "nothing is told"),
    ({"X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":25}'}, Usage(28), 0, "far from it"),
    ({"x-app-usage": '{"call_count":85}'}, Usage(85), 30, "half way from slow to stop"),
    ({"X-Business-Use-Case-Usage": json.dumps(BUSINESS)}, Usage(96), 60, "the highest of all counts"),
    ({"X-App-Usage": "{broken"}, Usage(0), 0, "nothing that can be read"),
    ({"X-App-Usage": '{"call_count":"many"}', "X-Business-Use-Case-Usage": '{"1":7}'}, Usage(0), 0, "other types"),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "expected", "pause", "sentence"), USED)
def test_usage(headers: dict[str, str], expected: Usage, pause: float, sentence: str) -> None:
    assert usage(headers) == expected, sentence
    assert usage(headers).pause == pytest.approx(pause)


def test_at_the_limit_nothing_is_asked_for_as_long_as_meta_says() -> None:
    assert usage({"X-App-Usage": '{"call_count":94.9}'}).stop == 0
    assert usage({"X-App-Usage": '{"call_count":95}'}).stop == 3600
    told = {"1": [{"call_count": 100, "estimated_time_to_regain_access": 19}]}
    assert usage({"X-Business-Use-Case-Usage": json.dumps(told)}).stop == 19 * 60


REFUSED = [
    ({"code": 190, "error_subcode": 463}, 400, ConfigError, "the token has expired"),
    ({"code": 200}, 403, ConfigError, "a permission is missing"),
    ({"code": 10}, 400, ConfigError, "another way to say so"),
    ({"code": 4}, 400, SourceError, "too many calls"),
    ({"code": 80001}, 400, SourceError, "too many calls for the page"),
    ({"code": 100, "error_subcode": 33}, 400, SourceError, "it is gone"),
    ({"code": 2}, 500, SourceError, "Meta has a bad day"),
    ({"code": "x"}, 400, SourceError, "no code"),
]


@pytest.mark.parametrize(("error", "status", "kind", "sentence"), REFUSED)
def test_refusals(error: dict[str, Any], status: int, kind: type[Exception], sentence: str) -> None:
    found = meta.refusal({"error": error | {"message": "EAAB-secret"}}, status, Usage(regain=60))
    assert type(found) is kind, sentence
    assert "EAAB-secret" not in str(found)


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("x" * 300_000),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["object", "entry", "changes", "values", "field", "value", "id", "messaging", "from", "media"]
            )
            | st.sampled_from(
                ["post_id", "comment_id", "media_id", "created_time", "timestamp", "message", "item", "verb"]
            )
            | st.sampled_from(["text", "permalink_url", "like_count", "replied_to", "username", "target_id", "shares"]),
            inner | st.sampled_from(["feed", "comment", "post", "mentions", "comments", "replies", "delete", "edited"]),
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE)
def test_nothing_that_may_come_breaks_a_reader(value: Any) -> None:
    for change in changes(value):
        for read in READERS.values():
            if isinstance(change, Change):
                read(change, "s", SEEN)
    facebook.read_post(value, "s", SEEN, "1")
    facebook.read_comment(value, "s", SEEN, "1")
    instagram.read_media(value, "s", SEEN)
    instagram.read_comment(value, "s", SEEN, "1")
    threads.read_post(value, "s", SEEN)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"\xff", b'{"a":NaN}', b"", b'"\\ud800"'])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidMessage):
        load(body)


QUERIES = [
    ("nordbahn", ("nordbahn",), "a word"),
    ('"nordbahn ag" OR nordbahn', ("nordbahn ag", "nordbahn"), "either of two"),
    ("(zug OR bahn) AND nordbahn", ("nordbahn",), "of an AND the shorter operand"),
    ("nordbahn AND NOT ticket", ("nordbahn",), "what must not be there is not asked for"),
    ("nordbahn NEAR/3 verspätung", ("nordbahn",), "one of two that are near"),
    ("nordba* OR platform:x", ("nordba",), "the letters of a word with a star; fields are not searched"),
    ("NOT (", (), "what cannot be read asks for nothing"),
]


@pytest.mark.parametrize(("query", "expected", "sentence"), QUERIES)
def test_words_to_search_for(query: str, expected: tuple[str, ...], sentence: str) -> None:
    assert words([query, query]) == expected, sentence


def test_the_longest_wait_is_bounded() -> None:
    assert Usage(percent=94.99).pause <= 60
    assert timedelta(seconds=Usage(percent=200).stop) == timedelta(hours=1)
