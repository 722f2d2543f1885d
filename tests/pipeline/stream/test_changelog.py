"""The copy of a changelog partition: when what was built of it may be used again."""

from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.stream.changelog import _Copy
from pipeline.stream.rows import Commit, Row, Rows
from pipeline.stream.terms import claim


@dataclass
class Read:
    """A record as librdkafka hands it out."""

    record: tuple[bytes, bytes | None]
    place: int = 7

    def key(self) -> bytes:
        return self.record[0]

    def value(self) -> bytes | None:
        return self.record[1]

    def offset(self) -> int:
        return self.place

    def partition(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("record", "stays", "sentence"),
    [
        (claim(0, 3), True, "our own claim changes nothing"),
        ((b"0/w/head", Row(5, b"theirs", None, 2).to_bytes()), False, "somebody else has written a row"),
        ((b"0", Commit(applied=9, term=2).model_dump_json().encode()), False, "somebody else has judged on"),
        ((b"0/w/head", None), False, "somebody else has removed a row"),
        ((b"0/w/head", Row(5, b"late", None, 1).to_bytes()), False, "a row of a former owner must be written over"),
    ],
)
def test_rows_are_used_again_only_where_nobody_else_has_written(
    record: tuple[bytes, bytes | None], stays: bool, sentence: str
) -> None:
    """Also if reading breaks off behind this record: what comes then must not look as if nothing had changed."""
    copy = _Copy(end=7)
    copy.terms.counts(0, *claim(0, 2))
    copy.rows = rows = Rows(0, copy.store, term=2)
    message: Any = Read(record)
    copy.apply(message)
    assert copy.end == 8
    assert (copy.rows is rows) is stays, sentence
