"""Languages of short lines in all languages that are told, and of posts that mix them: figures for `make eval`.

FOLDER/xed holds `Projections/XX-projections.tsv` of XED (lines of film subtitles with their emotions; here only the
language they are in is asked). 400 lines a language, spread over the file, of at least 20 letters; marks before the
line and its quotation marks are left out. No platform hint is given. Intervals are bootstrapped. The floor is a text
taken for the language whose ten most frequent words in the other lines of the files stand in it most often.

`mixed.tsv` holds posts of our own in two languages at once, of hashtags and names, and of a handful of words. They need
no folder, and have a floor where the files are there.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure
from pipeline.language import LANGUAGES, detect

EACH, LETTERS, FREQUENT = 400, 20, 10
DRAWS, SEED = 1_000, 11
DATASET = "XED, subtitles"
MIXED = Path(__file__).with_name("mixed.tsv")
Told = tuple[str, str]
"""The language a line is in, and the one it is taken for."""


def figures(folder: Path) -> list[Figure]:
    """Return how many lines are right, wrong, or told nothing of; without the files, of our own posts only."""
    if absent(folder):
        return of_our_own(None)
    lines = {code: read(folder / "xed" / f"{code}-projections.tsv") for code in LANGUAGES}
    picked = {code: some[:: len(some) // EACH][:EACH] for code, some in lines.items()}
    common = {code: frequent([line for line in some if line not in picked[code]]) for code, some in lines.items()}
    asked = [(code, line) for code, some in picked.items() for line in some]
    ours = [(code, detect(line, None).code) for code, line in asked]
    plain = [(code, by_words(line, common)) for code, line in asked]
    split = f"{len(LANGUAGES)} languages, {EACH} lines each"
    return [
        _figure("language: right", split, right, ours, plain),
        _figure("language: nothing said", split, silent, ours, plain, higher=False),
        _figure("language: taken for a wrong one", split, wrong, ours, plain, higher=False),
        _figure("language: German right", f"German of {len(LANGUAGES)}", right, _only("de", ours), _only("de", plain)),
        _figure(
            "language: English right", f"English of {len(LANGUAGES)}", right, _only("en", ours), _only("en", plain)
        ),
        *of_our_own(common),
    ]


def of_our_own(common: dict[str, frozenset[str]] | None) -> list[Figure]:
    """Return how many posts of `mixed.tsv` are right and wrong, by their kind; a floor where words are `common`."""
    found = []
    posts = [line.split("\t") for line in MIXED.read_text("utf-8").splitlines() if not line.startswith("#")]
    for kind in dict.fromkeys(kind for kind, *_ in posts):
        asked = [(code, text) for one, code, text in posts if one == kind]
        ours = [(code, detect(text, None).code) for code, text in asked]
        plain = None if common is None else [(code, by_words(text, common)) for code, text in asked]
        for name, measure, higher in (("right", right, True), ("taken for a wrong one", wrong, False)):
            figure = _figure(f"language: {name}", kind, measure, ours, plain, higher)
            found.append(replace(figure, dataset="posts of our own"))
    return found


def absent(folder: Path) -> frozenset[str]:
    """Return the name of the data set where a file of a language is missing."""
    there = all((folder / "xed" / f"{code}-projections.tsv").exists() for code in LANGUAGES)
    return frozenset() if there else frozenset({DATASET})


def read(path: Path) -> list[str]:
    """Return the lines that are long enough, each once."""
    rows = (row.split("\t")[0].strip("\"'- ") for row in path.read_text("utf-8").splitlines())
    return list(dict.fromkeys(line for line in rows if sum(map(str.isalpha, line)) >= LETTERS))


def frequent(lines: Sequence[str]) -> frozenset[str]:
    """Return the most frequent words."""
    counts = Counter(word for line in lines for word in line.lower().split())
    return frozenset(word for word, _ in counts.most_common(FREQUENT))


def by_words(line: str, common: dict[str, frozenset[str]]) -> str:
    """Return the language most of whose frequent words stand in the line; nothing where none does."""
    words = line.lower().split()
    counts = {code: sum(word in some for word in words) for code, some in common.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] else "und"


def right(told: Sequence[Told]) -> float:
    return sum(code == said for code, said in told) / len(told)


def silent(told: Sequence[Told]) -> float:
    return sum(said == "und" for _, said in told) / len(told)


def wrong(told: Sequence[Told]) -> float:
    return sum(said not in (code, "und") for code, said in told) / len(told)


def _only(code: str, told: Sequence[Told]) -> list[Told]:
    return [one for one in told if one[0] == code]


def _figure(
    name: str,
    split: str,
    measure: Callable[[Sequence[Told]], float],
    ours: Sequence[Told],
    plain: Sequence[Told] | None,
    higher: bool = True,
) -> Figure:
    chance = random.Random(SEED)
    drawn = sorted(measure(chance.choices(ours, k=len(ours))) for _ in range(DRAWS))
    value, low, high = measure(ours), drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS)]
    if low == high:  # nothing or all was found: the rule of three
        low, high = (low - 3 / len(ours), high) if value else (low, high + 3 / len(ours))
    floor = None if plain is None else measure(plain)
    return Figure(name, DATASET, split, value, low, high, len(ours), floor, None, higher)
