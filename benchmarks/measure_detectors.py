"""What the detectors reach on real data that is not in this repository: the figures of docs/quality.md.

    python -m benchmarks.measure_detectors [--nab FOLDER] [--crises FILE.jsonl.gz] [--ordinary dev.xml.gz]

They may also be named by EARSHOT_NAB, EARSHOT_CRISES and EARSHOT_ORDINARY (posts about a railway of GermEval 2017).
NAB is numenta/NAB's `realTweets` (MIT): `data/` and
`labels/combined_windows.json`. It is scored as Lavin & Ahmad (2015) define it, standard profile, an alert that starts
being a detection; `left out` is what the sensitivity that is best on the four other series reaches on the one. Crises
are those of CrisisLexT26 (MIT), one JSON object a line with `event`, `time`, `id`, `informative` and `text`. With
`--ordinary` beside them, quiet streams as long as each are made of its texts (`benchmarks/quiet_streams.py`), and each
crisis is told once more by watches that have heard such a stream for four weeks before.
"""

import argparse
import gzip
import json
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.quiet_streams import BEFORE, incidents, quiet, read_texts
from cli.counting import read_counts, read_rule
from pipeline.detect import Armed, arm_rule
from pipeline.offline.backtest import Bench
from pipeline.offline.counts import score_counts
from pipeline.offline.replay import with_ticks
from schemas.event import Post
from schemas.watch import Rule, Watch

RULE = Path(__file__).parents[1] / "examples" / "rules" / "unusual-volume.yml"
SENSITIVITIES = ("low", "balanced", "high")
FALSE_ALARM = 0.11


def sigmoid(y: float) -> float:
    return -1.0 if y > 3 else 2 / (1 + exp(5 * y)) - 1


class Series:
    """One labelled series: its counts and the windows in which something happened, by row."""

    def __init__(self, path: Path, windows: list[list[str]]) -> None:
        self.name = path.name.removesuffix(".gz").removesuffix(".csv").removeprefix("Twitter_volume_")
        self.counts = [(time, count) for _, time, count in read_counts(path)]
        rows = {time: row for row, (time, _) in reversed(list(enumerate(self.counts)))}
        spans = [[rows[datetime.fromisoformat(edge).replace(tzinfo=UTC)] for edge in span] for span in windows]
        self.labelled = len(spans)
        self.probation = int(min(0.15 * len(self.counts), 750))
        self.all_spans = sorted(spans)
        self.spans = [span for span in self.all_spans if span[1] >= self.probation]

    def starts(self, rule: Armed) -> list[int]:
        return [row for row, one in enumerate(score_counts(rule, self.counts)) if one.starts and row >= self.probation]


def judge(series: list[Series], starts: dict[str, list[int]]) -> dict[str, object]:
    """Return NAB's score, windows found, episodes of false alarms and the F1 of both."""
    raw, found, windows, false = 0.0, 0, 0, 0
    for one in series:
        best: dict[int, float] = {}
        last: datetime | None = None
        for row in starts[one.name]:
            inside = next((at for at, (a, b) in enumerate(one.all_spans) if a <= row <= b), None)
            if inside is not None:
                a, b = one.all_spans[inside]
                best[inside] = max(best.get(inside, -1.0), sigmoid(-(b - row + 1) / (b - a + 1)) / sigmoid(-1.0))
                continue
            before = [(a, b) for a, b in one.all_spans if b < row]
            raw += FALSE_ALARM * (sigmoid((row - before[-1][1]) / (before[-1][1] - before[-1][0])) if before else -1.0)
            time = one.counts[row][0]
            false += last is None or time - last > timedelta(hours=1)
            last = time
        windows, found = windows + len(one.spans), found + len(best)
        raw += sum(best.values()) - (len(one.spans) - len(best))
    perfect, null = sum(one.labelled for one in series), -windows
    precision, recall = found / max(1, found + false), found / windows
    return {
        "NAB standard": round(100 * (raw - null) / (perfect - null), 1),
        "found": f"{found}/{windows}",
        "false": false,
        "F1": round(2 * precision * recall / max(1e-9, precision + recall), 2),
    }


