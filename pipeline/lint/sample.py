"""A sample of history: how much a query would have brought, and what its exclusions keep out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pipeline.lint.tree import alternatives
from pipeline.normalize import normalize
from pipeline.offline.backtest import SOURCE
from pipeline.query import Matcher, Query
from pipeline.query.printing import print_node
from pipeline.query.tree import And, Node, Not, join
from schemas.event import Event, Post
from schemas.mention import OWN
from schemas.watch import NO_LISTS, Lists, Watch

SHORTEST_DAYS = 1 / 24
"""A sample of minutes says little about a day, and no more than an hour would."""


Part = tuple[str, str, str]
"""A query or an alternative of it: the watch, the entity, and how the part is printed."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the queries and their alternatives brought on the sample; `bare` without what they exclude."""

    posts: int
    days: float
    matched: Counter[Part]
    bare: Counter[Part]
    own: Counter[str]

    def per_day(self, watch: str) -> float:
        """Return how many mentions of the own brand a day are to be expected."""
        return self.own[watch] / self.days


@dataclass(frozen=True, slots=True)
class Sample:
    """Posts of the past, from wherever the watches will be heard."""

    posts: tuple[Post, ...]

    def count(self, asked: Iterable[tuple[str, str, Query]], lists: Lists = NO_LISTS) -> Counts:
        """Return what each query, which may ask for `lists`, would have brought."""
        queries = list(asked)
        nodes = {
            (watch, entity, print_node(node)): node
            for watch, entity, query in queries
            for node in (query.root, *alternatives(query.root))
        }
        whole = _matcher(nodes, lists)
        bare = _matcher({part: found for part, node in nodes.items() if (found := without_nots(node))}, lists)
        matched: Counter[Part] = Counter()
        without: Counter[Part] = Counter()
        for post in self.posts:
            mention = normalize(Event.model_validate({**dict(post), "source": SOURCE, "seen": post.time}))
            for counter, (matcher, parts) in ((matched, whole), (without, bare)):
                counter.update(parts[found.watch.id] for found in matcher.match(mention))
        brands = {watch: query.root for watch, entity, query in queries if entity == OWN}
        own = Counter({watch: matched[watch, OWN, print_node(root)] for watch, root in brands.items()})
        return Counts(len(self.posts), _days([post.time for post in self.posts]), matched, without, own)


def without_nots(node: Node) -> Node | None:
    """Return an AND without what it excludes, None if it excludes nothing."""
    if not isinstance(node, And):
        return None
    kept = [operand for operand in node.operands if not isinstance(operand, Not)]
    return join(And, kept) if 0 < len(kept) < len(node.operands) else None


def _matcher(nodes: dict[Part, Node], lists: Lists) -> tuple[Matcher, dict[str, Part]]:
    """Return a matcher of parts, and which each is by the id of the watch that stands for it."""
    parts = {f"q{number}": part for number, part in enumerate(nodes)}
    watches = (_stand_in(name, print_node(nodes[part])).asking(lists) for name, part in parts.items())
    return Matcher.compile(watches), parts


def _stand_in(name: str, query: str) -> Watch:
    return Watch.model_validate(
        {
            "id": name,
            "purpose": {"goal": "sample", "measure": "none"},
            "query": query,
            "rules": ({"kind": "count"},),
            "owner": {"name": "nobody"},
            "routes": ({"channel": "console"},),
        }
    )


def _days(times: list[datetime]) -> float:
    seconds = (max(times) - min(times)).total_seconds() if times else 0.0
    return max(SHORTEST_DAYS, seconds / 86_400)
