"""For each kind of rule settings, and posts at which it trips: what the contract of detectors is tried on."""

from collections.abc import Iterator
from typing import Any

from schemas.control import Judged
from schemas.tick import Tick
from tests.pipeline.timeline import distinct, match, minute

Post = tuple[float, dict[str, Any]]


def quiet(hours: int, each: float = 60.0) -> list[Post]:
    """Return a mention each so many minutes for so many hours."""
    return [(at * each, {}) for at in range(int(hours * 60 / each))]


def burst(at: float, count: int, **about: Any) -> list[Post]:
    """Return so many mentions, one each second."""
    return [(at + number / 60, about) for number in range(count)]


EXAMPLES: dict[str, tuple[dict[str, Any], list[Post]]] = {
    "every": ({}, burst(0, 1)),
    "count": ({"threshold": 2, "window": "10m"}, burst(30, 2)),
    "spike": ({"window": "10m", "factor": 2, "floor": 2}, [(0, {}), *burst(30, 2)]),
    "unusual-volume": ({"learn": "2d"}, [*quiet(60), *burst(60 * 60, 12)]),
    "silence": ({"window": "3h"}, [(0, {}), (10, {}), (600, {})]),
    "negative-share": ({"window": "1h", "share": 0.5, "least": 5}, burst(0, 8, negative=True)),
    "share-of-voice": ({"window": "1h", "below": 0.5, "least": 10}, [(0, {}), *burst(1, 15, entities=("Bolt",))]),
    "peer-spike": (
        {"window": "1h", "reference": "6h", "factor": 3, "floor": 5},
        [*quiet(8), *[(60 * at + 1, {"entities": ("Bolt",)}) for at in range(8)], *burst(8 * 60 + 5, 12)],
    ),
    "amount": ({"of": "reach", "threshold": 1000, "window": "1h"}, burst(0, 3, followers=400)),
    "distinct": ({"of": "platform", "threshold": 2, "window": "1h"}, [(0, {}), (1, {"platform": "reddit"})]),
    "new": (
        {"of": "hashtag", "least": 2, "learn": "1d"},
        [(0, {"text": "acme #rail"}), *[(1500.0 + at, {"text": f"acme {distinct(at)} #strike"}) for at in range(2)]],
    ),
    "influencer": ({"followers": 10_000}, [(0, {}), (1, {"followers": 20_000})]),
    "taking-off": (
        {"threshold": 100, "window": "1h"},
        [
            (0, {"id": "hot", "metrics": {"likes": 3.0}}),
            (20, {"id": "hot", "metrics": {"likes": 200.0}, "edited": True}),
        ],
    ),
    "sentiment-shift": (
        {"window": "1h", "reference": "6h", "shift": 0.2, "least": 5},
        [*quiet(8, 20), *burst(8 * 60, 12, negative=True)],
    ),
    "composite": (
        {"all_of": [{"kind": "count", "threshold": 3, "window": "1h"},
                    {"kind": "distinct", "of": "platform", "threshold": 2, "window": "1h"}], "for": "5m"},
        [(0, {}), (1, {"platform": "reddit"}), (2, {}), (20, {})],
    ),
}  # fmt: skip
"""By kind: the settings, and the posts (minute, what about it)."""


def log(posts: list[Post]) -> Iterator[Judged]:
    """Yield the posts as matches, with a tick at each whole hour between them."""
    hour = 0.0
    for number, (when, about) in enumerate(sorted(posts, key=lambda post: post[0])):
        while hour + 60 <= when:
            hour += 60
            yield Tick(at=minute(hour))
        fields = dict(about)
        name, text = fields.pop("id", f"p{number}"), fields.pop("text", distinct(number))
        yield match(name, when, text, **fields)
