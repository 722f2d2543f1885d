"""Streams in which nothing happens, for the rules that crises are told by: made-up times, real texts about others.

Posts come by chance (a Poisson process), from 0 to 6 o'clock UTC at a fifth of the mean rate and by day at so much more
that the mean holds. A stream has two parts: `BEFORE`, in which a watch gets to know what is usual, and as long again as
the crisis it stands beside.
"""

import gzip
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

from pipeline.offline.backtest import Bench
from pipeline.offline.replay import with_ticks
from schemas.event import Post
from schemas.watch import Watch

BEFORE = timedelta(days=28)
"""How long a watch is in force before something happens: as long as `unusual-volume` remembers."""
NIGHT = 0.2
_DAY = (24 - 6 * NIGHT) / 18


def read_texts(path: Path) -> list[str]:
    """Return the texts of a file of GermEval 2017, whatever they are labelled."""
    with gzip.open(path) as file:
        return [text for one in ElementTree.parse(file).getroot() if (text := one.findtext("text"))]


def quiet(texts: Sequence[str], begin: datetime, end: datetime, rate: float, seed: int) -> list[Post]:
    """Return posts between `begin` and `end`, `rate` an hour on average, each with its own text while they last."""
    chance, now, made = random.Random(seed), begin, list[Post]()
    order = chance.sample(range(len(texts)), len(texts))
    while True:
        here = rate * (NIGHT if now.hour < 6 else _DAY)
        # as if the rate stayed: a step that leaves the hours it was drawn for is drawn again from there
        step, edge = timedelta(hours=chance.expovariate(here)), _turn(now)
        if now + step >= edge:
            now = edge
        else:
            now += step
            text = texts[order[len(made) % len(order)]]
            made.append(Post(platform="x", id=f"quiet-{seed}-{len(made)}", time=now, text=text))
        if now >= end:
            return [post for post in made if post.time < end]


def _turn(now: datetime) -> datetime:
    """Return when the rate changes next: at 6 o'clock and at midnight."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=6) if now.hour < 6 else midnight + timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """Incidents opened, by watch: while it is new, and when it has known the stream for `BEFORE`."""

    new: Counter[str]
    known: Counter[str]


def incidents(posts: Sequence[Post], watches: Sequence[Watch], begin: datetime, length: timedelta) -> Told:
    """Return the incidents opened within `length` of the beginning, and those within `length` after `BEFORE`."""
    bench, told = Bench.of(tuple(watches)), Told(Counter(), Counter())
    for item in with_ticks(posts):
        for verdict in bench.step(item):
            for alert in verdict.alerts:
                if alert.reason == "opened":
                    told.new[alert.watch] += alert.at < begin + length
                    told.known[alert.watch] += alert.at >= begin + BEFORE
    return told
