"""What a text says, as far as telling copies apart needs: its word triples as numbers, its figures, and its bands.

Two texts are near-identical when their sets of word triples overlap by `SIMILAR` (Jaccard) and neither has a figure
that the other lacks: "train 12 is late" and "train 13 is late" are two stories, however alike. Bands find the
candidates (MinHash by rensa: a pair at 0.7 is missed less than once in a hundred); `near` then verifies exactly.
Only the numbers of the triples are stored; bands are made from them again, so nothing stored depends on rensa.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, chain

from rensa import RMinHash

from pipeline.normalize import fold

SIMILAR = 0.7
MAX_WORDS = 400
"""Longer texts are compared by their beginning: an article's lead says which story it is."""
_BANDS, _ROWS, _SEED = 12, 3, 42

_REPOST = re.compile(r"^\s*(?:(?:rt|mt|via)\b[\s:]*@[\w.-]+\s*:?\s*)+", re.IGNORECASE)
_NOISE = re.compile(r"https?:\S*|www\.\S+|(?<!\w)@[\w.-]+", re.IGNORECASE)
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# scripts without spaces: every character is a word
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Sketch:
    """`triples`: sorted 32-bit numbers of the word triples; `figures`: those of words with a digit; `key`: of it all.

    `numbers` are the triples as they are compared. An empty text (only addresses and names) has no triples and key 0:
    it is like no other.
    """

    triples: tuple[int, ...]
    figures: tuple[int, ...]
    key: int
    numbers: Set[int] = field(default=frozenset(), compare=False, repr=False)


def sketch(text: str) -> Sketch:
    """Return the sketch of a mention's text; reposting marks, addresses, names, case and accents do not count."""
    words = _words(text)
    if not words:
        return Sketch((), (), 0)
    whole = " ".join(words)
    data = whole.encode()
    ends = list(accumulate((len(word) + 1 for word in words) if len(data) == len(whole) else _sizes(words)))
    starts = (0, *ends)
    triples = {zlib.crc32(data[start : end - 1]) for start, end in zip(starts, ends[2:] or ends[-1:], strict=False)}
    figures = sorted(zlib.crc32(word.encode()) for word in words if _DIGIT.search(word)) if _DIGIT.search(whole) else ()
    return Sketch(tuple(sorted(triples)), tuple(figures), number(whole), triples)


def _sizes(words: list[str]) -> Iterator[int]:
    return (len(word.encode()) + 1 for word in words)


def _words(text: str) -> list[str]:
    bare = text
    if "@" in bare:
        bare = _REPOST.sub("", bare)
    if "@" in bare or "http" in (lower := bare.lower()) or "www." in lower:
        bare = _NOISE.sub(" ", bare)
    return _WORD.findall(fold(bare))[:MAX_WORDS]


@lru_cache(maxsize=4096)
def number(text: str) -> int:
    """Return a 63-bit number that stands for `text` in tables: an identity, or a whole text."""
    return int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def bands(triples: tuple[int, ...]) -> tuple[int, ...]:
    """Return the keys of which two near-identical texts almost surely share one."""
    return bands_of([triples])[0]


def bands_of(many: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the bands of many texts at once."""
    starts = [0, *accumulate(map(len, many))]
    tokens = many[0] if len(many) == 1 else list(chain.from_iterable(many))
    rows = RMinHash.digest_matrix_from_flat_token_hashes(tokens, starts, _BANDS * _ROWS, _SEED).to_rows()
    return [_keys(row) if triples else () for triples, row in zip(many, rows, strict=True)]


def _keys(row: list[int]) -> tuple[int, ...]:
    # where only numbers are hashed, every process finds the same
    return tuple(map(hash, zip(range(_BANDS), row[0::_ROWS], row[1::_ROWS], row[2::_ROWS], strict=True)))


def near(one: Sketch, triples: tuple[int, ...], figures: tuple[int, ...]) -> bool:
    """Tell whether a text is near-identical to one of which only the numbers are left."""
    shared = len(one.numbers & set(triples))
    if shared < SIMILAR * (len(one.triples) + len(triples) - shared):
        return False
    if one.figures == figures:
        return True
    # a cut-off copy may have lost figures; two texts with a figure each that the other lacks differ in substance
    if not (set(one.figures) <= set(figures) or set(one.figures) >= set(figures)):
        return False
    mine, theirs = Counter(one.figures), Counter(figures)
    return mine <= theirs or mine >= theirs
