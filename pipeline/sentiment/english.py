"""English feeling: VADER's lexicon and rules (Hutto & Gilbert 2014, MIT), and beside them what labelled texts teach.

Of VADER's rules these are kept: degree words before a word strengthen or weaken it, a negation among the three words
before it turns and weakens it, capitals in a text not all capitals strengthen it, and what stands after `but` counts
more. Instead of its dozen fixed idioms there are phrases of our own (`lexicon_en.tsv`), and pairs of what is done to
what (*cuts 900 jobs*), and a word of cheer may mock (`irony.py`). How far the two agree is a test. `sentiment_en.tsv`
holds what benchmarks/train_english.py learnt: what VADER's sums say of the odds, and what single words say beside
them, negated or not. A word said twice counts once there.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE

from pipeline.sentiment.english_words import PHRASE, halves, phrases, valences_of_words, written
from pipeline.sentiment.irony import MOCKED, Cheer, cheer_of
from pipeline.sentiment.pairs import Waiting, mate_of
from pipeline.sentiment.signs import valence_of
from pipeline.sentiment.weight import Weighed, Weight, share_of
from pipeline.sentiment.words import Part, Remembered, part_of

CAPITALS = 0.733
TURNED = -0.74
"""VADER's own figures: what capitals add, and what a negation makes of a word."""
BEFORE_BUT, AFTER_BUT = 0.5, 1.5
SPAN = 3
"""How many words before a word can change it."""
PHRASED = 1.3
"""A phrase is surer than a word of the same valence: it was written for what it says. Chosen on wording.tsv, dev."""
BLAME = -1.0
"""How far the other words of a text must lean for a word of cheer among them to be mockery."""
CLAUSE = 8
"""How many words before a word the other one of a pair may stand."""
LEARNT = Path(__file__).with_name("sentiment_en.tsv")
START, LEXICON = "*start*", "*vader*"
"""The rows that say what a text without any known word weighs, and what VADER's sums do."""
NEGATED = "not_"
"""How a word that a negation reaches is marked."""
HALF = 15.0
"""Sums are bent as VADER bends them, x / sqrt(x² + 15), so that no pile of words makes quite sure."""
ENOUGH = 6
"""How many words count in full (`share_of`)."""
NOTHING = Weight(0.0, 0.0)
SURENESS = 0.92
"""What is learnt is surer of its own texts: chosen by judging each of the four sets with what the others teach."""

_SILENT = ("stop", "quote")
_APART = " … "
_NEGATIONS = frozenset(word.replace("'", "") for word in NEGATE) | {"no"}
_DEGREES: dict[str, float] = {word: step for word, step in BOOSTER_DICT.items() if " " not in word}


class _Meaning(NamedTuple):
    """What a word means wherever it stands: its valence, how much it strengthens others, and whether it negates.

    `weight` is what was learnt of it, `negated_weight` what was learnt of its negation; `begins` the phrases that may,
    by their second words. `half` says with which other words of its clause it is an event (*cuts* and
    *jobs*), and the valence of that.
    """

    text: str
    folded: str
    kind: str
    valence: float
    degree: float
    negates: bool
    key: str
    negated: str
    weight: Weight | None
    negated_weight: Weight | None
    begins: Mapping[str, tuple[tuple[str, ...], ...]] | None
    half: Mapping[str, float] | None
    capitals: bool
    changes: bool


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of an English text."""
    table = load_learnt()
    by = table[LEXICON]
    words, negated, valences = _read(parts)
    share = SURENESS * share_of(len(words), ENOUGH)
    # VADER's sums are bent, and not weakened by the length of the text
    bent_lean = by.lean * slope(sum(valences)) / share
    bent_feeling = by.feeling * slope(sum(map(abs, valences))) / share
    shares: list[tuple[str, Weight]] = []
    seen: set[str] = set()
    for word, turned, value in zip(words, negated, valences, strict=True):
        known = word.negated_weight if turned else word.weight
        if known is not None:
            if (key := word.negated if turned else word.key) in seen:
                known = None
            seen.add(key)
        if value:
            lean, feeling = known or NOTHING
            shares.append((word.text, Weight(value * bent_lean + lean, abs(value) * bent_feeling + feeling)))
        elif known is not None:
            shares.append((word.text, known))
    return Weighed.of(shares, table[START], share)


def read(parts: Sequence[Part]) -> tuple[list[Part], list[str], list[float]]:
    """Return the words, marks and faces of a text, their keys, and their valences by VADER's rules."""
    words, negated, valences = _read(parts)
    keys = [word.negated if turned else word.key for word, turned in zip(words, negated, strict=True)]
    return [Part(word.text, word.folded, word.kind) for word in words], keys, valences