def measure_nab(folder: Path) -> None:
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text("utf-8"))
    files = sorted((folder / "data").glob("Twitter_volume_*.csv*"))
    series = [Series(path, labels[f"realTweets/{path.name.removesuffix('.gz')}"]) for path in files]
    default = read_rule(RULE)
    made = {"default": {one.name: one.starts(default) for one in series}}
    for name in SENSITIVITIES:
        rule = arm_rule(Rule.model_validate({"kind": "unusual-volume", "sensitivity": name}), name)
        made[name] = {one.name: one.starts(rule) for one in series}
    for name, starts in made.items():
        print(f"{name:<10}", judge(series, starts))
    for one in series:
        rest = [other for other in series if other is not one]
        best = max(SENSITIVITIES, key=lambda name: judge(rest, made[name])["NAB standard"])  # type: ignore[arg-type, return-value]
        print(
            f"{one.name:<10} default", judge([one], made["default"]), f"| left out, {best}:", judge([one], made[best])
        )


GRAVE: dict[str, object] = {
    "kind": "amount",
    "name": "grave",
    "of": "risk",
    "by": "mean",
    "least": 5,
    "threshold": 30,
    "window": "6h",
}
"""As grave, on average, as a fresh post (10 + 5 points) that names something like fraud or a recall (15)."""
_BESIDE: tuple[dict[str, object], ...] = (
    {"kind": "spike", "window": "3h", "factor": 3, "floor": 20},
    {"kind": "unusual-volume"},
)
SETS: dict[str, tuple[dict[str, object], ...]] = {
    "8 in 1 h": ({"kind": "count", "threshold": 8, "window": "1h"}, *_BESIDE),
    "8 in 6 h": ({"kind": "count", "threshold": 8, "window": "6h"}, *_BESIDE),
    "8 in 6 h, and grave": ({"kind": "count", "threshold": 8, "window": "6h"}, *_BESIDE, GRAVE),
    "unusual volume": ({"kind": "unusual-volume"},),
}
"""The rules that crises are told by: how many posts in which time beside a spike and unusual volume, or that alone."""
RATES = (0.5, 1.0)
"""How many posts an hour a quiet stream has, beside as many as were unrelated in the crisis' own."""
DRAWS = 5


def crisis_watch(rules: Sequence[dict[str, object]], name: str = "crisis") -> Watch:
    return Watch.model_validate(
        {
            "id": name,
            "purpose": {"goal": "reputation", "measure": "benchmark"},
            "query": "platform:x",
            "rules": tuple(rules),
            "owner": "bench",
            "routes": ({"channel": "console"},),
        }
    )


@dataclass(frozen=True)
class Crisis:
    """The posts of one, in the order of their times, and which of them people took to be about it."""

    name: str
    posts: tuple[Post, ...]
    related: frozenset[str]

    @property
    def begin(self) -> datetime:
        """When the first post about it was."""
        return next(post.time for post in self.posts if post.id in self.related)

    @property
    def length(self) -> timedelta:
        return self.posts[-1].time - self.posts[0].time

    @property
    def unrelated(self) -> float:
        """How many posts an hour are not about it: what the same watch hears without a crisis."""
        return (len(self.posts) - len(self.related)) / (self.length / timedelta(hours=1))


def read_crises(path: Path) -> list[Crisis]:
    events: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            found = json.loads(line)
            events[found["event"]].append(found)
    made = []
    for name, rows in events.items():
        rows.sort(key=lambda row: row["time"])
        posts = [
            Post(platform="x", id=row["id"], time=datetime.fromisoformat(row["time"]), text=row["text"]) for row in rows
        ]
        related = frozenset(row["id"] for row in rows if row["informative"].startswith("Related"))
        made.append(Crisis(name, tuple(posts), related))
    return made


