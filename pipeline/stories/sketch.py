"""What a text says, as far as telling copies apart needs: its word triples as numbers, and its figures.

Two texts are near-identical when their sets of word triples overlap by `SIMILAR` (Jaccard) and both state the same
facts: "train 12 is late" and "train 13 is late" are two stories, however alike, and so is "train 12 is not late". That
relation is symmetric, and what it joins has the same facts throughout, however long the chain. What may be near is
found by the smallest numbers of both (see index.py), what is equal by its key; `near` and `same` then verify exactly:
nothing that only finds is enough to join.
"""

import re
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from pipeline.frozen import swift
from pipeline.normalize import fold

SIMILAR = 0.7
MAX_WORDS = 400
"""Longer texts are compared by their beginning: an article's lead says which story it is."""

_REPOST = re.compile(r"^\s*(?:(?:rt|mt|via)\b[\s:]*@[\w.-]+\s*:?\s*)+", re.IGNORECASE)
_NOISE = re.compile(r"https?:\S*|www\.\S+|(?<!\w)@[\w.-]+", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S|www\.\S", re.IGNORECASE)
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
# scripts without spaces: every character is a word
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+")
_SPACED = bytes([at if chr(at).isalnum() or at == ord("_") else ord(" ") for at in range(128)]).ljust(256)
"""The same where there are no other characters, in a part of the time: all that is in no word becomes a space."""
_DIGIT = re.compile(r"\d")
_FACTS = frozenset(
    b"""
    no not never none nothing nobody neither nor without cannot t
    nicht nichts nie niemals niemand kein keine keinen keinem keiner keines ohne weder
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen half
    zwei drei vier fuenf sechs sieben acht neun zehn elf zwoelf dreizehn vierzehn fuenfzehn sechzehn siebzehn achtzehn
    neunzehn zwanzig dreissig vierzig fuenfzig sechzig siebzig achtzig neunzig hundert tausend million millionen
    milliarde milliarden dutzend halb
    monday tuesday wednesday thursday friday saturday sunday
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
    """.split()
)
"""Words that are facts beside those with a digit, folded: negations (`t` is what is left of can't), numbers, days."""


@swift
@dataclass(frozen=True, slots=True)
class Sketch:
    """`triples`: sorted 32-bit numbers of word triples, packed; `figures`: of words that are facts; `key`: of it all.

    `numbers` are the triples as they are compared; of one that was drawn elsewhere they are made when needed. A text
    without words has no triples, and all of it is a fact: only the very same is a copy. One that says nothing at all
    has the key 0: it is like no other.
    """

    triples: bytes
    figures: tuple[int, ...]
    key: int
    numbers: frozenset[int] | set[int] = field(default=frozenset(), compare=False, repr=False)


_READY: dict[tuple[str, str], Sketch] = {}
"""The texts that were drawn elsewhere, and not yet asked for."""


def lay_ready(drawn: Sketch, text: str, under: str = "") -> None:
    """Have the sketch of a text, which was drawn elsewhere, at hand until `forget`."""
    _READY[text, under] = drawn


@lru_cache(maxsize=32)
def sketch(text: str, under: str = "") -> Sketch:
    """Return the sketch of a mention's text; reposting marks, addresses, names, case and accents do not count.

    `under` is the post that it replies to, '' if to none: what signs alone say, they say of that.

    The latest are remembered: several watches ask for one post, and a worker draws twenty at a time. Of more
    each would lie in memory that has long left the processor's caches by the time it is written again.
    """
    if (drawn := _READY.pop((text, under), None)) is not None:
        return drawn
    words = _words(text)
    if not words:
        return _wordless(_REPOST.sub("", text).strip(), under)
    whole = b" ".join(words)
    # all of it runs in C: for each three words in a row, the number of what they are together
    triples = set(map(zlib.crc32, map(b" ".join, zip(words, words[1:], words[2:], strict=False)))) or {
        zlib.crc32(whole)
    }
    facts = [word for word in words if _DIGIT.search(word.decode())] if _has_digits(whole) else []
    if not _FACTS.isdisjoint(words):
        facts += [word for word in words if word in _FACTS]
    figures = tuple(sorted(map(zlib.crc32, facts))) if facts else ()
    return Sketch(pack(triples), figures, _number(whole), triples)


def _wordless(alone: str, under: str) -> Sketch:
    """Return the sketch of an address or of signs: a thumb under a thousand posts is a thousand answers, not one."""
    if not alone:
        return Sketch(b"", (), 0)
    about = "address" if _ADDRESS.search(alone) else f"signs {under}"
    parts = [about, *alone.split()[:MAX_WORDS]]
    figures = [zlib.crc32(one.encode("utf-8", "surrogatepass")) for one in parts]
    return Sketch(b"", tuple(figures), number(" ".join(parts)))


def _has_digits(words: bytes) -> bool:
    if words.isascii():
        return len(words.translate(None, b"0123456789")) < len(words)
    return _DIGIT.search(words.decode()) is not None


def pack(triples: Iterable[int]) -> bytes:
    """Return numbers of triples sorted and packed: as objects they would be half of what a story takes.

    Raises:
        ValueError: they are not numbers of 32 bits.
    """
    try:
        return array("I", sorted(triples)).tobytes()
    except (TypeError, OverflowError) as error:
        raise ValueError("triples are numbers of 32 bits") from error


def unpack(triples: bytes) -> Sequence[int]:
    """Return the numbers that were packed."""
    return memoryview(triples).cast("I")


def _words(text: str) -> list[bytes]:
    """Return the words of a text as they are compared."""
    bare = text
    if "@" in bare:
        bare = _REPOST.sub("", bare)
    if "@" in bare or "http" in (lower := bare.lower()) or "www." in lower:
        bare = _NOISE.sub(" ", bare)
    folded = fold(bare)
    if folded.isascii():
        return folded.encode().translate(_SPACED).split()[:MAX_WORDS]
    return [word.encode() for word in _WORD.findall(folded)[:MAX_WORDS]]


@lru_cache(maxsize=4096)
def number(text: str) -> int:
    """Return a 63-bit number that stands for `text` in tables: an identity, or a whole text."""
    return _number(text.encode("utf-8", "surrogatepass"))


def _number(data: bytes) -> int:
    return int.from_bytes(sha256(data).digest()[:8], "big") >> 1


def forget() -> None:
    """Forget the texts that were sketched last, or elsewhere."""
    _READY.clear()
    sketch.cache_clear()


def near(one: Sketch, triples: bytes, figures: tuple[int, ...]) -> bool:
    """Tell whether a text is near-identical to one of which only the numbers are left."""
    if one.figures != figures:
        return False
    mine, numbers = one.numbers or frozenset(unpack(one.triples)), unpack(triples)
    shared = len(mine.intersection(numbers))
    return shared >= SIMILAR * (len(mine) + len(numbers) - shared)


def same(one: Sketch, triples: bytes, figures: tuple[int, ...]) -> bool:
    """Tell whether a text is equal to one of the same key, of which only the numbers are left: their overlap is 1."""
    return one.triples == triples and one.figures == figures
