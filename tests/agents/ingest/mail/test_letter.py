"""Mails read as head and body, whatever programs and people have made of them."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agents.ingest.mail.letter import LONGEST_TEXT, MOST_PARTS, read_body, read_head
from schemas.errors import InvalidMessage


def part(kind: str, body: str, more: str = "") -> str:
    return f"--x\nContent-Type: {kind}\n{more}\n{body}\n"


@pytest.mark.parametrize(
    ("line", "sender", "name", "sentence"),
    [
        ("Eva <eva@a.example>", "eva@a.example", "Eva", "as usual"),
        ("EVA@A.example", "eva@a.example", "", "capitals are no difference"),
        ("=?utf-8?q?M=C3=BCller?= <m@a.example>", "m@a.example", "Müller", "encoded"),
        ("=?klingon?b?/A==?= <m@a.example>", "m@a.example", "ü", "an encoding nobody knows"),
        ("a@b.example, c@d.example", "", "", "two are none"),
        ("=?utf-8?b?!?= <m@a.example>", "m@a.example", "", "a broken encoding"),
        ("", "", "", "nobody"),
    ],
)
def test_who_has_sent_it(line: str, sender: str, name: str, sentence: str) -> None:
    head = read_head(f"From: {line}\nSubject: x\n\n".encode())
    assert (head.sender, head.name) == (sender, name), sentence


def test_two_lines_that_say_from_are_none() -> None:
    assert read_head(b"From: a@google.com\nFrom: b@evil.example\n\n").sender == ""


@pytest.mark.parametrize("deep", ["(" * 5_000, "(a" * 5_000 + ")" * 5_000, '"' + "(" * 5_000])
def test_comments_deeper_than_anybody_can_follow_name_nobody(deep: str) -> None:
    """Such a mail would else be asked for again and again, and those behind it never."""
    assert read_head(f"From: {deep} <alerts@google.com>\nSubject: x\n\n".encode()).subject == "x"


def test_what_else_stands_in_a_head() -> None:
    raw = b"Message-ID:\n <a@b>\nSubject: =?iso-8859-1?q?Br=FCcke?=\n =?utf-8?q?_zu?=\n"
    head = read_head(raw + b"Date: Sat, 8 Nov 2025 13:00 +0100\n\n")
    assert (head.message_id, head.subject) == ("a@b", "Brücke zu")
    assert head.date == datetime(2025, 11, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 99 Nov 2025 13:00", "Sat, 8 Nov 99999999 13:00"])
def test_a_date_that_is_none(date: str) -> None:
    assert read_head(f"Date: {date}\n\n".encode()).date is None


def test_a_mail_without_a_name_gets_one_that_stays() -> None:
    assert read_head(b"From: a@b\n\nx").message_id == read_head(b"From: a@b\r\n\r\nother").message_id != ""


@pytest.mark.parametrize(
    ("kind", "body", "expected", "sentence"),
    [
        ("text/plain; charset=utf-8", "Brücke".encode(), "Brücke", "as it says"),
        ("text/plain; charset=iso-8859-1", "„Brücke“".encode("cp1252"), "„Brücke“", "Windows calls itself Latin 1"),
        ("text/plain; charset=us-ascii", "Brücke".encode("cp1252"), "Brücke", "not the seven bits it says"),
        ("text/plain; charset=utf-8", "Brücke".encode("cp1252"), "Brücke", "not what it says"),
        ("text/plain; charset=x-made-up", "Brücke".encode(), "Brücke", "a name nobody knows"),
        ("text/plain; charset=utf-16", b"a", "a", "half a letter"),
        ("text/plain; charset=idna", b"a", "a", "an encoding that is none for mails"),
        ("text/plain; charset=hex", b"61", "61", "a codec that is no encoding of texts"),
        ("text/plain", "Brücke".encode()[:3], "Br", "cut off in a letter"),
    ],
)
def test_charsets(kind: str, body: bytes, expected: str, sentence: str) -> None:
    assert read_body(f"Content-Type: {kind}\n\n".encode() + body).text == expected, sentence


def test_the_first_of_each_kind_counts_and_no_attachment() -> None:
    inner = part("text/plain", "one") + part("text/html", "<b>two</b>") + part("text/plain", "three")
    attached = part("text/html", "no", "Content-Disposition: attachment; filename=a.html\n")
    forwarded = part("message/rfc822", "Content-Type: text/html\n\nforged")
    body = read_body(f"Content-Type: multipart/mixed; boundary=x\n\n{attached}{forwarded}{inner}--x--\n".encode())
    assert (body.text.strip(), body.html.strip()) == ("one", "<b>two</b>")


def test_a_mail_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = "Content-Type: multipart/mixed; boundary=x\n\n" + part("text/plain", "one") + part("text/csv", "JVBE")
    assert read_body(whole[:-5].encode()).text.strip() == "one"


def test_a_mail_of_ten_megabytes_is_read_within_bounds() -> None:
    began = time.monotonic()
    body = read_body(b"Content-Type: text/html; charset=utf-8\n\n" + b"<p>word</p>" * 1_000_000)
    assert len(body.html) == LONGEST_TEXT
    assert time.monotonic() - began < 60


def test_parts_inside_each_other_are_bounded() -> None:
    def nested(depth: int) -> bytes:
        parts = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
        return ("".join(parts) + "Content-Type: text/plain\n\nin the middle\n").encode()

    assert read_body(nested(MOST_PARTS)).text.strip() == "in the middle"
    for depth in (MOST_PARTS + 1, 50_000):
        with pytest.raises(InvalidMessage, match="too-nested"):
            read_body(nested(depth))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.sampled_from([b"", b"Content-Type: text/html; charset=", b"From: =?", b"Date: "]))
@example(b"\x00\r\x80", b"Content-Type: text/html; charset=")
def test_whatever_comes_is_read(data: bytes, begin: bytes) -> None:
    head, body = read_head(begin + data), read_body(begin + data)
    assert head.message_id
    head.subject.encode()
    body.text.encode("utf-8", "surrogatepass")
