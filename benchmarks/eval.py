"""Measure every judgement on labelled data: make eval

    EARSHOT_EVAL_DATA=FOLDER python -m benchmarks.eval [--record]

Prints each figure with its data set, its 95 % interval, the floor of a plain method in the same run, and what is
wanted; then compares with `benchmarks/eval_record.json` and ends with 1 when a figure has left its recorded interval on
the bad side, or is gone, or a cost is more than twice as dear as recorded, beside the cost of the plain method in the
same run. It ends with 2 where there is no data. `--record` writes the record anew. Nothing is tuned here.
"""

import json
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import eval_language, eval_sentiment
from benchmarks.figures import Figure

PARTS = ("eval_folding", "eval_language", "eval_sentiment", "eval_entities", "eval_wording", "eval_relevance")
RECORD = Path(__file__).with_name("eval_record.json")
VARIABLE = "EARSHOT_EVAL_DATA"
COSTS = ("CPU", "bytes")
"""How a figure begins that is another one on every machine: it is held against that of its floor."""
DEARER = 2.0
"""So many times as dear, beside its floor, as recorded is no noise any more."""


def measure(folder: Path) -> list[Figure]:
    """Return the figures of all parts."""
    found: list[Figure] = []
    for part in PARTS:
        if find_spec(f"benchmarks.{part}") is None:
            print(f"{part}: not there, so not measured", file=sys.stderr)
            continue
        found += import_module(f"benchmarks.{part}").figures(folder)
    return found


def key(figure: Figure) -> str:
    """Return what a figure is known by from run to run."""
    return f"{figure.name} | {figure.dataset} | {figure.split}"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as the table that stands in docs/quality.md."""
    lines = [
        "| figure | data | split | n | floor | value | 95 % interval | wanted | reached |",
        "|---|---|---|--:|--:|--:|---|--:|---|",
    ]
    for one in figures:
        floor = "–" if one.baseline is None else f"{one.baseline:.3f}"
        sign = "≥" if one.higher_is_better else "≤"
        wanted = "–" if one.target is None else f"{sign} {one.target:g}"
        lines.append(
            f"| {one.name} | {one.dataset} | {one.split} | {one.n:,} | {floor} | {one.value:.3f} "
            f"| {one.low:.3f}–{one.high:.3f} | {wanted} | {reached(one)} |"
        )
    return "\n".join(lines)


def reached(figure: Figure) -> str:
    """Return whether a figure is what is wanted."""
    if figure.target is None:
        return "–"
    better = figure.value >= figure.target if figure.higher_is_better else figure.value <= figure.target
    return "yes" if better else "no"


def absent(folder: Path) -> frozenset[str]:
    """Return the names of the data sets that `folder` does not hold, of the parts that can do without some."""
    return eval_sentiment.absent(folder) | eval_language.absent(folder)


def regressions(
    now: Sequence[Figure], record: Mapping[str, Mapping[str, Any]], without: Collection[str] = ()
) -> list[str]:
    """Return a sentence for each recorded figure that is gone, or worse by more than its noise.

    Figures of the data sets `without` are not expected.
    """
    measured = {key(one): one for one in now}
    wanted = [name for name, one in record.items() if one["dataset"] not in without]
    found = [f"{name}: was measured and is no more" for name in wanted if name not in measured]
    for name, one in measured.items():
        if (before := record.get(name)) is None:
            continue
        if one.name.startswith(COSTS):
            now_beside, then_beside = (cost / (floor or 1.0) for cost, floor in _costs(one, before))
            if now_beside > DEARER * then_beside:
                found.append(f"{name}: {now_beside:.1f} times its floor, but {then_beside:.1f} times is recorded")
            continue
        bound = before["low"] if one.higher_is_better else before["high"]
        if one.value < bound if one.higher_is_better else one.value > bound:
            said = f"{before['low']:.3f}–{before['high']:.3f}"
            found.append(f"{name}: {one.value:.3f}, but {before['value']:.3f} ({said}) is recorded")
    return found


def _costs(now: Figure, before: Mapping[str, Any]) -> tuple[tuple[float, float | None], ...]:
    """Return the cost and its floor, now and as recorded."""
    return (now.value, now.baseline), (before["value"], before["baseline"])


def main(arguments: Sequence[str]) -> int:
    """Measure, print, compare or record; return the exit code."""
    folder = os.environ.get(VARIABLE, "")
    if not folder or not Path(folder).is_dir():
        print(f"nothing is measured: set {VARIABLE} to the folder of the labelled data", file=sys.stderr)
        return 2
    found = measure(Path(folder))
    print(table(found))
    if "--record" in arguments:
        record = {key(one): asdict(one) for one in found}
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        return 0
    without = absent(Path(folder))
    for name in sorted(without):
        print(f"{name}: not in {VARIABLE}, so not measured (docs/data-card.md says where to get it)")
    worse = regressions(found, json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}, without)
    print("\n".join(worse or ["no figure is worse than its noise"]))
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
