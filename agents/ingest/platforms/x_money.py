"""What reading X costs: every post and every user once in a day of UTC, and how much more may be read."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from immutables import Map

from agents.ingest.budget import Budget, Spending


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for one post read, one post of our own mentions, and one user read beside a post."""

    post: float = 0.005
    own: float = 0.001
    user: float = 0.010


@dataclass(frozen=True, slots=True)
class Purse:
    """What was spent, and for what today: X charges nothing for reading the same a second time on the same day.

    After a restart it is not known what was read that day; then it counts twice here, never too little.
    """

    budget: Budget
    prices: Prices
    spending: Spending
    paid: Map[str, None] = field(default_factory=Map, repr=False)

    def charge(self, now: datetime, price: float, posts: set[str], users: set[str]) -> "Purse":
        """Return the purse after reading `posts` at `price` each, and `users`."""
        spending = self.spending.at(now)
        paid: Map[str, None] = self.paid if spending.day == self.spending.day else Map()
        named = [name for one in posts if (name := f"p{one}") not in paid]
        people = [name for one in users if (name := f"u{one}") not in paid]
        amount = len(named) * price + len(people) * self.prices.user
        paid = paid.update(dict.fromkeys([*named, *people]))
        return replace(self, spending=spending.spend(now, amount), paid=paid)

    def affordable(self, now: datetime, price: float, users: bool) -> int | None:
        """Return how many more posts may be read at `price` before the budget is exceeded; None where there is none."""
        left = self.budget.left(self.spending, now)
        each = price + (self.prices.user if users else 0.0)
        return None if left is None or each <= 0 else int(left / each + 1e-9)

    def facts(self, now: datetime) -> dict[str, str | float]:
        """Return what people want to know: what was spent in this day and month, and what is left."""
        spent = self.spending.at(now)
        found: dict[str, str | float] = {"spent_day": spent.today, "spent_month": spent.month, "spent_unit": "USD"}
        left = self.budget.left(self.spending, now)
        return found if left is None else found | {"budget_left": left}
