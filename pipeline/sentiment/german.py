"""German feeling: a lexicon of our own authorship, corrected and joined by what labelled tweets teach.

`lexicon_de.tsv` says what words and phrases feel, wherever they are said; `sentiment_de.tsv` holds what
benchmarks/train_lexicon.py learnt beside it, and no names and topics. A text is looked up by phrases, word stems,
pairs of neighbouring stems, emoticons and marks. A negation (nicht, kein, nie, ohne …) reaches over the next three
words or to the next stop: such a word is looked up as negated, and where nothing was learnt of it so, the weight of
the plain word is turned and weakened. Degree words (sehr, total, kaum …) strengthen or weaken the word after them,
what is quoted counts half. The same reading of a text serves the training and the product.
"""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from pipeline.sentiment.lexicon import phrases, stem, strength_of
from pipeline.sentiment.signs import weigh_sign
from pipeline.sentiment.weight import Weighed, Weight, share_of
from pipeline.sentiment.words import Part, cut

LEARNT = Path(__file__).with_name("sentiment_de.tsv")
START = "*start*"
"""The row that says what a text without any known word weighs."""
NEGATED = "nicht_"
"""How a negated word is marked."""
PHRASE = "~"
"""How the words of a phrase are joined."""
SPAN = 3
"""How many words a negation reaches."""
TURNED = -0.5
"""What a negation makes of the lean of a word of whose negation nothing was learnt."""
LEAN, FEELING = 0.5, 0.425
"""What one step of the lexicon is worth before any text has been seen."""
QUOTED = 0.5
"""What somebody else's words count; a title or a single word in quotation marks is none."""
SHORTEST_QUOTATION = 3
ENOUGH = 12
"""How many entries, about six words with their pairs, count in full (`share_of`)."""

_NOT = """nicht nich nix nichts kein keine keinen keinem keiner keines keinerlei nie niemals niemand nirgends ohne
weder kaum ned net nimmer ned koa koan keen kaa"""
_MORE = """sehr total voll echt richtig absolut mega extrem wirklich so besonders voellig komplett derart dermassen
unglaublich ungemein unheimlich ueberaus hoechst aeusserst hochgradig zutiefst brutal krass urst ur huere saumaessig
verdammt wahnsinnig unfassbar viel zu"""
_RATHER = "ziemlich ganz recht durchaus"
_LESS = "etwas wenig bisschen bissl bisserl bitzeli halbwegs einigermassen eher leicht vielleicht wohl angeblich"
_NEGATIONS = frozenset(_NOT.split())
_DEGREES = {word: by for words, by in ((_MORE, 1.3), (_RATHER, 1.1), (_LESS, 0.7)) for word in words.split()}


class Feature(NamedTuple):
    """One entry to look up.

    `text` is for people, `key` for the tables, `plain` the key without its negation (else nothing), `degree` how much a
    degree word before it strengthens it.
    """

    text: str
    key: str
    plain: str
    degree: float


def features(parts: Sequence[Part]) -> Iterator[Feature]:
    """Yield what of a text is looked up, in order, pairs after their second word."""
    quoted = _quoted(parts)
    reach, degree, skip = 0, 1.0, 0
    previous: tuple[str, str] | None = None
    for at, (text, folded, kind) in enumerate(parts):
        if kind in ("stop", "mark"):
            reach = 0
        if kind in ("stop", "quote") or folded.isdigit() or skip > at:
            continue
        share = QUOTED if at in quoted else 1.0
        word = kind == "word"
        if word and (length := _phrase(parts, at)):
            some = parts[at : at + length]
            joined = PHRASE.join([part.folded for part in some])
            yield Feature(" ".join([part.text for part in some]), joined, "", share)
            skip, reach, degree, previous = at + length, 0, 1.0, None
            continue
        key = stem(folded) if word else folded
        if word and reach > 0:
            yield Feature(text, NEGATED + key, key, degree * share)
        else:
            yield Feature(text, key, "", degree * share)
        if previous is not None:
            yield Feature(f"{previous[0]} {text}", f"{previous[1]} {key}", "", share)
        previous = (text, key)
        reach = SPAN if folded in _NEGATIONS else reach - word
        degree = _DEGREES.get(folded, 1.0)


def _phrase(parts: Sequence[Part], at: int) -> int:
    """Return how many parts the longest phrase takes that begins here; 0 where none does."""
    for phrase in phrases().get(parts[at].folded, ()):
        length = len(phrase.words)
        if tuple([part.folded for part in parts[at : at + length]]) == phrase.words:
            return length
    return 0


def _quoted(parts: Sequence[Part]) -> frozenset[int]:
    """Return which parts stand between two marks of quotation that hold some words."""
    marks = [at for at, part in enumerate(parts) if part.kind == "quote"]
    found: set[int] = set()
    for start, end in zip(marks[::2], marks[1::2], strict=False):
        if sum([part.kind == "word" for part in parts[start:end]]) >= SHORTEST_QUOTATION:
            found.update(range(start, end))
    return frozenset(found)


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of a German text; a word said twice counts once."""
    found: dict[str, tuple[str, Weight]] = {}
    learnt, count = load_learnt(), 0
    for text, key, plain, degree in features(parts):
        count += 1
        # of pairs nothing but what was learnt is known, and they are too many to be remembered
        if key not in found and (weight := learnt.get(key) if " " in key else weight_of(key, plain)):
            found[key] = (text, weight.times(degree, degree) if degree != 1.0 else weight)
    return Weighed.of(list(found.values()), load_learnt()[START], share_of(count, ENOUGH))


@lru_cache(maxsize=65_536)
def weight_of(key: str, plain: str) -> Weight | None:
    """Return what an entry weighs: what was learnt of it, else what the lexicon says; None for what feels nothing."""
    learnt = load_learnt()
    if key in learnt:
        return learnt[key]
    if plain:
        known = learnt.get(plain) or assumed(plain)
        return known.times(TURNED, 1.0) if known else None
    return assumed(key)


@lru_cache(maxsize=65_536)
def assumed(key: str) -> Weight | None:
    """Return what the lexicon says of a word, a phrase, an emoji or an emoticon, before any text has been seen."""
    if not key[0].isalnum() and len(parts := cut(key)) == 1 and (sign := weigh_sign(parts[0])):
        return sign
    if PHRASE in key:
        words = tuple(key.split(PHRASE))
        strength = next((one.strength for one in phrases().get(words[0], ()) if one.words == words), 0.0)
    elif " " in key:
        return None
    else:
        strength = strength_of(key)
    return Weight(LEAN * strength, FEELING * abs(strength)) if strength else None


def touches(part: Part) -> bool:
    """Tell whether a word can weigh anything in a German text: alone, in a pair, in a phrase, or by what it does."""
    key = stem(part.folded)
    return part.folded in _active() or key in _active() or bool(strength_of(key))


@cache
def _active() -> frozenset[str]:
    """Return the stems of all that was learnt, the words of phrases, negations and degree words."""
    learnt = {word.removeprefix(NEGATED) for key in load_learnt() for one in key.split(PHRASE) for word in one.split()}
    within = {word for some in phrases().values() for phrase in some for word in phrase.words}
    return frozenset(learnt | within | _NEGATIONS | _DEGREES.keys())


@cache
def load_learnt() -> dict[str, Weight]:
    """Return what was learnt: lines of key, lean and feeling with tabs between them, after a notice in `#` lines."""
    rows = (line.split("\t") for line in LEARNT.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {key: Weight(float(lean), float(feeling)) for key, lean, feeling in rows}