def measure_crises(path: Path, texts: Sequence[str]) -> None:
    """Print how soon and how often each crisis is told, and, given other texts, how often quiet streams are."""
    watches = [crisis_watch(rules, str(at)) for at, rules in enumerate(SETS.values())]
    for one in read_crises(path):
        for watch, (first, most) in told(one, one.posts, watches).items():
            print(f"{one.name:<30} {watch:<20} new: told at related post {first}; most alerts a day {most}")
        if not texts:
            continue
        before = quiet(texts, one.posts[0].time - BEFORE, one.posts[0].time, one.unrelated, 0)
        for watch, (first, most) in told(one, (*before, *one.posts), watches).items():
            print(f"{one.name:<30} {watch:<20} known: told at related post {first}; most alerts a day {most}")
        for rate in (one.unrelated, *RATES):
            measure_quiet(one, rate, texts, watches)


def measure_quiet(crisis: Crisis, rate: float, texts: Sequence[str], watches: Sequence[Watch]) -> None:
    """Print the incidents in quiet streams as long as the crisis: of a new watch, and after four weeks of the same."""
    begin = crisis.posts[0].time
    new, known = Counter[str](), Counter[str]()
    for seed in range(1, DRAWS + 1):
        posts = quiet(texts, begin, begin + BEFORE + crisis.length, rate, seed)
        found = incidents(posts, watches, begin, crisis.length)
        new.update(found.new)
        known.update(found.known)
    for watch, name in zip(watches, SETS, strict=True):
        said = f"new {new[watch.id]}, known {known[watch.id]} in {DRAWS} streams"
        print(f"{crisis.name:<30} {name:<20} quiet, {rate:.3f} an hour for {crisis.length.days} days: {said}")


def told(crisis: Crisis, posts: Sequence[Post], watches: Sequence[Watch]) -> dict[str, tuple[int | None, int]]:
    """Return, by rules, at which related post people hear first, and how often on the busiest day, its end too."""
    bench, heard = Bench.of(tuple(watches)), 0
    first: dict[str, int] = {}
    days: Counter[tuple[str, str]] = Counter()
    for item in with_ticks(posts):
        heard += isinstance(item, Post) and item.id in crisis.related
        for verdict in bench.step(item):
            for alert in verdict.alerts:
                if alert.at >= crisis.begin:
                    first.setdefault(alert.watch, heard)
                    days[alert.watch, f"{alert.at:%Y-%m-%d}"] += 1
    return {
        name: (first.get(watch.id), max((count for (id_, _), count in days.items() if id_ == watch.id), default=0))
        for watch, name in zip(watches, SETS, strict=True)
    }


def measure_ordinary(path: Path) -> None:
    """Print how often the rule about grave posts would alert in a stream of ordinary ones, 40 a day; times made up."""
    with gzip.open(path) as file:
        found = [one for one in ElementTree.parse(file).getroot() if one.findtext("relevance") == "true"]
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    posts = [
        Post(platform="x", id=str(at), time=begin + timedelta(minutes=36 * at), text=one.findtext("text") or "")
        for at, one in enumerate(found)
    ]
    bench, opened = Bench.of((crisis_watch((GRAVE,)),)), 0
    for item in with_ticks(posts):
        opened += sum(alert.reason == "opened" for verdict in bench.step(item) for alert in verdict.alerts)
    print(f"{len(posts)} ordinary posts in {(posts[-1].time - begin).days} days: {opened} incidents of grave posts")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure_detectors", description=__doc__)
    parser.add_argument("--nab", type=Path, default=os.environ.get("EARSHOT_NAB"))
    parser.add_argument("--crises", type=Path, default=os.environ.get("EARSHOT_CRISES"))
    parser.add_argument("--ordinary", type=Path, default=os.environ.get("EARSHOT_ORDINARY"))
    given = parser.parse_args()
    if given.ordinary and not given.crises:
        measure_ordinary(Path(given.ordinary))
    elif not given.nab and not given.crises:
        parser.error("name a folder with --nab or a file with --crises (or EARSHOT_NAB, EARSHOT_CRISES)")
    if given.nab:
        measure_nab(Path(given.nab))
    if given.crises:
        measure_crises(Path(given.crises), read_texts(Path(given.ordinary)) if given.ordinary else [])


if __name__ == "__main__":
    main()