def _read(parts: Sequence[Part]) -> tuple[list[_Meaning], list[bool], list[float]]:
    """Return what the words of a text mean, which a negation reaches (for three words, no stop), and their valences."""
    words: list[_Meaning] = []
    negated: list[bool] = []
    waiting: list[Waiting] = []
    reach, skip, last = 0, 0, len(parts) - 1
    for at, part in enumerate(parts):
        text, _, kind = part
        if at < skip:
            continue
        if kind in _SILENT:
            if kind == "stop":
                reach = 0
                if waiting and not _in_number(parts, at):
                    waiting = []
            continue
        meaning = _known[text]
        if meaning.begins is not None and at < last and (length := _phrase(parts, at, meaning.begins)):
            skip = at + length
            meaning = _known_phrases[" ".join([part.text for part in parts[at:skip]])]
        if meaning.half is not None:
            whole = _mated(parts, words, waiting, at) if waiting else None
            waiting.append((part.folded, at, len(words)))
            meaning = whole or meaning
        words.append(meaning)
        if kind == "word":
            negated.append(reach > 0)
            reach = SPAN if meaning.negates else reach - 1
        else:
            negated.append(False)
            reach = 0 if kind == "mark" else reach
    valences = _valences(words)
    if (cheer := cheer_of(parts)) is not None:
        _mock(words, valences, cheer)
    return words, negated, valences


def _mock(words: list[_Meaning], valences: list[float], cheer: Cheer) -> None:
    """Turn a word of cheer where all the others blame."""
    at = 0 if cheer.first else next(at for at in range(len(words) - 1, -1, -1) if words[at].kind == "word")
    if words[at].folded == cheer.folded and valences[at] > 0 and sum(valences) - valences[at] < BLAME:
        valences[at] *= MOCKED
        words[at] = words[at]._replace(weight=None)


def _pair(written: str) -> _Meaning:
    """Return what a word means with its mate, as they are `written`."""
    first, second = (_known[word] for word in written.split(_APART))
    assert first.half is not None
    return second._replace(text=written, valence=first.half[second.folded], weight=None)


_paired = Remembered(_pair)


def _mated(parts: Sequence[Part], words: list[_Meaning], waiting: Sequence[Waiting], at: int) -> _Meaning | None:
    """Return the pair that a word is with one that waits for it; the phrase that begins with that one is off."""
    text = parts[at].text
    mate = mate_of(waiting, _known[text].half or {}, at, CLAUSE)
    if mate is None:
        return None
    if PHRASE in words[mate.place].folded:
        words[mate.place] = words[mate.place]._replace(valence=0.0, weight=None)
    return _paired[f"{parts[mate.at].text}{_APART}{text}"]


def _in_number(parts: Sequence[Part], at: int) -> bool:
    """Tell whether a stop is within a number: 3,000."""
    return 0 < at < len(parts) - 1 and parts[at - 1].text.isdigit() and parts[at + 1].text.isdigit()


def _valences(words: Sequence[_Meaning]) -> list[float]:
    """Return the valence of each word by VADER's rules."""
    valences = [word.valence for word in words]
    if any(valences):
        shouted = _some_capitals(words)
        if shouted or any(word.changes for word in words):
            valences = [value and _valence(words, at, shouted) for at, value in enumerate(valences)]
        _apply_but(words, valences)
    return valences


