"""A made-up crisis for the tests of the stream: bursts and quiet, copies and originals, always the same for a seed."""

import random
from datetime import UTC, datetime, timedelta

from pipeline.check import load_watches
from pipeline.offline.backtest import backtest
from pipeline.offline.replay import with_ticks
from schemas.alert import Alert
from schemas.event import Author, Post
from tests.broker.worker import WATCHES

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
_WORDS = ["brakes", "recall", "smoke", "station", "angry", "staff", "refund", "video", "minister", "hotline", "photo"]
_TEMPLATES = (
    "Acme {a} again: {b} and {c}",
    "the train to {a} is late, {b} {c}",
    "RT @user: acme {a} {a} breaking",
    "globex says nothing about {b}",
    "delay {c}, train {b}, acme {a}",
)


def posts(count: int, seed: int = 1) -> list[Post]:
    """Return `count` posts, of which every one matches a watch, and a day later one more for each watch.

    Whoever has read the receipts of the last two knows that everything before them has been judged.
    """
    draw = random.Random(seed)
    made, now = [], START
    for number in range(count):
        now += timedelta(seconds=draw.choice([1, 2, 5, 20]) if (number // 100) % 3 else draw.choice([60, 90, 200]))
        words = dict(zip("abc", draw.choices(_WORDS, k=3), strict=True))
        text = draw.choice(_TEMPLATES).format(**words)
        made.append(
            Post(platform="x", id=str(number), time=now, text=text, author=Author(followers=draw.randrange(9999)))
        )
    end = now + timedelta(hours=25)
    return [*made, *(Post(platform="x", id=f"end-{word}", time=end, text=word) for word in ("acme", "train"))]


def items(made: list[Post]) -> list[Post | datetime]:
    """Return the posts with the time in between, up to the last post."""
    timed = list(with_ticks(made))
    last = max(index for index, item in enumerate(timed) if isinstance(item, Post))
    return timed[: last + 1]


def alerts_of(made: list[Post], watches: str = WATCHES) -> dict[str, Alert]:
    """Return the alerts that `earshot backtest` would have made, by id."""
    return {
        found.id: found for found in backtest(load_watches(watches, "watches.yml"), made) if isinstance(found, Alert)
    }
