"""Reading posts: what is a line, what is none, and what is wrong with it."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.reading import Unreadable, read_in_order, read_posts
from schemas.errors import ConfigError
from schemas.event import Post

LINE = json.dumps({"platform": "x", "id": 1, "time": "2013-07-06T07:37:10Z", "text": "Hallo"}).encode()


def test_plain_packed_and_standard_input_give_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "posts.jsonl", tmp_path / "posts.jsonl.gz"
    text = b"\xef\xbb\xbf" + LINE + b"\n\n  \n" + LINE
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    found = [list(read_posts(str(path))) for path in (plain, packed)]
    assert found[0] == found[1]
    assert [post.key for post in found[0] if isinstance(post, Post)] == ["x:1", "x:1"]
    code = "from cli.reading import read_posts; print(*[post.key for post in read_posts('-')])"
    piped = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, check=True, timeout=60)
    assert piped.stdout.split() == [b"x:1", b"x:1"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not-json"),
        (b"[]", "wrong-type"),
        (b'{"platform": "x", "id": "1", "text": "t"}', "wrong-type"),
        (LINE.replace(b'"2013-07-06T07:37:10Z"', b"1373096230000"), "wrong-type"),
        (LINE.replace(b'"Hallo"', b"7"), "wrong-type"),
        (b"\xff\xfe", "not-utf8"),
        (b'"' + b"x" * 2_000_000 + b'"', "too-large"),
    ],
)
def test_a_line_that_is_no_post_is_named_and_the_next_one_read(tmp_path: Path, line: bytes, why: str) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(line + b"\n" + LINE + b"\n")
    bad, good = read_posts(str(path))
    assert isinstance(bad, Unreadable)
    assert bad.where == f"{path}:1"
    assert bad.reason == why
    assert bad.detail
    assert isinstance(good, Post)


def test_files_that_cannot_be_read_are_one_clear_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(LINE)[:-9])
    for path, why in [(tmp_path, "directory"), (tmp_path / "none", "No such file"), (broken, "gzip")]:
        with pytest.raises(ConfigError, match=why):
            list(read_posts(str(path)))


def lines(*hours: int) -> bytes:
    """Posts of these hours of a day, a line each, and a line that is none at the end."""
    posts = [{"platform": "x", "id": at, "time": f"2013-07-06T{hour:02}:00:00Z", "text": "Hallo"} for at, hour in
             enumerate(hours)]  # fmt: skip
    return b"\n".join([*(json.dumps(one).encode() for one in posts), b"{"])


@pytest.mark.parametrize(
    ("hours", "ids", "why"),
    [
        ((1, 2, 3), ["0", "1", "2"], "a file in order is taken as it is"),
        ((2, 1, 3), ["0", "1", "2"], "what would be an hour late and no more is taken as it came, as it is live"),
        ((9, 5, 1), ["2", "1", "0"], "an export that begins with the newest, of which all others would be too late"),
        ((1, 9, 2, 3), ["0", "2", "3", "1"], "a wrong date does not make all that follow too late"),
        ((), [], "nothing but a fault"),
    ],
)
def test_a_file_is_read_in_the_order_of_its_times(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], hours: tuple[int, ...], ids: list[str], why: str
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(lines(*hours))
    found = list(read_in_order(str(path)))
    assert [one.id for one in found if isinstance(one, Post)] == ids, why
    assert [one.where for one in found if isinstance(one, Unreadable)] == [f"{path}:{len(hours) + 1}"]
    told = capfd.readouterr().err
    assert ("not in the order of their time" in told) == (ids != sorted(ids)), why


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    code = "from cli.reading import read_in_order as read; print(*[getattr(one, 'id', '-') for one in read('-')])"
    piped = subprocess.run([sys.executable, "-c", code], input=lines(9, 1), capture_output=True, check=True, timeout=60)
    assert piped.stdout.split() == [b"-", b"1", b"0"]
