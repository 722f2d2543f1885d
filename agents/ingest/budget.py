"""Money and calls are limits like any other: what was spent today and this month, and whether the next read fits."""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import FailureKind, SourceError


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent in the current day and month of `zone`; `day` is such as 2026-11-27. Keep it in the cursor."""

    zone: str = "UTC"
    day: str = ""
    today: float = 0.0
    month: float = 0.0

    def spend(self, now: datetime, amount: float) -> "Spending":
        """Return what is spent after `amount` more; a new day and a new month begin with nothing."""
        current = self.at(now)
        return replace(current, today=round(current.today + amount, 9), month=round(current.month + amount, 9))

    def at(self, now: datetime) -> "Spending":
        """Return what is spent of the day and month that `now` is in. A clock that went back begins nothing anew."""
        day = now.astimezone(ZoneInfo(self.zone)).date().isoformat()
        if day <= self.day:
            return self
        same_month = day[:7] == self.day[:7]
        return replace(self, day=day, today=0.0, month=self.month if same_month else 0.0)

    def text(self) -> str:
        """Return it as a text for a cursor; `Spending.read` reads it back."""
        return json.dumps([self.zone, self.day, self.today, self.month])

    @classmethod
    def read(cls, text: str | None, zone: str = "UTC") -> "Spending":
        """Return what a cursor holds, or nothing spent where it holds none of that zone."""
        try:
            written: Any = json.loads(text or "null")
            kept, day, today, month = written
            found = cls(str(kept), str(day), float(today), float(month))
        except (ValueError, TypeError):
            return cls(zone)
        return found if found.zone == zone else cls(zone)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent in a day and in a month; None is no limit. `unit` is for people: USD, calls."""

    day: float | None = None
    month: float | None = None
    unit: str = "USD"

    def left(self, spending: Spending, now: datetime) -> float | None:
        """Return what may still be spent now; None where nothing limits it."""
        current = spending.at(now)
        left = [
            limit - spent
            for limit, spent in ((self.day, current.today), (self.month, current.month))
            if limit is not None
        ]
        return max(0.0, round(min(left), 9)) if left else None

    def check(self, spending: Spending, now: datetime, amount: float) -> None:
        """Make sure, BEFORE something is read, that its price of `amount` still fits.

        Raises:
            SourceError: it does not; to be asked again when the next day, or the next month, begins.
        """
        current = spending.at(now)
        for limit, spent, period in ((self.month, current.month, "month"), (self.day, current.today, "day")):
            if limit is not None and round(spent + amount, 9) > limit:
                raise SourceError(
                    f"the budget of the {period} is spent ({spent:g} of {limit:g} {self.unit})",
                    _until_next(period, now, ZoneInfo(spending.zone)),
                    kind=FailureKind.BUDGET,
                )


def _until_next(period: str, now: datetime, zone: ZoneInfo) -> float:
    """Return the seconds until midnight in `zone`, of today or of the last day of the month."""
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    following = local + timedelta(days=1) if period == "day" else (local.replace(day=1) + timedelta(days=32))
    begin = following if period == "day" else following.replace(day=1)
    return (begin - now).total_seconds()
