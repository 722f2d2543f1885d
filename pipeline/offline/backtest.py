"""Backtest: the alerts and receipts that watches would have given over recorded posts, from the same code as live.

Its two halves are those of the stream: an `Ear` turns posts into records of judge's log and holds no state, so it may
be elsewhere and ahead of time; `Bench.run` judges these records in their order.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from pipeline.control import forgets
from pipeline.flow import listen, listen_all
from pipeline.frozen import replace
from pipeline.incidents.abroad import NOWHERE, Abroad
from pipeline.incidents.among import judge
from pipeline.offline.replay import with_ticks
from pipeline.query import Matcher
from pipeline.sentiment import Feels, assess
from pipeline.state import LATENESS, Verdict, WatchState
from pipeline.stories.dedup import Drawn, draw_all, lay_ready, put_away
from schemas.alert import Alert
from schemas.control import Forget, Inhibitor, Judged, WatchVersion
from schemas.event import Deletion, Edit, Event, Post
from schemas.mention import Match, Mention
from schemas.receipt import Receipt
from schemas.tick import Tick
from schemas.watch import Watch

SOURCE = "file"
"""The source of posts that were read from a file."""
AT_ONCE = 200
"""So many posts are listened to at once, as in a worker."""
_AT_HAND = 20
"""So many posts and ticks at a time: then the sketches of their texts are still in the caches when they are judged."""
_MOST_TOUCHED = 250
_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Listened(NamedTuple):
    """What judge's log gets because of one post, or `deleted` one: a record for each watch that it concerns.

    `time` is when it was delivered; of a post from a file, when it was posted. `drawn` is what an ear elsewhere has
    drawn of the matches, in their order.
    """

    time: datetime
    records: tuple[Match | Forget, ...]
    deleted: bool = False
    drawn: tuple[Drawn, ...] = ()

    @property
    def mentions(self) -> list[Mention]:
        """What the matches are about."""
        return [record.mention for record in self.records if isinstance(record, Match)]


def event_of(post: Post) -> Event:
    """Return a post as it was delivered; one from a file as soon as it was posted."""
    if isinstance(post, Event):
        return post
    event: Event = _event({**post.__dict__, "source": SOURCE, "seen": post.time})
    return event


class Ear(NamedTuple):
    """What listens, and holds no state: the ids of the watches, what they ask for, and what judges sentiment."""

    watches: tuple[str, ...]
    matcher: Matcher
    feels: Feels = assess

    def hear(self, recorded: Sequence[Post | Deletion]) -> list[Listened]:
        """Return what follows from each of `recorded`, as the stage `listen` would have it."""
        events = [event_of(one) for one in recorded if isinstance(one, Post)]
        matches = iter(listen_all(events, self.matcher, self.feels))
        return [
            Listened(one.seen, forgets(one, self.watches), deleted=True)
            if isinstance(one, Deletion)
            else self._of_post(one, next(matches))
            for one in recorded
        ]

    def _of_post(self, post: Post, matches: tuple[Match, ...]) -> Listened:
        gone = forgets(post, self.watches, matches) if isinstance(post, Edit) else ()
        return Listened(post.seen if isinstance(post, Event) else post.time, (*matches, *gone))


_event = Event.__pydantic_validator__.validate_python


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
    _dues: dict[str, tuple[WatchState, datetime | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, watches: Iterable[Watch], lateness: float = LATENESS, feels: Feels = assess) -> "Bench":
        """Return the bench of `watches`; `lateness` in seconds.

        Raises:
            ConfigError: a query of a watch cannot be read.
        """
        kept = tuple(watches)
        states = {watch.id: WatchState.empty(lateness) for watch in kept}
        bench = cls(Matcher.compile(kept), states, feels=feels)
        for watch in kept:
            bench._judge(watch.id, WatchVersion(watch=watch, version=SOURCE, at=_BEGINNING))
        return bench

    @property
    def ear(self) -> Ear:
        """What listens for the watches."""
        return Ear(tuple(self.states), self.matcher, self.feels)

    def hear(self, post: Post) -> Iterator[Verdict]:
        """Take a post through listen and judge, and yield what follows, one verdict for each match."""
        self.matches = listen(event_of(post), self.matcher, self.feels)
        for match in self.matches:
            yield self._judge(match.watch, match)

    def pass_to(self, at: datetime) -> Iterator[Verdict]:
        """Let time pass up to `at` as a tick does, and yield what follows."""
        if at <= self.now:
            return
        self.now = at
        for watch in [watch for watch, state in self.states.items() if self._due(watch, state, at)]:
            yield self._judge(watch, Tick(at=at))

    def tell(self, record: Judged, watch: str) -> Verdict:
        """Take what people tell judge about `watch`, and return what follows."""
        return self._judge(watch, record)

    def step(self, item: Post | datetime) -> Iterator[Verdict]:
        """Take what `with_ticks` yields: a post, or a minute that has passed."""
        return self.hear(item) if isinstance(item, Post) else self.pass_to(item)

    def listen(self, posts: Iterable[Post]) -> Iterator[Listened]:
        """Yield what follows from each of `posts` for judge."""
        kept, ear = iter(posts), self.ear
        while some := list(islice(kept, AT_ONCE)):
            yield from ear.hear(some)

    def run(self, log: Iterable[Listened | datetime]) -> Iterator[Alert | Receipt]:
        """Judge a log, and the passing of time in it; yield alerts and receipts in order: alerts, then the receipt."""
        kept = iter(log)
        while some := list(islice(kept, _AT_HAND)):
            for item in some:
                if isinstance(item, Listened):
                    for mention, drawn in zip(item.mentions, item.drawn, strict=False):
                        lay_ready(mention, drawn)
                    draw_all(item.mentions)
            for item in some:
                for verdict in self._follow(item):
                    yield from verdict.alerts
                    yield from verdict.receipts
            put_away()

    def _follow(self, item: Listened | datetime) -> Iterator[Verdict]:
        if isinstance(item, datetime):
            yield from self.pass_to(item)
            return
        for record in item.records:
            yield self._judge(record.watch, record)

    def _due(self, watch: str, state: WatchState, at: datetime) -> bool:
        """Tell whether a tick may change anything; what an unchanged state waits for is not worked out again."""
        known, due = self._dues.get(watch, (None, None))
        if known is not state:
            due = state.due_at
            self._dues[watch] = state, due
        return due is not None and due <= at

    def _judge(self, watch: str, record: Judged | Inhibitor) -> Verdict:
        after, verdict = judge(self.states[watch], record, self.now, abroad=self.abroad)
        self.states[watch] = self._settled(after)
        for one in verdict.news:
            if not isinstance(one, Inhibitor):
                continue
            self.abroad = self.abroad.hear(one)
            for other in [name for name, state in self.states.items() if one.id in state.groups.held]:
                more = self._judge(other, one)
                verdict = replace(verdict, alerts=verdict.alerts + more.alerts)
        return verdict

    @staticmethod
    def _settled(state: WatchState) -> WatchState:
        """Return the state without a note of what has changed, now and then: there is no changelog."""
        if len(state.memory.touched) < _MOST_TOUCHED:
            return state
        return replace(state, memory=state.memory.saved())


def backtest(
    watches: Iterable[Watch], posts: Iterable[Post], lateness: float = LATENESS, feels: Feels = assess
) -> Iterator[Alert | Receipt]:
    """Yield every alert and receipt that `watches` give over `posts`, in order: alerts, then the receipt.

    `feels` judges sentiment.

    Raises:
        ConfigError: a query of a watch cannot be read.
    """
    bench = Bench.of(watches, lateness, feels)
    yield from bench.run(with_ticks(bench.listen(posts)))
