"""German feeling: a lexicon of our own authorship, corrected and joined by what labelled tweets teach.

`lexicon_de.tsv` says what words and phrases feel, wherever they are said; `sentiment_de.tsv` holds what
benchmarks/train_lexicon.py learnt beside it, and no names and topics. A text is looked up by phrases, word stems,
pairs of neighbouring stems, emoticons and marks; a verb whose first part ends its clause is one word with it (*stürzt
ständig ab*), and so is a noun with what is done to it (*Stellen … gestrichen*), which counts in full. A negation
(nicht, kein, ohne …) reaches over the next three words or to the next stop: such a word is looked up as negated, and
where nothing was learnt of it so, the weight of the plain word is turned and weakened. Degree words (sehr, kaum …)
strengthen or weaken the word after them, what is quoted counts half, what stands before *aber* as much, what follows
it more. A word of cheer may mock (`irony.py`). The same reading serves the training and the product.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.sentiment.german_words import (
    DEGREES,
    JOINING,
    NEGATED,
    NEGATIONS,
    PHRASE,
    START,
    TURNS,
    ends_of_pairs,
    load_learnt,
    weights_of,
)
from pipeline.sentiment.irony import MOCKED, cheer_of
from pipeline.sentiment.lexicon import PARTED, divisible, halves, phrases, stem
from pipeline.sentiment.pairs import Mate, Waiting, mate_of
from pipeline.sentiment.weight import Weighed, Weight, share_of
from pipeline.sentiment.words import Part, Remembered, fold_word, part_of, quoted_parts

SPAN = 3
"""How many words a negation reaches."""
QUOTED = 0.5
"""What somebody else's words count; a title or a single word in quotation marks is none."""
_DIVIDED = " … "
BEFORE_BUT, AFTER_BUT = 0.5, 1.5
"""What counts what stands before and after a *but*, as in English."""
CLAUSE = 10
"""How many words back a verb may stand from its first part."""
BLAME = -0.3
"""How far the other words of a text must lean for a word of cheer among them to be mockery."""
ENOUGH = 12
"""How many entries, about six words with their pairs, count in full (`share_of`)."""


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
    (`leads`), or ends with it (`follows`), need not be looked up. `parts` is whether verbs part from it (*ab*),
    `half` what it is a pair with at some distance (*Stellen* and *streichen*), `event` whether it is such a pair.
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
    parts: bool
    half: Mapping[str, str] | None
    event: bool


_Said = tuple[_Word, bool, float, float, _Word | None]
"""A word where it stands: whether a negation reaches it, what degree words and quotation make of it, and the word that
makes a pair with it, after what quotation makes of that. A bare tuple, because one is made for every word."""


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
    quoted = quoted_parts(parts)
    turn = _turn(words)
    reach, degree, skip = 0, 1.0, 0
    before: _Word | None = None
    waiting: list[Waiting] = []
    for at, one in enumerate(words):
        if one.stops:
            reach = 0
            if waiting and not _in_number(words, at):
                waiting = []
        if one.silent or skip > at:
            continue
        share = QUOTED if quoted and at in quoted else 1.0
        if turn:
            share *= BEFORE_BUT if at < turn else AFTER_BUT
        if one.begins and (length := _phrase(parts, at)):
            waiting += [(one.key, at, len(found))] if one.half else []  # Ermittlungen gegen … eingestellt
            found.append((_phrase_of(parts[at : at + length]), False, share, share, None))
            skip, reach, degree, before = at + length, 0, 1.0, None
            continue
        if one.parts and _ends(parts, at) and (parted := _parted(words, waiting, at, len(found))) is not None:
            place, verb, negated = parted
            found[place : place + 1] = [(verb, negated, share, share, None)]
            continue
        word = one.word
        if one.half is not None:
            if waiting and (mate := mate_of(waiting, one.half, at, CLAUSE)) is not None:
                # the two of them are one word, where the first stood
                found[mate.place] = (*_pair_of(words, mate, at), share, share, None)
                before, reach, degree = one, SPAN if one.negates else reach - one.word, one.degree
                continue
            waiting.append((one.key, at, len(found)))
        found.append((one, word and reach > 0, degree * share, share, before))
        before = one
        reach = SPAN if one.negates else reach - word
        degree = one.degree
    return found


def _turn(words: Sequence[_Word]) -> int:
    """Return where a text turns with a *but* that has words before and after it; 0 where it does not."""
    keys = [word.key for word in words]
    return 0 if TURNS.isdisjoint(keys) else next((at for at in range(len(keys) - 2, 1, -1) if keys[at] in TURNS), 0)


def _word(written: str) -> _Word:
    part = part_of(written)
    assert part is not None
    _, folded, kind = part
    key = stem(folded) if kind == "word" else folded
    silent = kind in ("stop", "quote") or folded.isdigit()
    weight, negated = (None, None) if silent else weights_of(key)
    first, last = ends_of_pairs()
    return _Word(
        written,
        key,
        word=kind == "word",
        stops=kind in ("stop", "mark"),
        silent=silent,
        begins=kind == "word" and folded in phrases(),
        negates=folded in NEGATIONS,
        degree=DEGREES.get(folded, 1.0),
        weight=weight,
        negated=negated,
        leads=key in first,
        follows=key in last,
        parts=folded in divisible(),
        half=halves().get(key) if kind == "word" else None,
        event=False,
    )


