"""Two scanners for the same literals: ahocorasick-rs, which is in use, and Hyperscan, where it is installed.

Both look at texts in the coarsest spelling, so what is compared is the scanning alone.
"""

import time
from collections.abc import Callable, Sequence

from ahocorasick_rs import AhoCorasick, Implementation

from benchmarks.match_watches import make_queries
from pipeline.normalize import clean
from pipeline.query import parse
from pipeline.query.reading import comparable
from pipeline.query.required import WORD, required, uses_of

ROUNDS = 5


def measure(size: int, texts: Sequence[str]) -> list[tuple[str, float]]:
    """Return the name of each scanner and what it takes, in microseconds of CPU a text."""
    roots = [parse(query).root for query, _ in make_queries(size)]
    uses = uses_of(roots)
    drawn = [literal for root in roots for literal in required(root, uses) or ()]
    literals = sorted({text for one in drawn for text in ([one.stem] if one.kind == WORD else one.texts)})
    heard = [comparable(clean(text), None) for text in texts]
    found = [(f"ahocorasick-rs, {len(literals)} literals", _ahocorasick(literals, heard))]
    try:
        return [*found, (f"hyperscan, {len(literals)} literals", _hyperscan(literals, heard))]
    except ImportError:
        return found


def _ahocorasick(literals: list[str], heard: list[str]) -> float:
    search = AhoCorasick(literals, implementation=Implementation.DFA).find_matches_as_indexes
    return _best(lambda: [search(text, True) for text in heard]) / len(heard)


def _hyperscan(literals: list[str], heard: list[str]) -> float:
    import hyperscan

    database = hyperscan.Database()
    expressions = [literal.encode() for literal in literals]
    database.compile(expressions=expressions, ids=list(range(len(literals))), literal=True, flags=0)
    scratch = hyperscan.Scratch(database)
    hits: list[int] = []

    def on_match(number: int, *_: object) -> None:
        hits.append(number)

    def scan() -> None:
        for text in heard:
            database.scan(text.encode(), match_event_handler=on_match, scratch=scratch)
            hits.clear()

    return _best(scan) / len(heard)


def _best(work: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        rounds.append(time.process_time() - started)
    return min(rounds) * 1e6