def touches(part: Part) -> bool:
    """Tell whether a word can weigh anything in an English text: by itself, or by what it does to others."""
    meaning = _known[part.text]
    weighs = bool(meaning.valence or meaning.degree or meaning.negates or meaning.half or meaning.begins)
    return weighs or bool(meaning.weight or meaning.negated_weight) or part.folded == "but"


@cache
def load_learnt() -> dict[str, Weight]:
    """Return what was learnt: lines of key, lean and feeling with tabs between them, after a notice in `#` lines."""
    rows = (line.split("\t") for line in LEARNT.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {key: Weight(float(lean), float(feeling)) for key, lean, feeling in rows}


def slope(total: float) -> float:
    """Return what one step of valence is worth when all of the text adds up to `total`."""
    return float((total * total + HALF) ** -0.5)


def _phrase(parts: Sequence[Part], at: int, begins: Mapping[str, tuple[tuple[str, ...], ...]]) -> int:
    """Return how many parts the longest of the phrases takes that stand here; 0 where none does."""
    for words in begins.get(parts[at + 1].folded, ()):
        if tuple([part.folded for part in parts[at : at + len(words)]]) == words:
            return len(words)
    return 0


def _meaning_of(text: str) -> _Meaning:
    """Return what a phrase means, whose first word may still find a mate (*Lawsuit against … dismissed*)."""
    words = text.split(" ")
    key = PHRASE.join([_known[word].folded for word in words])
    return _known[words[0]]._replace(
        text=text,
        folded=key,
        valence=PHRASED * written()[key],
        degree=0.0,
        negates=False,
        changes=False,
        key=key,
        negated=NEGATED + key,
        weight=load_learnt().get(key),
        negated_weight=load_learnt().get(NEGATED + key),
    )


_known_phrases = Remembered(_meaning_of)


def _meaning(written: str) -> _Meaning:
    part = part_of(written)
    assert part is not None
    text, folded, kind = part
    key, bare = text.lower().replace("'", "").replace("’", ""), folded.replace("'", "")
    degree, negates = _DEGREES.get(key, 0.0), key in _NEGATIONS
    if kind != "word":
        valence = valence_of(part)
    elif key in _DEGREES or negates:
        valence = 0.0
    else:
        valence = valences_of_words().get(key) or valences_of_words().get(folded, 0.0)
    weights = load_learnt().get(bare), load_learnt().get(NEGATED + bare)
    begins = phrases().get(folded) if kind == "word" else None
    half = halves().get(folded)
    capitals = kind == "word" and len(text) > 1 and text.isupper()
    changes = bool(degree) or negates
    named = (text, folded, kind, valence, degree, negates, bare, NEGATED + bare, *weights)
    return _Meaning(*named, begins, half, capitals, changes)


_known = Remembered(_meaning)


def _valence(words: Sequence[_Meaning], index: int, shouted: bool) -> float:
    """Return the valence of the word at `index` with what the words before it make of it."""
    word = words[index]
    valence = word.valence
    if word.kind != "word" or PHRASE in word.key:
        return valence
    sign = 1.0 if valence > 0 else -1.0
    if shouted and word.capitals:
        valence += sign * CAPITALS
    for distance in range(1, min(SPAN, index) + 1):
        before = words[index - distance]
        if not before.changes:
            continue
        if before.degree:
            valence += sign * before.degree * (1.05 - 0.05 * distance)
        else:
            valence *= TURNED
            sign = -sign
    return valence


def _some_capitals(words: Sequence[_Meaning]) -> bool:
    """Tell whether some words, but not all, are in capitals: then capitals are emphasis."""
    capitals = sum([word.capitals for word in words])
    return 0 < capitals < sum([word.kind == "word" for word in words])


def _apply_but(words: Sequence[_Meaning], valences: list[float]) -> None:
    """Weaken what stands before the first `but`, strengthen what stands after it."""
    folded = [word.folded for word in words]
    if "but" in folded:
        turn = folded.index("but")
        for index, value in enumerate(valences):
            valences[index] = value * (BEFORE_BUT if index < turn else AFTER_BUT)
