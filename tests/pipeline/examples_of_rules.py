"""For each kind of rule settings, and posts at which it trips: what the contract of detectors is tried on."""

from collections.abc import Iterator
from typing import Any

from schemas.control import Judged
from schemas.event import Author
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

OF_BOTH: list[Post] = [*quiet(8), *[(60 * at + 1, {"entities": ("Bolt",)}) for at in range(8)]]
"""Eight hours with a mention of each company in each."""
PEER: dict[str, Any] = {"kind": "peer-spike", "window": "1h", "reference": "6h", "factor": 3, "floor": 5}
SHARE: dict[str, Any] = {"kind": "share-of-voice", "window": "1h", "above": 0.5, "least": 10}


NEW: dict[str, Any] = {"kind": "new", "least": 2, "learn": "1d"}
ANY_OF: dict[str, Any] = {
    "kind": "composite",
    "any_of": [
        {"kind": "count", "threshold": 9, "window": "1h"},
        {"kind": "distinct", "of": "platform", "threshold": 2, "window": "1h"},
    ],
}


def first_seen(about: dict[str, Any], then: dict[str, Any]) -> list[Post]:
    """Return two posts, and two others a day later."""
    return [*[(float(at), about) for at in range(2)], *[(1500.0 + at, then) for at in range(2)]]


def verified(by: bool) -> list[Post]:
    """Return a post of an author who is, or who is not."""
    return [(0, {"author": Author(id="b", verified=by)})]


MORE: list[tuple[str, dict[str, Any], list[Post], bool]] = [
    ("our share has become large", SHARE, [(0, {"entities": ("Bolt",)}), *burst(1, 15)], True),
    ("our share is less than half", SHARE, [*burst(1, 9, entities=("Bolt",)), *burst(2, 8)], False),
    ("the sector grows, both of it", PEER | {"of": "sector"},
     [*OF_BOTH, *burst(485, 12), *burst(485.01, 12, entities=("Bolt",)), (487, {})], True),
    ("ours alone is not the sector", PEER | {"of": "sector"}, [*OF_BOTH, *burst(485, 12)], False),
    ("the sector is not ours alone", PEER,
     [*OF_BOTH, *burst(485, 12, entities=("Bolt",)), *burst(485.005, 12)], False),
    ("a term nobody used", NEW | {"of": "term"},
     [(0, {}), *[(1500.0 + at, {"text": f"acme {distinct(at)} strikes"}) for at in range(2)]], True),
    ("an author nobody knew", NEW | {"of": "author"},
     first_seen({"writer": "a"}, {"writer": "b"}), True),
    ("the author is known", NEW | {"of": "author"},
     first_seen({"writer": "a"}, {"writer": "a"}), False),
    ("a site nobody linked to", NEW | {"of": "site"},
     first_seen({"url": "https://a.example/1"}, {"url": "https://b.example/1"}), True),
    ("somebody verified", {"kind": "influencer", "verified": True}, verified(True), True),
    ("somebody who is not", {"kind": "influencer", "verified": True}, verified(False), False),
    ("an author who is named", {"kind": "influencer", "authors": ["b"]},
     [(0, {"writer": "a"}), (1, {"writer": "b"})], True),
    ("an author who is not", {"kind": "influencer", "authors": ["b"]},
     [(0, {"writer": "a"}), (1, {"writer": "c"})], False),
    ("one of two conditions", ANY_OF, [(0, {}), (1, {"platform": "reddit"})], True),
    ("neither of two", ANY_OF, [(0, {}), (1, {})], False),
    ("engagement of all posts together", {"kind": "amount", "of": "engagement", "threshold": 100, "window": "1h"},
     [(0, {"metrics": {"likes": 50.0}}), (1, {"metrics": {"likes": 60.0}})], True),
    ("less of it", {"kind": "amount", "of": "engagement", "threshold": 100, "window": "1h"},
     [(0, {"metrics": {"likes": 50.0}}), (1, {"metrics": {"likes": 40.0}})], False),
    ("two sites", {"kind": "distinct", "of": "site", "threshold": 2, "window": "1h"},
     [(0, {"url": "https://a.example/1"}), (1, {"url": "https://b.example/1"})], True),
    ("two pages of one site", {"kind": "distinct", "of": "site", "threshold": 2, "window": "1h"},
     [(0, {"url": "https://a.example/1"}), (1, {"url": "https://www.a.example/2"})], False),
    ("two hashtags", {"kind": "distinct", "of": "hashtag", "threshold": 2, "window": "1h"},
     [(0, {"text": "acme one #rail"}), (1, {"text": "acme two #strike"})], True),
    ("one hashtag, written in two ways", {"kind": "distinct", "of": "hashtag", "threshold": 2, "window": "1h"},
     [(0, {"text": "acme one #rail"}), (1, {"text": "acme two #Rail"})], False),
    ("three posts of one site", {"kind": "count", "threshold": 3, "window": "1h", "per": "site"},
     [(at, {"url": f"https://a.example/{at}"}) for at in range(3)], True),
    ("three posts of three", {"kind": "count", "threshold": 3, "window": "1h", "per": "site"},
     [(at, {"url": f"https://{at}.example/"}) for at in range(3)], False),
]  # fmt: skip
"""What a kind of rule may look at besides: what happens, the rule, the posts, whether it trips."""


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
