"""Quiet hours by the clock on the wall, through both nights on which it is changed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.quiet import quiet_until
from schemas.handling import DAYS, QuietHours

NIGHT = {"begin": "22:00", "end": "07:00"}


@pytest.mark.parametrize(
    ("hours", "at", "until", "why"),
    [
        (NIGHT, "2026-06-10T19:59Z", None, "21:59 in Berlin: not yet"),
        (NIGHT, "2026-06-10T20:00Z", "2026-06-11T05:00Z", "22:00 sharp begins it"),
        (NIGHT, "2026-06-11T04:59Z", "2026-06-11T05:00Z", "the last minute belongs to it"),
        (NIGHT, "2026-06-11T05:00Z", None, "07:00 sharp is over"),
        (NIGHT, "2026-03-28T21:30Z", "2026-03-29T05:00Z", "the night that loses an hour ends at seven all the same"),
        (NIGHT, "2026-10-24T20:30Z", "2026-10-25T06:00Z", "the night that gains one, too"),
        ({"begin": "12:00", "end": "13:00"}, "2026-01-10T11:30Z", "2026-01-10T12:00Z", "a midday break"),
        (NIGHT | {"days": ("fri",)}, "2026-06-13T01:00Z", "2026-06-13T05:00Z", "Friday's night goes on on Saturday"),
        (NIGHT | {"days": ("fri",)}, "2026-06-13T21:00Z", None, "Saturday's night is none"),
        ({"begin": "08:00", "end": "08:00"}, "2026-06-10T12:00Z", "2026-06-11T06:00Z", "one digest a day"),
        ({"begin": "01:00", "end": "02:30"}, "2026-03-29T00:30Z", "2026-03-29T01:00Z", "02:30 is leapt over at 3"),
        ({"begin": "01:00", "end": "02:30"}, "2026-10-25T00:45Z", "2026-10-25T01:30Z", "the second 02:30 ends it"),
        ({"begin": "02:30", "end": "03:30"}, "2026-10-25T00:30Z", "2026-10-25T02:30Z", "the first 02:30 begins it"),
        (NIGHT | {"zone": "America/New_York"}, "2026-06-11T03:00Z", "2026-06-11T11:00Z", "another wall"),
    ],
)
def test_until_when(hours: dict[str, object], at: str, until: str | None, why: str) -> None:
    found = quiet_until(QuietHours.model_validate(hours), datetime.fromisoformat(at))
    assert found == (datetime.fromisoformat(until) if until else None), why


WALL = st.builds(lambda minute: f"{minute // 60:02}:{minute % 60:02}", st.integers(0, 1439))
TIMES = st.integers(0, 3 * 366 * 1440).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(begin=WALL, end=WALL, days=st.sets(st.sampled_from(DAYS), min_size=1), at=TIMES)
def test_it_ends_later_and_by_the_clock(begin: str, end: str, days: set[str], at: datetime) -> None:
    hours = QuietHours.model_validate({"begin": begin, "end": end, "days": tuple(sorted(days))})
    until = quiet_until(hours, at)
    if until is None:
        return
    assert at < until <= at + timedelta(hours=26)
    wall = until.astimezone(hours.zone_info)
    before = (until - timedelta(minutes=1)).astimezone(hours.zone_info)
    leapt = wall.utcoffset() != before.utcoffset()
    assert f"{wall:%H:%M}" == end or (leapt and f"{before:%H:%M}" < end < f"{wall:%H:%M}")


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no time zone 'Europe/Bonn'; did you mean `Europe/Berlin`"):
        QuietHours(zone="Europe/Bonn")
