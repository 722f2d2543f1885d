"""Backtest: the alerts and receipts that watches would have given over recorded posts, from the same code as live."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline.abroad import NOWHERE, Abroad
from pipeline.among import judge
from pipeline.flow import listen
from pipeline.frozen import replace
from pipeline.query import Matcher
from pipeline.replay import with_ticks
from pipeline.sentiment import Feels, assess
from pipeline.state import LATENESS, Verdict, WatchState
from schemas.alert import Alert
from schemas.control import Inhibitor, Judged, WatchVersion
from schemas.event import Event, Post
from schemas.mention import Match
from schemas.receipt import Receipt
from schemas.tick import Tick
from schemas.watch import Watch

SOURCE = "file"
"""The source of posts that were read from a file."""
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Bench:
    """The whole path in one process, without a broker: one partition that holds every watch.

    `matches` are those of the post heard last; `feels` judges sentiment.
    """

    matcher: Matcher
    states: dict[str, WatchState]
    now: datetime = _BEGINNING
    matches: tuple[Match, ...] = field(default=())
    abroad: Abroad = NOWHERE
    feels: Feels = assess

    @classmethod
    def of(cls, watches: Iterable[Watch], lateness: float = LATENESS, feels: Feels = assess) -> "Bench":
        """Return the bench of `watches`; `lateness` in seconds.

        Raises:
            ConfigError: a query of a watch cannot be read.
        """
        kept = tuple(watches)
        bench = cls(Matcher.compile(kept), {watch.id: WatchState.empty(lateness) for watch in kept}, feels=feels)
        for watch in kept:
            bench._judge(watch.id, WatchVersion(watch=watch, version=SOURCE, at=_BEGINNING))
        return bench

    def hear(self, post: Post) -> Iterator[Verdict]:
        """Take a post through listen and judge, and yield what follows, one verdict for each match."""
        event = Event.model_validate({**dict(post), "source": SOURCE, "seen": post.time})
        self.matches = listen(event, self.matcher, self.feels)
        for match in self.matches:
            yield self._judge(match.watch, match)

    def pass_to(self, at: datetime) -> Iterator[Verdict]:
        """Let time pass up to `at` as a tick does, and yield what follows."""
        if at <= self.now:
            return
        self.now = at
        for watch in [watch for watch, state in self.states.items() if state.due(at)]:
            yield self._judge(watch, Tick(at=at))

    def tell(self, record: Judged, watch: str) -> Verdict:
        """Take what people tell judge about `watch`, and return what follows."""
        return self._judge(watch, record)

    def step(self, item: Post | datetime) -> Iterator[Verdict]:
        """Take what `with_ticks` yields: a post, or a minute that has passed."""
        return self.hear(item) if isinstance(item, Post) else self.pass_to(item)

    def _judge(self, watch: str, record: Judged | Inhibitor) -> Verdict:
        self.states[watch], verdict = judge(self.states[watch], record, self.now, abroad=self.abroad)
        for one in verdict.news:
            self.abroad = self.abroad.hear(one)
            for other in [name for name, state in self.states.items() if one.id in state.groups.held]:
                more = self._judge(other, one)
                verdict = replace(verdict, alerts=verdict.alerts + more.alerts)
        return verdict


def backtest(
    watches: Iterable[Watch], posts: Iterable[Post], lateness: float = LATENESS, feels: Feels = assess
) -> Iterator[Alert | Receipt]:
    """Yield every alert and receipt that `watches` give over `posts`, in order: alerts, then the receipt.

    `feels` judges sentiment.

    Raises:
        ConfigError: a query of a watch cannot be read.
    """
    bench = Bench.of(watches, lateness, feels)
    for item in with_ticks(posts):
        for verdict in bench.step(item):
            yield from verdict.alerts
            yield from verdict.receipts
