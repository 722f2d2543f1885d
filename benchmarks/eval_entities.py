"""Sentiment towards each of two companies in one text: python -m benchmarks.eval_entities [TABLE]

TABLE is `benchmarks/two_entities.tsv` unless another is named. Each company is the watched one once and the other one
the competitor, so a sentence gives two judgements. The floor judges the whole text, whoever is asked for. Intervals are
percentiles of 1,000 bootstrap samples of whole sentences with a fixed seed.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from pipeline.sentiment import assess, assess_towards
from schemas.mention import OWN, EntityMatch, Language, SentimentClass, Span

TABLE = Path(__file__).with_name("two_entities.tsv")
SAMPLES, SEED = 1_000, 20
Row = tuple[str, str, tuple[tuple[str, SentimentClass], tuple[str, SentimentClass]]]
Answer = tuple[SentimentClass, SentimentClass, SentimentClass]
"""What is true, what is said, and what is said of the whole text."""


def read(path: Path) -> list[Row]:
    """Return language, text, and each company with its judgement."""
    lines = [line.split("\t") for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [
        (code, text, ((one, SentimentClass(felt)), (other, SentimentClass(found))))
        for code, text, one, felt, other, found in lines
    ]


def answers(row: Row) -> tuple[Answer, Answer]:
    """Return what is said towards each of the two companies of a sentence."""
    code, text, ((one, felt), (other, found)) = row
    return _answer(code, text, (one, other), felt), _answer(code, text, (other, one), found)


def _answer(code: str, text: str, names: tuple[str, str], true: SentimentClass) -> Answer:
    language = Language(code=code, confidence=1.0)
    entities = [EntityMatch(entity=OWN, spans=_spans(text, names[0]))]
    entities.append(EntityMatch(entity=names[1], spans=_spans(text, names[1])))
    whole = assess(text, language)
    return true, (assess_towards(text, language, entities) or whole).label, whole.label


def _spans(text: str, name: str) -> tuple[Span, ...]:
    starts = [at for at in range(len(text)) if text.startswith(name, at)]
    return tuple(Span(start=at, end=at + len(name), term=name) for at in starts)


def right(found: Sequence[tuple[Answer, Answer]]) -> float:
    """Return the share of judgements that are right."""
    return float(np.mean([said == true for pair in found for true, said, _ in pair]))


def contrary(found: Sequence[tuple[Answer, Answer]]) -> float:
    """Return the share of judgements that are the contrary: praise for blame, or blame for praise."""
    ends = {SentimentClass.NEGATIVE, SentimentClass.POSITIVE}
    return float(np.mean([{true, said} == ends for pair in found for true, said, _ in pair]))


def whole(found: Sequence[tuple[Answer, Answer]]) -> list[tuple[Answer, Answer]]:
    """Return the same as the whole text would be judged."""
    return [((one[0], one[2], one[2]), (other[0], other[2], other[2])) for one, other in found]


MEASURES: dict[str, tuple[Callable[[Sequence[tuple[Answer, Answer]]], float], bool]] = {
    "judged right": (right, True),
    "judged as the contrary": (contrary, False),
}


def figures(_folder: Path | None = None, table: Path = TABLE) -> list[Figure]:
    """Return the figures by language and of all; no data is needed but the table."""
    rows = read(table)
    found = []
    for split, codes in (("German", {"de"}), ("English", {"en"}), ("both", {"de", "en"})):
        some = [answers(row) for row in rows if row[0] in codes]
        random = np.random.default_rng(SEED)
        samples = [random.integers(0, len(some), len(some)) for _ in range(SAMPLES)]
        for name, (measure, more) in MEASURES.items():
            low, high = np.percentile([measure([some[at] for at in one]) for one in samples], (2.5, 97.5))
            floor = measure(whole(some))
            value = measure(some)
            found.append(
                Figure(
                    name,
                    "two companies, our own sentences",
                    split,
                    value,
                    float(low),
                    float(high),
                    2 * len(some),
                    floor,
                    None,
                    more,
                )
            )
    return found


def main() -> None:
    """Print a table of the figures."""
    print("| figure | sentences | judgements | value | 95 % | whole text |\n|---|---|--:|--:|---|--:|")
    for one in figures(table=Path(sys.argv[1]) if sys.argv[1:] else TABLE):
        interval = f"{one.low:.3f} to {one.high:.3f}"
        print(f"| {one.name} | {one.split} | {one.n} | {one.value:.3f} | {interval} | {one.baseline:.3f} |")


if __name__ == "__main__":
    main()
