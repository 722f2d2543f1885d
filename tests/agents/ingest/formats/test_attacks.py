"""Files of posts that are broken, or made to harm: each is read as far as it goes, or refused in one sentence."""

import codecs
import gzip
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.ingest.formats.csvfile import MOST_OF_A_ROW
from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import read_file
from agents.ingest.formats.tables import MOST_COLUMNS, table_of
from agents.ingest.formats.writtentime import days_first, read_time
from schemas.errors import ConfigError
from schemas.event import Post

HEADER = b"platform,id,time,text\n"
ROW = b"x,1,2026-11-27T08:00:00Z,hallo\n"
MARK = codecs.BOM_UTF8
LINE = b'{"platform":"x","id":"1","time":"2026-11-27T08:00:00Z","text":"hallo"}\n'


def zipped(**changed: int) -> bytes:
    """Return a zip file of one table, with a byte of both of its headers changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", HEADER + ROW * 100)
    body = bytearray(packed.getvalue())
    central = body.index(b"PK\x01\x02")
    for name, value in changed.items():
        at = {"flags": 6, "method": 8}[name]
        body[at] = body[central + at + 2] = value
    return bytes(body)


def damaged() -> bytes:
    body = bytearray(zipped())
    body[50:60] = b"\xff" * 10
    return bytes(body)


@pytest.mark.parametrize(
    ("name", "body", "what"),
    [
        pytest.param("a.zip", zipped(flags=1), "packed in a way that cannot be read", id="with a password"),
        pytest.param("a.zip", zipped(method=99), "packed in a way that cannot be read", id="packed as nobody knows"),
        pytest.param("a.zip", zipped()[:-30], "not a whole zip file", id="cut off"),
        pytest.param("a.zip", b"hallo", "not a whole zip file", id="no zip file at all"),
        pytest.param("a.zip", damaged(), "not a whole zip file", id="damaged within"),
        pytest.param("a.csv.gz", gzip.compress(HEADER + ROW * 99)[:-20], "not a whole gzip file", id="gzip cut off"),
        pytest.param("a.csv", (HEADER + ROW).decode().encode("utf-32"), "save it as UTF-8", id="UTF-32 with its mark"),
        pytest.param("a.csv", b"," * MOST_COLUMNS * 2 + b"\n", "has no column", id="more columns than any table has"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, name: str, body: bytes, what: str) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(ConfigError) as refused:
        list(read_file(path))
    assert what in str(refused.value)


@pytest.mark.parametrize(("name", "body"), [("a.csv", HEADER + ROW), ("a.jsonl", LINE)])
def test_a_mark_may_stand_twice_where_a_program_added_one_more(tmp_path: Path, name: str, body: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(MARK + MARK + body)
    (found,) = read_file(path)
    assert isinstance(found.post, Post)
    assert found.post.text == "hallo"


def test_a_row_without_end_is_a_fault_and_not_all_of_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    # each line ends one quoted cell and begins the next, so that none of them is too long
    path.write_bytes(HEADER + b'x,1,"\n' + b'","\n' * (MOST_OF_A_ROW // 64))
    found = next(iter(read_file(path)))
    assert isinstance(found.post, InvalidPost)
    assert f"larger than {MOST_OF_A_ROW} bytes" in str(found.post)
    assert len(found.raw) < MOST_OF_A_ROW


def test_a_name_of_brackets_is_no_column() -> None:
    table = table_of(["date", "text", "(" * 1_000_000])
    assert table is not None
    assert set(table.places) == {"time", "text"}


@pytest.mark.parametrize("count", ["1" + ".000" * 110, "9" * 400], ids=["thousands apart", "digits"])
def test_a_count_beyond_all_numbers_is_none(tmp_path: Path, count: str) -> None:
    path = tmp_path / "a.csv"
    row = f"https://a.example/1,2026-11-27,hallo,{count},{count}\n"
    path.write_text("url,date,text,followers,likes\n" + row, encoding="utf-8")
    (found,) = read_file(path)
    assert isinstance(found.post, Post)
    assert (found.post.author, found.post.metrics) == (None, None)


def test_an_answer_whose_address_is_none_holds_up_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"uri":"http://[bad","account":{},"visibility":"public","content":"x"}\n' * 2)
    assert [str(found.post) for found in read_file(path)] == ["wrong-type: a status: ValueError"] * 2


@pytest.mark.parametrize(
    ("why", "written", "meant"),
    [
        ("half a day is half a day with seconds, too", "Nov 27, 2026, 8:05:10 PM", "2026-11-27T20:05:10"),
        ("the same with the day in front", "27 Nov 2026 8:05:10 PM", "2026-11-27T20:05:10"),
        ("as ISO but with twelve hours", "2026-11-27 8:05:00 PM", "2026-11-27T20:05:00"),
        ("what is read by no pattern is no time of the morning", "27 Nov 26 8:05:10 PM", None),
        ("a short year with full stops is of Berlin as a long one", "27.11.26 14:05", "2026-11-27T13:05:00"),
        ("without a clock", "27.11.26", "2026-11-26T23:00:00"),
        ("with seconds", "27.11.26 14:05:10", "2026-11-27T13:05:10"),
        ("digits of a date are no milliseconds of the year 2612", "20261127080000", "2026-11-27T08:00:00"),
        ("seconds as floating point", "1795784705.0", "2026-11-27T13:05:05"),
        ("microseconds are refused", "1795784705000000", None),
        ("a zone that nobody knows is no UTC", "27 Nov 2026 14:05 IST", None),
        ("a zone behind the seconds", "Fri, 27 Nov 2026 14:05:00 CEST", "2026-11-27T12:05:00"),
        ("the hour that there is not", "29.03.2026 02:30", "2026-03-29T01:30:00"),
        ("the hour that there is twice is the first", "25.10.2026 02:30", "2026-10-25T00:30:00"),
    ],
)
def test_times_are_what_they_say_or_refused(why: str, written: str, meant: str | None) -> None:
    expected = datetime.fromisoformat(meant).replace(tzinfo=UTC) if meant else None
    assert read_time(written) == expected, why


def test_a_day_that_is_no_month_tells_more_than_a_clock_of_twelve_hours() -> None:
    assert days_first(["3/4/2026 8:00 PM", "27/4/2026 8:00 PM"]) is True
    assert days_first(["3/4/2026 8:00 PM", "27/4/2026"]) is True
    assert days_first(["3/4/2026 8:00 PM"]) is False


@pytest.mark.parametrize(
    ("why", "written"),
    [
        ("a name that holds more commas than there are columns", "Datum;Text (a, b, c, d);Link;Likes\n{};hi;{};3"),
        ("our names in capitals", "Time,Text,Url,Metrics.Likes\n{},hi,{},3"),
    ],
)
def test_headers_are_read_however_they_are_written(tmp_path: Path, why: str, written: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(written.format("2026-11-27", "https://a.example/1") + "\n", encoding="utf-8")
    (found,) = read_file(path)
    assert isinstance(found.post, Post), why
    assert (found.post.text, found.post.metrics) == ("hi", {"likes": 3}), why
