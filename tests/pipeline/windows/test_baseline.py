"""What is usual in an hour is what its definition says, hour by hour, and a day of history is not a week of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.windows.baseline import MOST_HOURS, UNKNOWN, Calendar, Hours, expected, usual

NOW = int(datetime(2026, 5, 20, 11, tzinfo=UTC).timestamp()) // 3600
COUNTS = st.lists(st.integers(UNKNOWN, 30), max_size=MOST_HOURS)


def defined(hours: Hours, hour: int, calendar: Calendar) -> float:
    """Return what is usual by the words at the head of the module."""
    now, weekday, kind = calendar.of(hour)
    levels: list[list[int]] = [[], [], [], []]
    for at, count in enumerate(hours.counts, hours.first):
        if count == UNKNOWN or at >= hour:
            continue
        that, day, other = calendar.of(at)
        near = (that - now) % 24 in (23, 0, 1)
        alike = (True, near, near and other == kind, near and other == kind and (day == weekday or kind == 2))
        for level, so in zip(levels, alike, strict=True):
            level.extend([count] * so)
    found = usual(levels[0])
    for level in levels[1:]:
        weight = len(level) / (len(level) + 96)
        found = weight * usual(level) + (1 - weight) * found
    return max(found, 0.02)


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.integers(-30, 30), st.integers(0, 24 * 14), st.sampled_from(["", "BY"]))
def test_alike_hours_are_those_of_the_definition(counts: list[int], ahead: int, days: int, holidays: str) -> None:
    calendar, hour = Calendar("Europe/Berlin", holidays), NOW + days
    hours = Hours(hour - len(counts) + ahead, tuple(counts))
    assert expected(hours, hour, calendar) == pytest.approx(defined(hours, hour, calendar), abs=1e-12)


def test_a_count_is_added_where_it_belongs_and_nowhere_else() -> None:
    hours = Hours(10, (1, UNKNOWN, 3))
    assert [hours.add(at, 2).counts for at in (9, 10, 11, 12, 13)] == [
        (1, UNKNOWN, 3),
        (3, UNKNOWN, 3),
        (1, 2, 3),
        (1, UNKNOWN, 5),
        (1, UNKNOWN, 3),
    ]
