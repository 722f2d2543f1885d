"""The command line: `python -m tests.faults --faults 200 --nodes 3 --seed 7`."""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.run import play
from tests.faults.scenario import Plan, plan

LONGEST = 200
"""So many faults make an episode; the next one has a new cluster and the next seed, and can be played again alone."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=1, choices=(1, 3))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the logs of everything that runs")
    parser.add_argument("--plan", action="store_true", help="only print what would be broken")
    return parser.parse_args()


def _episode(made: Plan, keep: Path | None, happened: Counter[str]) -> bool:
    print(f"seed {made.seed}: {sum(map(len, made.storms))} faults, nodes: {made.nodes}\n{made}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as made_up:
        folder = keep / str(made.seed) if keep else Path(made_up)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = play(made, folder, lambda text: print(text, flush=True))
    happened.update(outcome.happened)
    for name, figure in outcome.figures.items():
        print(f"  {name}: {figure:g}")
    for broken, text in outcome.complaints[:50]:
        print(f"WRONG: {broken}: {text}")
    return not outcome.complaints


def main() -> int:
    """Play as many episodes as it takes."""
    options = _options()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    left, happened, good = options.faults, Counter[str](), True
    while left > 0:
        made = plan(seed, min(left, LONGEST), options.nodes)
        if options.plan:
            print(made)
        else:
            good &= _episode(made, options.keep, happened)
        left, seed = left - LONGEST, seed + 1
    print(
        f"{sum(happened.values())} faults: " + ", ".join(f"{number} {kind}" for kind, number in happened.most_common())
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
