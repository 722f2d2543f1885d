"""A figure that was measured: what it is of, how sure it is, and what it is held against."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One value measured on one part of one data set, with its 95 % interval.

    `baseline` is what a plain method reaches on the same data in the same run, `target` what is wanted; both may be
    unknown. `n` is how many texts, pairs or posts it rests on.
    """

    name: str
    dataset: str
    split: str
    value: float
    low: float
    high: float
    n: int
    baseline: float | None
    target: float | None
    higher_is_better: bool = True
