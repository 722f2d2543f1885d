"""Makes labelled German sentences from patterns of our own authorship (`authored_de.tsv`), always the same ones.

A pattern has alternatives in brackets and words to fill in. Which of them a sentence takes is counted off, not drawn:
from one sentence to the next each bracket moves on by one alternative, and after a round by more the later it stands,
so that they are combined anew.
"""

import re
from pathlib import Path

from benchmarks.labelled import Texts
from schemas.mention import SentimentClass

PATTERNS = Path(__file__).with_name("authored_de.tsv")
EACH = 10
"""How many sentences are made of a pattern; those that come out alike count once."""

_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_NAME = re.compile(r"\{(\w+)\}")


def sentences(path: Path = PATTERNS, each: int = EACH) -> Texts:
    """Return class and text of the sentences of all patterns, in their order."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    slots = {name: words for kind, name, words in rows if kind == "slot"}
    made: dict[str, SentimentClass] = {}
    for number, (kind, _, pattern) in enumerate(row for row in rows if row[0] != "slot"):
        open_choices = _NAME.sub(lambda found: f"({slots[found[1]]})", pattern)
        for turn in range(each):
            made.setdefault(_fill(open_choices, number + turn), SentimentClass(kind))
    return [(label, text) for text, label in made.items()]


def _fill(pattern: str, turn: int) -> str:
    place = 0

    def choose(found: re.Match[str]) -> str:
        nonlocal place
        options = found[1].split("|")
        place += 1
        return options[(turn + place * (turn // len(options))) % len(options)]

    while _CHOICE.search(pattern):
        pattern = _CHOICE.sub(choose, pattern)
    text = " ".join(pattern.split()).replace(" ,", ",").strip(" ,")
    return text[:1].upper() + text[1:]
