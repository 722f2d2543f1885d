"""Budgets as timelines: what fits, when it fits again, and that a cursor keeps it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.budget import Budget, Spending
from schemas.errors import FailureKind, SourceError

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MONTH_END = datetime(2026, 11, 30, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("budget", "spent", "next_amount", "wait", "sentence"),
    [
        (Budget(day=1.0), 0.9, 0.1, None, "it fits exactly"),
        (Budget(day=1.0), 0.9, 0.2, 12 * 3600, "until midnight"),
        (Budget(month=1.0), 0.9, 0.2, (3 * 24 + 12) * 3600, "until the month ends"),
        (Budget(day=1.0, month=1.0), 0.9, 0.2, (3 * 24 + 12) * 3600, "the day alone would not help"),
        (Budget(), 1e9, 1e9, None, "nothing limits it"),
        (Budget(day=0.3), 0.1 + 0.1, 0.1, None, "thirds do not count against anybody"),
        (Budget(day=0), 0, 0.005, 12 * 3600, "nothing may be spent at all"),
    ],
)
def test_the_next_read_fits_or_waits(
    budget: Budget, spent: float, next_amount: float, wait: float | None, sentence: str
) -> None:
    spending = Spending().spend(NOON, spent)
    if wait is None:
        budget.check(spending, NOON, next_amount)
        return
    with pytest.raises(SourceError) as caught:
        budget.check(spending, NOON, next_amount)
    assert (caught.value.kind, caught.value.retry_after) == (FailureKind.BUDGET, wait), sentence


def test_a_new_day_and_a_new_month_begin_with_nothing() -> None:
    budget = Budget(day=1.0, month=1.5)
    spending = Spending().spend(MONTH_END - timedelta(days=1), 1.0)
    assert budget.left(spending, MONTH_END) == 0.5
    spending = spending.spend(MONTH_END, 0.5)
    assert budget.left(spending, MONTH_END) == 0
    assert budget.left(spending, MONTH_END + timedelta(hours=1)) == 1.0
    assert budget.left(spending, MONTH_END - timedelta(days=2)) == 0, "a clock that goes back gives nothing"
    assert Budget().left(spending, MONTH_END) is None


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (datetime(2026, 11, 27, 7, 59, tzinfo=UTC), 60),
        (datetime(2026, 11, 27, 8, 0, tzinfo=UTC), 24 * 3600),
        (datetime(2026, 11, 1, 7, 0, tzinfo=UTC), 25 * 3600),
    ],
    ids=["a minute before midnight", "midnight", "the day on which the clocks go back"],
)
def test_the_day_is_that_of_the_zone(now: datetime, wait: float) -> None:
    spending = Spending("America/Los_Angeles").spend(now, 100)
    with pytest.raises(SourceError) as caught:
        Budget(day=100, unit="calls").check(spending, now, 1)
    assert caught.value.retry_after == wait


@given(st.floats(0, 1e6), st.integers(0, 10_000_000))
def test_a_cursor_keeps_it(amount: float, minutes: int) -> None:
    spending = Spending().spend(NOON + timedelta(minutes=minutes), amount)
    assert Spending.read(spending.text()) == spending


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", "null", '["UTC","2026-11-27","x",1]', "[" * 50])
def test_what_is_no_spending_is_nothing_spent(text: str | None) -> None:
    assert Spending.read(text) == Spending()


def test_another_zone_begins_anew() -> None:
    assert Spending.read(Spending().spend(NOON, 5).text(), "America/Los_Angeles") == Spending("America/Los_Angeles")
