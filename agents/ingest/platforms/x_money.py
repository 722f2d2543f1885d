"""What reading X costs: every post and every user once in a day of UTC, and how much more may be read."""

from dataclasses import dataclass, field, replace
from datetime import datetime

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

    budget: Budget = Budget()
    prices: Prices = Prices()
    spending: Spending = Spending()
    paid: frozenset[str] = field(default=frozenset(), repr=False)

    def charge(self, now: datetime, price: float, posts: set[str], users: set[str]) -> "Purse":
        """Return the purse after reading `posts` at `price` each, and `users`."""
        spending = self.spending.at(now)
        paid = self.paid if spending.day == self.spending.day else frozenset[str]()
        named = {f"p{one}" for one in posts} - paid
        people = {f"u{one}" for one in users} - paid
        amount = len(named) * price + len(people) * self.prices.user
        return replace(self, spending=spending.spend(now, amount), paid=paid | named | people)

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
