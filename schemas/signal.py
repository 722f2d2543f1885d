"""Signals: a rule of a watch has tripped."""

from schemas.model import Record, UtcTime


class Signal(Record):
    """Which rule tripped and how far.

    `value` is what was measured in the window that ended at `at`, `threshold` what it had to reach, `expected` what is
    usual where the detector knows it (the window before, a baseline). `window` is in seconds. `about` is what the rule
    has counted by, where it counts by something: a platform, a site, a hashtag, a new term, a post; or in a few words
    what was measured, such as `sum of reach`. `scaled` says which
    campaigns have scaled what is usual.
    """

    rule: str
    kind: str
    at: UtcTime
    value: float
    threshold: float
    window: float
    expected: float | None = None
    about: str | None = None
    scaled: str | None = None
