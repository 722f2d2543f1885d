"""Durations: what people write, what is refused, and that printing loses nothing."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.duration import LONGEST, parse_duration, print_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        pytest.param("90s", 90.0, id="seconds"),
        pytest.param("30m", 1800.0, id="minutes"),
        pytest.param("1h30m", 5400.0, id="joined parts add up"),
        pytest.param("1h 30m", 5400.0, id="a space between parts is read over"),
        pytest.param(" 2 d ", 172_800.0, id="spaces around number and unit are read over"),
        pytest.param("1.5h", 5400.0, id="a fraction of a unit"),
        pytest.param("1w", 604_800.0, id="weeks"),
        pytest.param(60, 60.0, id="a bare whole number is seconds"),
        pytest.param(0.5, 0.5, id="a bare fraction is seconds"),
    ],
)
def test_what_people_write(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("1 Stunde", "1h", id="in German"),
        pytest.param("30 minutes", "30m", id="in English"),
        pytest.param("2 Std.", "2h", id="short for it, with a full stop"),
        pytest.param("1,5h", "1.5h", id="a comma"),
        pytest.param("3D", "3d", id="a capital"),
    ],
)
def test_a_duration_in_words_is_told_how_to_write_it(written: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"write a duration as .*; did you mean `{meant}`\?$"):
        parse_duration(written)
    assert parse_duration(meant)


@pytest.mark.parametrize("written", ["1 month", "soon", "", None, "٣m", "10"])
def test_what_cannot_be_told_is_not_guessed(written: object) -> None:
    with pytest.raises(ValueError, match=r"^((?!did you mean).)*$"):
        parse_duration(written)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("soon", id="no number"),
        pytest.param("10", id="a text without a unit could be seconds or minutes"),
        pytest.param("1 month", id="a unit that has no fixed length"),
        pytest.param("-5m", id="backwards"),
        pytest.param("", id="nothing"),
        pytest.param(0, id="no time at all"),
        pytest.param("0s", id="no time at all, as a text"),
        pytest.param(-1, id="negative"),
        pytest.param(True, id="a truth value is no number here"),
        pytest.param(None, id="null"),
        pytest.param([5], id="a list"),
        pytest.param(float("inf"), id="for ever"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(10**400, id="more than a float holds"),
        pytest.param("9" * 90 + "w", id="more than ten years"),
        pytest.param("9" * 5000 + "w", id="a text longer than any duration"),
        pytest.param("٣m", id="digits that a person cannot have meant to type"),
    ],
)
def test_what_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "printed"),
    [
        pytest.param(5400.0, "90m", id="the largest unit that divides it"),
        pytest.param(604_800.0, "1w", id="a week"),
        pytest.param(61.0, "61s", id="a minute and a second"),
        pytest.param(0.25, "0.25s", id="less than a second"),
    ],
)
def test_how_it_is_printed(seconds: float, printed: str) -> None:
    assert print_duration(seconds) == printed


@given(st.floats(min_value=1e-6, max_value=LONGEST))
def test_printing_and_parsing_gives_the_same(seconds: float) -> None:
    assert parse_duration(print_duration(seconds)) == seconds


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans()))
def test_anything_else_is_a_value_error(written: object) -> None:
    with suppress(ValueError):
        assert 0 < parse_duration(written) <= LONGEST