_known = Remembered(_word)


def _phrase_of(parts: Sequence[Part]) -> _Word:
    text, key = " ".join([part.text for part in parts]), PHRASE.join([part.folded for part in parts])
    return _known[parts[0].text]._replace(text=text, key=key, weight=weights_of(key)[0])


def _ends(parts: Sequence[Part], at: int) -> bool:
    """Tell whether a clause ends with a part."""
    return at + 1 == len(parts) or parts[at + 1].kind != "word" or parts[at + 1].folded in JOINING


def _parted(words: Sequence[_Word], waiting: Sequence[Waiting], at: int, end: int) -> tuple[int, _Word, bool] | None:
    """Return what a verb and its first part at `at` are, with what waits for it or alone, and where that belongs."""
    first = fold_word(words[at].text)
    for before in _clause(words, at):
        verb = fold_word(words[before].text)
        others = halves().get(stem(f"{verb}{PARTED}{first}")) if waiting else None
        if others and (mate := mate_of(waiting, others, at, CLAUSE)) is not None:
            return mate.place, *_pair_of(words, mate, at)
        if verb in divisible()[first]:
            negated = any(between.negates for between in words[before + 1 : at])
            return end, _divided[f"{words[before].text}{_DIVIDED}{words[at].text}"], negated
    return None


def _pair_of(words: Sequence[_Word], mate: Mate[str], at: int) -> tuple[_Word, bool]:
    """Return the word that the one at `at` and its mate are, and whether that is negated."""
    found = _paired[f"{words[mate.at].text}{_DIVIDED}{words[at].text}{_DIVIDED}{mate.pair}"]
    return found, any(word.negates for word in words[max(0, mate.at - 1) : at])


def _pair(written: str) -> _Word:
    """Return the word that two are which are a pair, as they are `written`, before the pair: *Stellen … strich … …*."""
    first, second, pair = written.split(_DIVIDED)
    weight, negated = weights_of(pair)
    text = f"{first}{_DIVIDED}{second}"
    alone = _known[second]._replace(text=text, key=pair, leads=False, follows=False)
    return alone._replace(weight=weight, negated=negated, event=True)


_paired = Remembered(_pair)


def _clause(words: Sequence[_Word], at: int) -> Iterator[int]:
    """Yield where the words before `at` stand in the same clause, the nearest first."""
    for before in range(at - 1, max(-1, at - CLAUSE), -1):
        one = words[before]
        if one.stops and not _in_number(words, before):
            return
        if not one.silent:
            yield before


def _in_number(words: Sequence[_Word], at: int) -> bool:
    """Tell whether a stop is within a number: 3.000."""
    return 0 < at < len(words) - 1 and words[at - 1].text.isdigit() and words[at + 1].text.isdigit()


def _divide(written: str) -> _Word:
    """Return the word that a verb and its first part are, as they are `written`: *stürzt … ab*."""
    verb, first = written.split(_DIVIDED)
    key = stem(fold_word(first) + fold_word(verb))
    weight, negated = weights_of(key)
    return _known[verb]._replace(text=written, key=key, weight=weight, negated=negated, leads=False, follows=False)


_divided = Remembered(_divide)


def _phrase(parts: Sequence[Part], at: int) -> int:
    """Return how many parts the longest phrase takes that begins here; 0 where none does."""
    second = parts[at + 1].folded if at + 1 < len(parts) else ""
    for phrase in phrases()[parts[at].folded].get(second, ()):
        length = len(phrase.words)
        if tuple([part.folded for part in parts[at : at + length]]) == phrase.words:
            return length
    return 0


def weigh(parts: Sequence[Part]) -> Weighed:
    """Return the weights of the words of a German text; a word said twice counts once, an event in full in any text."""
    found: dict[str, tuple[str, Weight]] = {}
    learnt, said = load_learnt(), _read(parts)
    count = len(said)
    events: list[str] = []
    for word, negated, degree, share, before in said:
        weight = word.negated if negated else word.weight
        if weight is not None:
            key = NEGATED + word.key if negated else word.key
            if key not in found:
                found[key] = (word.text, weight.times(degree, degree) if degree != 1.0 else weight)
                if word.event:
                    events.append(key)
        if before is not None:
            count += 1
            # of pairs nothing but what was learnt is known, and they are too many to be remembered
            if before.leads and word.follows:
                key = f"{before.key} {word.key}"
                if key not in found and (weight := learnt.get(key)) is not None:
                    text = f"{before.text} {word.text}"
                    found[key] = (text, weight.times(share, share) if share != 1.0 else weight)
    mock(found, parts)
    every = share_of(count, ENOUGH)
    for key in events if every < 1.0 else ():
        text, weight = found[key]
        found[key] = text, weight.times(1.0 / every, 1.0 / every)
    return Weighed.of(list(found.values()), learnt[START], every)


def mock(found: dict[str, tuple[str, Weight]], parts: Sequence[Part]) -> None:
    """Turn a word of cheer among `found` where all the others blame."""
    if (cheer := cheer_of(parts)) is None or (key := stem(cheer.folded)) not in found:
        return
    text, weight = found[key]
    if sum([other.lean for _, other in found.values()]) - weight.lean < BLAME:
        found[key] = text, weight.times(MOCKED, 1.0)
