"""Which rows may not count is known while they are read: as if each of them were looked at again in the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stream.rows import Row
from pipeline.stream.suspects import Suspects


def row(applied: int, *, deleted: bool = False) -> bytes:
    return Row(applied, None if deleted else b"now", b"before", 1).to_bytes()


def noted(*chunks: dict[bytes, bytes | None]) -> Suspects:
    suspects = Suspects()
    for chunk in chunks:
        suspects.note(chunk)
    return suspects


def test_what_is_newer_than_the_commit_record_is_suspect() -> None:
    assert noted({b"old": row(3), b"new": row(4), b"gone": None}).newer(3) == {b"new"}


def test_what_is_kept_as_deleted_is_suspect_however_long_ago() -> None:
    assert noted({b"gone": row(1, deleted=True)}, {}, {}, {b"old": row(3)}).newer(3) == {b"gone"}


def test_a_removed_row_is_nothing_to_look_at() -> None:
    assert noted({b"gone": None}, {b"gone": None}, {b"gone": None}).newer(-1) == set()


def test_something_newer_so_far_back_that_it_is_not_known_by_name_means_that_any_row_may_be() -> None:
    assert noted({b"new": row(9)}, {}, {}).newer(8) is None
    assert noted({b"new": row(9)}, {}, {}).newer(9) == set()


def test_more_deleted_rows_than_are_remembered_mean_that_any_row_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.stream.suspects.MOST", 1)
    assert noted({b"1": row(1, deleted=True)}).newer(3) == {b"1"}
    assert noted({b"1": row(1, deleted=True), b"2": row(1, deleted=True)}).newer(3) is None


ROWS = st.one_of(st.none(), st.builds(row, st.integers(-1, 6), deleted=st.booleans()))
CHUNKS = st.lists(st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d"]), ROWS), max_size=6)


@given(CHUNKS, st.integers(-1, 6))
def test_no_row_is_missed(chunks: list[dict[bytes, bytes | None]], applied: int) -> None:
    found = noted(*chunks).newer(applied)
    stored: dict[bytes, bytes | None] = {}
    for chunk in chunks:
        stored |= chunk
    rows = {key: Row.from_bytes(value) for key, value in stored.items() if value}
    wanted = {key for key, one in rows.items() if one.applied > applied or one.current is None}
    assert found is None or wanted <= found
