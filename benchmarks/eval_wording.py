"""How sentiment judges what is said of companies in idioms and plain events: python -m benchmarks.eval_wording [--test]

The sentences are those of `benchmarks/wording.tsv`, written in three rounds, each of which is measured by itself.
`make eval` measures the dev part; `--test` the other one, which nothing was chosen by. Names are hidden as in the
product, so that a firm called Rasant is not fast. *Unsure* counts as wrong. The floor is what comes up most. Intervals
are percentiles of 1,000 bootstrap samples with a fixed seed.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from pipeline.sentiment import assess
from pipeline.sentiment.names import hide
from schemas.mention import Language, SentimentClass

TABLE = Path(__file__).with_name("wording.tsv")
SAMPLES, SEED = 1_000, 20
Answer = tuple[SentimentClass, SentimentClass]
"""What is true, and what is said."""
FEELING_NAMES = re.compile(r"\brasant\b", re.IGNORECASE)
"""The names among those made up that a lexicon knows as a word."""
ROUNDS = {"1": "", "2": ", second round", "3": ", third round"}
_ENDS = {SentimentClass.NEGATIVE, SentimentClass.POSITIVE}


def answers(part: str, turn: str, code: str, path: Path = TABLE) -> list[Answer]:
    """Return what is true and what is said of each sentence of a part, of a round, in a language."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    language = Language(code=code, confidence=1.0)
    meant = [(SentimentClass(true), text) for *of, true, text in rows if of == [part, turn, code]]
    return [(true, assess(hide(text, names_in(text), code), language).label) for true, text in meant]


def names_in(text: str) -> list[tuple[int, int]]:
    """Return where names stand that would weigh by what they are made of."""
    return [found.span() for found in FEELING_NAMES.finditer(text)]


def right(found: Sequence[Answer]) -> float:
    """Return the share of sentences that are judged right."""
    return float(np.mean([true == said for true, said in found]))


def contrary(found: Sequence[Answer]) -> float:
    """Return the share of sentences that are judged as the contrary: praise for blame, or blame for praise."""
    return float(np.mean([{true, said} == _ENDS for true, said in found]))


MEASURES: dict[str, tuple[Callable[[Sequence[Answer]], float], bool]] = {
    "judged right": (right, True),
    "judged as the contrary": (contrary, False),
}


def figures(_folder: Path | None = None, part: str = "dev") -> list[Figure]:
    """Return the figures by language and round of writing; no data is needed but the table."""
    found = []
    for (turn, called), (code, name) in product(ROUNDS.items(), (("de", "German"), ("en", "English"))):
        if not (some := answers(part, turn, code)):
            continue
        most = Counter(true for true, _ in some).most_common(1)[0][0]
        random = np.random.default_rng(SEED)
        samples = [random.integers(0, len(some), len(some)) for _ in range(SAMPLES)]
        for figure, (measure, more) in MEASURES.items():
            low, high = np.percentile([measure([some[at] for at in one]) for one in samples], (2.5, 97.5))
            floor = measure([(true, most) for true, _ in some])
            of = ("wording, our own sentences", f"{name}, {part}{called}")
            value = measure(some)
            found.append(Figure(figure, *of, value, float(low), float(high), len(some), floor, None, more))
    return found


def main() -> None:
    """Print a table of the figures."""
    print("| figure | sentences | n | floor | value | 95 % |\n|---|---|--:|--:|--:|---|")
    for one in figures(part="test" if "--test" in sys.argv[1:] else "dev"):
        interval = f"{one.low:.3f} to {one.high:.3f}"
        print(f"| {one.name} | {one.split} | {one.n} | {one.baseline:.3f} | {one.value:.3f} | {interval} |")


if __name__ == "__main__":
    main()
