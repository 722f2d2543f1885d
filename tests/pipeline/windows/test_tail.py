"""Tails against sums that were written out, and what is usual against what a crisis would make of it."""

from datetime import date
from math import comb, exp, factorial

import pytest

from pipeline.windows.baseline import public_holidays, usual
from pipeline.windows.tail import enough, more_than_chance, wilson


@pytest.mark.parametrize("count", [1, 3, 7, 20])
def test_without_spread_it_is_poisson(count: int) -> None:
    below = sum(exp(-4.0) * 4.0**k / factorial(k) for k in range(count))
    assert more_than_chance(count, 4.0, 0.0) == pytest.approx(1 - below, rel=2e-2, abs=1e-9)


@pytest.mark.parametrize("count", [1, 5, 30])
def test_with_spread_it_is_negative_binomial(count: int) -> None:
    """Spread 1/3 is shape 3: the third success, each with the chance 3 / (3 + mean)."""
    p = 3 / (3 + 6.0)
    below = sum(comb(k + 2, k) * p**3 * (1 - p) ** k for k in range(count))
    assert more_than_chance(count, 6.0, 1 / 3) == pytest.approx(1 - below, rel=1e-9)


@pytest.mark.parametrize("mean", [0.02, 1.0, 15.996, 300.0, 20_000.0])
def test_enough_is_the_least_that_is_too_much_for_chance(mean: float) -> None:
    least = enough(mean, 0.25, 1e-3)
    assert more_than_chance(least, mean, 0.25) <= 1e-3
    assert more_than_chance(least * 0.99 - 1, mean, 0.25) > 1e-3


def test_wilson_knows_that_few_say_little() -> None:
    assert wilson(3, 4)[0] < wilson(30, 40)[0] < 0.75 < wilson(30, 40)[1] < wilson(3, 4)[1]


def test_a_crisis_makes_nothing_usual_and_three_a_day_are_not_none() -> None:
    assert usual([5, 6, 5, 4, 900, 5, 6]) < 7
    assert usual([0] * 21 + [1] * 3) == pytest.approx(1 / 8)


def test_holidays_differ_by_state() -> None:
    assert date(2026, 1, 6) in public_holidays("BY", 2026)
    assert date(2026, 1, 6) not in public_holidays("BE", 2026)
