"""Files of recorded posts: JSON Lines and CSV, good and bad lines, plain and gzipped."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import read_file
from schemas.errors import ConfigError
from schemas.topics import MAX_RAW_BYTES, MAX_RECORD_BYTES

GOOD = b'{"platform":"x","id":1,"time":"2013-12-01T12:20:00Z","text":"a"}'
ROW = b"x,1,2013-12-01T12:20:00Z,a"
HEAD = b"platform,id,time,text,author.name,author.verified,metrics.likes\n"


def outcome(path: Path) -> list[tuple[int, str]]:
    return [
        (one.line, one.post.reason if isinstance(one.post, InvalidPost) else one.post.key) for one in read_file(path)
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected", "sentence"),
    [
        ("a.jsonl", GOOD, [(1, "x:1")], "no line end at the end"),
        (
            "a.jsonl",
            b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD + b"\n",
            [(1, "x:1"), (3, "x:1")],
            "as Windows writes it",
        ),
        (
            "a.jsonl",
            b"{\n" + GOOD + b"\n\xff\n3\n",
            [(1, "not-json"), (2, "x:1"), (3, "not-utf8"), (4, "wrong-type")],
            "bad lines are told and passed",
        ),
        ("a.csv", HEAD + ROW + b",Max,true,3\n", [(2, "x:1")], "every column"),
        ("a.csv", HEAD + ROW + b"\n\n" + ROW + b",,,\n", [(2, "x:1"), (4, "x:1")], "short rows, empty cells and lines"),
        (
            "a.csv",
            HEAD.replace(b",", b";") + ROW.replace(b",", b";"),
            [(2, "x:1")],
            "semicolons, as German spreadsheets write",
        ),
        ("a.csv", HEAD.replace(b",", b"\t") + ROW.replace(b",", b"\t"), [(2, "x:1")], "tabs"),
        (
            "a.csv",
            b"\xef\xbb\xbf" + HEAD + ROW[:-1] + b'"two\nlines"\n' + ROW,
            [(2, "x:1"), (4, "x:1")],
            "a text over two lines",
        ),
        ("a.csv", HEAD + ROW + b",,,,9\n" + ROW, [(2, "wrong-type"), (3, "x:1")], "more cells than names"),
        ("a.csv", HEAD + ROW + b"\xe4\n" + ROW, [(2, "x:1"), (3, "x:1")], "a row as Windows writes it"),
        ("a.csv", HEAD + ROW + b"\xc3\xa4\xe4\n" + ROW, [(2, "not-utf8"), (3, "x:1")], "a row of two encodings"),
        ("a.csv", HEAD + ROW + b"\x81\n" + ROW, [(2, "not-utf8"), (3, "x:1")], "a row of no encoding"),
        (
            "a.csv",
            HEAD + b"x,1,soon,a\n" + ROW + b",Max,perhaps\n",
            [(2, "wrong-type"), (3, "wrong-type")],
            "neither time nor truth",
        ),
        ("a.csv", HEAD + ROW[:-1] + b'"a"b\n' + ROW, [(2, "not-csv"), (3, "x:1")], "a quote in the wrong place"),
        (
            "a.csv",
            HEAD + ROW + b"\n" + ROW[:-1] + b'"open\n' + ROW,
            [(2, "x:1"), (3, "not-csv")],
            "a quote never closed",
        ),
        ("a.csv", HEAD, [], "a header alone"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_lines(
    tmp_path: Path, name: str, content: bytes, expected: list[tuple[int, str]], sentence: str, packed: bool
) -> None:
    path = tmp_path / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    assert outcome(path) == expected, sentence


def test_csv_fields_become_those_of_a_post(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEAD + ROW + b",Max,true,3\n")
    [one] = read_file(path)
    assert not isinstance(one.post, InvalidPost)
    assert one.post.author is not None
    assert (one.post.author.name, one.post.author.verified, one.post.metrics) == ("Max", True, {"likes": 3.0})


def test_a_bad_line_is_kept_verbatim(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(HEAD + b'x,1,soon,"a\nb"\n')
    assert [one.raw for one in read_file(path)] == [b'x,1,soon,"a\nb"']


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_giant_line_is_one_fault_and_eats_no_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(HEAD if name.endswith("csv") else b"")
        file.write(b"x" * (2 * MAX_RECORD_BYTES + 5) + b"\n")
        file.write(ROW if name.endswith("csv") else GOOD)
    giant, good = read_file(path)
    assert isinstance(giant.post, InvalidPost)
    assert MAX_RAW_BYTES < len(giant.raw) <= MAX_RECORD_BYTES
    assert not isinstance(good.post, InvalidPost)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "none.jsonl: cannot be read (No such file or directory)"),
        ("a.jsonl.gz", gzip.compress(GOOD * 100, mtime=0)[:-9], "a.jsonl.gz: is not a whole gzip file (copy it again)"),
        ("a.jsonl.gz", GOOD, "a.jsonl.gz: is not a whole gzip file (copy it again)"),
        (
            "a.csv",
            b"platform,id,text\n",
            "a.csv:1: has no column `time` (the first line must name platform, id, time, text, "
            "or a date, a text and an address as exports do)",
        ),
        (
            "a.csv",
            b"",
            "a.csv:1: has no column `platform` (the first line must name platform, id, time, text, "
            "or a date, a text and an address as exports do)",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        list(read_file(path))
    assert str(caught.value) == f"{tmp_path}/{message}"


# what a spreadsheet can hold: no control characters but line ends, which the reader of a cell keeps
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)


@given(st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_what_a_spreadsheet_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], separator: str
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator="\r\n")
    writer.writerow(["platform", "id", "time", "text"])
    writer.writerows(["x", str(number), "2013-12-01T12:20:00Z", text] for number, text in enumerate(texts))
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(written.getvalue().encode())
    assert [one.post.text for one in read_file(path) if not isinstance(one.post, InvalidPost)] == texts
