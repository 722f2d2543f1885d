"""Real crises as judge's log gets them: watches for every kind of rule, the posts, the records.

The two of `examples/crises` ship with the project; all six, if EARSHOT_CRISES names a file of CrisisLexT26.
"""

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from pipeline.check import load_watches
from pipeline.flow import listen
from pipeline.offline.replay import with_ticks
from pipeline.query import Matcher
from schemas.control import WatchVersion
from schemas.event import Event, Post
from schemas.tick import Tick
from schemas.watch import Watch
from tests.pipeline.examples_of_rules import EXAMPLES

FOLDER = Path(__file__).parents[2] / "examples" / "crises"
KEYS = ("platform", "id", "time", "text")
LAST = "end"
TAGS: dict[str, Any] = {"of": "hashtag", "threshold": 3}
HERE: dict[str, dict[str, Any]] = {
    "new": {"learn": "1h", "window": "6h"},
    "distinct": TAGS,
    "amount": {"of": "risk", "by": "mean", "least": 5, "threshold": 15, "window": "6h"},
    "sentiment-shift": {"window": "1h", "reference": "2h", "shift": 0.05},
    "composite": {"all_of": [{"kind": "count", "threshold": 9, "window": "1h"},
                             {"kind": "distinct", "window": "1h", **TAGS}], "for": "1m"},
}  # fmt: skip
"""What these posts can trip: they have no authors, and come from one platform."""


def watch_file() -> str:
    """Return the watches of the examples, and for each kind of rule one of all posts."""
    found = yaml.safe_load((FOLDER / "watches.yml").read_text("utf-8"))
    for kind in sorted(EXAMPLES):
        about = {
            "id": f"by-{kind}",
            "purpose": {"goal": "reputation", "measure": "answered within an hour"},
            "query": "platform:x",
            "competitors": [{"name": "Amtrak", "query": "Amtrak OR police"}],
            "rules": [{"kind": kind, **EXAMPLES[kind][0], **HERE.get(kind, {})}],
            "group_by": ["story"] if kind == "every" else [],
            "owner": "Press",
            "routes": [{"channel": "console"}],
        }
        found["watches"].append(about)
    return yaml.safe_dump({"watches": found["watches"]}, allow_unicode=True)


def watches() -> tuple[Watch, ...]:
    return load_watches(watch_file(), "watches.yml")


def crises(count: int) -> dict[str, list[Post]]:
    """Return the first `count` posts of each crisis, by its name, and one a day after them that every watch hears."""
    found = defaultdict(list)
    if path := os.environ.get("EARSHOT_CRISES"):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                found[row["event"]].append({"platform": "x"} | {key: row[key] for key in KEYS[1:]})
    else:
        for line in (FOLDER / "crises.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            found[row["time"][:7]].append(row)
    made = {}
    for name, rows in found.items():
        posts = [Post.model_validate_json(json.dumps(row)) for row in sorted(rows, key=lambda row: row["time"])]
        made[name] = [*posts[:count], _last(posts[count - 1].time + timedelta(hours=25))]
    return made


def _last(at: datetime) -> Post:
    return Post(platform="x", id=LAST, time=at, text="Lac Megantic, Metro North")


def timed(posts: Iterable[Post]) -> list[Post | datetime]:
    """Return the posts with the time in between and after them, as a backtest has it."""
    return list(with_ticks(posts))


def log(posts: Iterable[Post], watched: Iterable[Watch]) -> list[bytes]:
    """Return the records of a partition of `earshot.mentions` that holds these watches."""
    kept = tuple(watched)
    matcher, begin = Matcher.compile(kept), datetime(1970, 1, 1, tzinfo=UTC)
    records = [WatchVersion(watch=one, version="1", at=begin).to_bytes() for one in kept]
    for item in timed(posts):
        if isinstance(item, datetime):
            records.append(Tick(at=item).to_bytes())
        else:
            event = Event.model_validate({**dict(item), "source": "file", "seen": item.time})
            records += [match.to_bytes() for match in listen(event, matcher)]
    return records
