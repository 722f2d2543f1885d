"""The slope of a noisy series, robust against outliers: Theil–Sen, with the confidence interval of Sen (1968)."""

from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import NormalDist, median


@dataclass(frozen=True, slots=True)
class Slope:
    """The median of the slopes between all pairs of points, and an interval that holds the true one; units y per x."""

    middle: float
    low: float
    high: float


def slope(points: list[tuple[float, float]], confidence: float = 0.95) -> Slope:
    """Return the slope of `points`, at least three with different x.

    >>> slope([(0, 1), (1, 3), (2, 5), (3, 700), (4, 9), (5, 11), (6, 13), (7, 15), (8, 17)]).middle
    2.0
    """
    slopes = sorted((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] != a[0])
    n = len(points)
    # how far Kendall's S may stray from 0 if there is no trend
    stray = NormalDist().inv_cdf(0.5 + confidence / 2) * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, round((len(slopes) - stray) / 2) - 1)
    high = min(len(slopes) - 1, round((len(slopes) + stray) / 2))
    return Slope(median(slopes), slopes[low], slopes[high])


def verdict(found: Slope, limit: float) -> str:
    """Say whether a series with this slope is flat: whether its growth is below `limit` for certain."""
    if found.high < limit:
        return "flat"
    return "GROWS" if found.low > limit else "not certain"
