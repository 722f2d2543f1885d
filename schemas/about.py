"""What a watch means by its name, how sure one must be that a mention is about that, and how much each risk weighs."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from schemas.model import Record, Written

Text = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
Terms = Annotated[tuple[Text, ...], Field(max_length=200)]

FactorName = Literal[
    "mention",
    "negativity",
    "safety",
    "fraud",
    "discrimination",
    "data-loss",
    "strike",
    "recall",
    "legal",
    "outcry",
    "outage",
    "complaint",
    "reach",
    "credibility",
    "engagement",
    "spread",
    "novelty",
    "echo",
    "coordination",
]
"""The summands of a risk score."""
FACTORS: tuple[FactorName, ...] = get_args(FactorName)


class About(Written):
    """What the own brand is, told apart from namesakes.

    Words that `speaks_for` it and `speaks_against` it, and whole posts that are about it (`is_us`) and are not
    (`not_us`). `kind` is what it is; words that such things are spoken of with speak for it a little.
    """

    kind: Literal["company", "product", "person", "place", "event"] | None = None
    speaks_for: Terms = ()
    speaks_against: Terms = ()
    is_us: Terms = ()
    not_us: Terms = ()


class Doubt(Written):
    """What becomes of a mention that is probably about something else: below `least` it is counted and not alerted."""

    least: Annotated[float, Field(ge=0, le=1)] = 0.0


class Risk(Written):
    """How much each factor of the risk score weighs: times its points, 1 where nothing is written, 0 for not at all.

    Sites and authors of `tier_1` and `tier_2` (written out, or `"@name"` of a list) have reach by being that, whatever
    their followers.
    """

    weights: dict[FactorName, Annotated[float, Field(ge=0, le=10)]] = {}
    tier_1: Terms = ()
    tier_2: Terms = ()

    def __hash__(self) -> int:
        """Hash it: pydantic copies a default that has no hash with every watch, weights and all."""
        return hash((tuple(sorted(self.weights.items())), self.tier_1, self.tier_2))


class Evidence(Record):
    """A word and how much it speaks for the watched entity (log odds; below 0 against it)."""

    word: str
    weight: float


class Relevance(Record):
    """How probably a mention is about the watched entity, from 0 to 1, and the words that carried that.

    `by` is what was known: the `query` alone (then it is 1, a rule and no guess), the watch's `description`, or
    `feedback` as well.
    """

    probability: float = 1.0
    by: Literal["query", "description", "feedback"] = "query"
    words: tuple[Evidence, ...] = ()
