"""Tails: how likely chance alone makes so many, and how sure a share of few can be. Textbook formulas, no tables.

The negative binomial is the distribution of counts whose rate itself varies (a Gamma mixture of Poissons): variance
`mean + spread * mean**2`. Its tail is a regularised incomplete beta function, evaluated by its continued fraction
(Lentz's method; Abramowitz & Stegun 26.5.8 and 26.5.26).
"""

from functools import lru_cache
from math import ceil, exp, lgamma, log, sqrt
from statistics import NormalDist

_TINY = 1e-300
LEAST_SPREAD = 1e-4
"""Less spread than that is Poisson to all our digits."""


def more_than_chance(count: float, mean: float, spread: float) -> float:
    """Return the probability of `count` or more where `mean` is expected and the rate varies by `spread`."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    shape = 1.0 / max(spread, LEAST_SPREAD)
    return _beta(count, shape, mean / (mean + shape))


@lru_cache(maxsize=4096)
def enough(mean: float, spread: float, chance: float) -> float:
    """Return the least count that chance alone reaches with a probability of at most `chance`."""
    low, high = 0, max(4, ceil(2.0 * mean))
    while more_than_chance(high, mean, spread) > chance:
        low, high = high, 2 * high
    while high - low > 1 + high // 500:
        middle = (low + high) // 2
        if more_than_chance(middle, mean, spread) > chance:
            low = middle
        else:
            high = middle
    return high


def wilson(hits: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the lower and the upper bound of a share of which `hits` of `total` were seen (Wilson 1927)."""
    if total <= 0:
        return 0.0, 1.0
    z = _quantile(confidence)
    share, square = hits / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    reach = z * sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, middle - reach), min(1.0, middle + reach)


@lru_cache(maxsize=64)
def _quantile(confidence: float) -> float:
    """Return how many standard deviations a one-sided `confidence` is."""
    return NormalDist().inv_cdf(confidence)


def _beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1.0 - x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _not_nothing(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _not_nothing(1.0 + numerator * d)
            c = _not_nothing(1.0 + numerator / c)
            result *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return result


def _not_nothing(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
