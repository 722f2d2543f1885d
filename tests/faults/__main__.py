"""The command line: `python -m tests.faults --faults 200 --nodes 3 --seed 7`."""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.points import POINTS
from tests.faults.run import play
from tests.faults.scenario import AIMS, AT_POINTS, Plan, Spring, plan, plan_points, springs

LONGEST = 200
"""So many faults make an episode; the next one has a new cluster and the next seed, and can be played again alone."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the logs of everything that runs")
    parser.add_argument("--points", action="store_true", help="a kill and a freeze at every point, instead of --faults")
    parser.add_argument("--aim", default="everything", choices=AIMS, help="whom the faults hit")
    parser.add_argument("--plan", action="store_true", help="only print what would be broken")
    return parser.parse_args()


def _episode(made: Plan, keep: Path | None, happened: Counter[str], sprung: Counter[Spring]) -> bool:
    print(f"seed {made.seed}: {sum(map(len, made.storms))} faults, nodes: {made.nodes}\n{made}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as made_up:
        folder = keep / str(made.seed) if keep else Path(made_up)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = play(made, folder, lambda text: print(text, flush=True))
    happened.update(outcome.happened)
    sprung.update(outcome.sprung)
    for name, figure in outcome.figures.items():
        print(f"  {name}: {figure:g}")
    for broken, text in outcome.complaints[:50]:
        print(f"WRONG: {broken}: {text}")
    for asleep in outcome.asleep:
        print("  not reached: " + ": ".join(asleep))
    return not outcome.complaints


def main() -> int:
    """Play as many episodes as it takes."""
    options = _options()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    happened, sprung, good = Counter[str](), Counter[Spring](), True
    if options.points:
        plans = [plan_points(seed, options.nodes, both=True)]
    else:
        sizes = (min(LONGEST, options.faults - done) for done in range(0, options.faults, LONGEST))
        plans = [plan(seed + number, size, options.nodes, AIMS[options.aim]) for number, size in enumerate(sizes)]
    for made in plans:
        if options.plan:
            print(made)
        else:
            good &= _episode(made, options.keep, happened, sprung)
    for process, points in POINTS.items():
        for point in points:
            counts = (f"{sprung[process, point, kind.value]} × {kind.value}" for kind in AT_POINTS)
            print(f"  {process}, {point}: {', '.join(counts)}")
    print(
        f"{sum(happened.values())} faults: " + ", ".join(f"{number} {kind}" for kind, number in happened.most_common())
    )
    missing = options.points and not options.plan and min(sprung[spring] for spring in springs()) == 0
    return 0 if good and not missing else 1


if __name__ == "__main__":
    sys.exit(main())
