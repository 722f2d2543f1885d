"""Reading posts: what is a line, what is none, and what is wrong with it."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.reading import Unreadable, read_posts
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
