"""German feeling: a lexicon of our own authorship, corrected and joined by what labelled tweets teach.

`lexicon_de.tsv` says what words and phrases feel, wherever they are said; `sentiment_de.tsv` holds what
benchmarks/train_lexicon.py learnt beside it, and no names and topics. A text is looked up by phrases, word stems,
pairs of neighbouring stems, emoticons and marks. A negation (nicht, kein, nie, ohne …) reaches over the next three
words or to the next stop: such a word is looked up as negated, and where nothing was learnt of it so, the weight of
the plain word is turned and weakened. Degree words (sehr, total, kaum …) strengthen or weaken the word after them,
what is quoted counts half. The same reading of a text serves the training and the product.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipeline.sentiment.lexicon import phrases, stem, strength_of
from pipeline.sentiment.signs import weigh_sign
from pipeline.sentiment.weight import Weighed, Weight, share_of
from pipeline.sentiment.words import Part, Remembered, cut, part_of

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


_NOWHERE: frozenset[int] = frozenset()


class Feature(NamedTuple):
    """One entry to look up.

    `text` is for people, `key` for the tables, `plain` the key without its negation (else nothing), `degree` how much a
    degree word before it strengthens it.
    """

    text: str
    key: str
    plain: str
    degree: float


class _Word(NamedTuple):
    """What a word is wherever it stands; a mark, an emoji and a phrase are words, too.

    `stops` where it ends the reach of a negation, `silent` where it is not looked up, `begins` where a phrase may.
    `weight` is what it weighs, `negated` what its negation does. A pair of which nothing begins with this word
    (`leads`), or ends with it (`follows`), need not be looked up.
    """

    text: str
    key: str
    word: bool
    stops: bool
    silent: bool
    begins: bool
    negates: bool
    degree: float
    weight: Weight | None
    negated: Weight | None
    leads: bool
    follows: bool


_Said = tuple[_Word, bool, float, float, _Word | None]
"""A word where it stands: whether a negation reaches it, what degree words and quotation make of it, and the word that
makes a pair with it, after what quotation makes of that."""


def features(parts: Sequence[Part]) -> Iterator[Feature]:
    """Yield what of a text is looked up, in order, pairs after their second word."""
    for word, negated, degree, share, before in _read(parts):
        yield (
            Feature(word.text, NEGATED + word.key, word.key, degree)
            if negated
            else Feature(word.text, word.key, "", degree)
        )
        if before is not None:
            yield Feature(f"{before.text} {word.text}", f"{before.key} {word.key}", "", share)


def _read(parts: Sequence[Part]) -> list[_Said]:
    """Return the words and phrases of a text in order."""
    found: list[_Said] = []
    words = [_known[part.text] for part in parts]
    quoted = _quoted(parts)
    reach, degree, skip = 0, 1.0, 0
    before: _Word | None = None
    for at, one in enumerate(words):
        if one.stops:
            reach = 0
        if one.silent or skip > at:
            continue
        share = QUOTED if quoted and at in quoted else 1.0
        if one.begins and (length := _phrase(parts, at)):
            found.append((_phrase_of(parts[at : at + length]), False, share, share, None))
            skip, reach, degree, before = at + length, 0, 1.0, None
            continue
        word = one.word
        found.append((one, word and reach > 0, degree * share, share, before))
        before = one
        reach = SPAN if one.negates else reach - word
        degree = one.degree
    return found


def _word(written: str) -> _Word:
    part = part_of(written)
    assert part is not None
    _, folded, kind = part
    key = stem(folded) if kind == "word" else folded
    silent = kind in ("stop", "quote") or folded.isdigit()
    weight, negated = (None, None) if silent else weights_of(key)
    first, last = _ends_of_pairs()
    return _Word(
        written,
        key,
        word=kind == "word",
        stops=kind in ("stop", "mark"),
        silent=silent,
        begins=kind == "word" and folded in phrases(),
        negates=folded in _NEGATIONS,
        degree=_DEGREES.get(folded, 1.0),
        weight=weight,
        negated=negated,
        leads=key in first,
        follows=key in last,
    )


_known = Remembered(_word)


def _phrase_of(parts: Sequence[Part]) -> _Word:
    text, key = " ".join([part.text for part in parts]), PHRASE.join([part.folded for part in parts])
    return _known[parts[0].text]._replace(text=text, key=key, weight=weights_of(key)[0])


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
    if not marks:
        return _NOWHERE
    found: set[int] = set()
    for start, end in zip(marks[::2], marks[1::2], strict=False):
        if sum([part.kind == "word" for part in parts[start:end]]) >= SHORTEST_QUOTATION:
            found.update(range(start, end))
    return frozenset(found)


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of a German text; a word said twice counts once."""
    found: dict[str, tuple[str, Weight]] = {}
    learnt, said = load_learnt(), _read(parts)
    count = len(said)
    for word, negated, degree, share, before in said:
        weight = word.negated if negated else word.weight
        if weight is not None:
            key = NEGATED + word.key if negated else word.key
            if key not in found:
                found[key] = (word.text, weight.times(degree, degree) if degree != 1.0 else weight)
        if before is not None:
            count += 1
            # of pairs nothing but what was learnt is known, and they are too many to be remembered
            if before.leads and word.follows:
                key = f"{before.key} {word.key}"
                if key not in found and (weight := learnt.get(key)) is not None:
                    text = f"{before.text} {word.text}"
                    found[key] = (text, weight.times(share, share) if share != 1.0 else weight)
    return Weighed.of(list(found.values()), learnt[START], share_of(count, ENOUGH))


def weights_of(key: str) -> tuple[Weight | None, Weight | None]:
    """Return what an entry weighs, and what it does negated: what was learnt of it, else what the lexicon says.

    None for what feels nothing.
    """
    learnt = load_learnt()
    known = learnt.get(key) or assumed(key)
    return known, learnt.get(NEGATED + key) or (known.times(TURNED, 1.0) if known else None)


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
def _ends_of_pairs() -> tuple[frozenset[str], frozenset[str]]:
    """Return with what the pairs begin that were learnt, and with what they end."""
    pairs = [key.rpartition(" ") for key in load_learnt() if " " in key]
    return frozenset(first for first, _, _ in pairs), frozenset(last for _, _, last in pairs)


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
