"""How alike two words are spelled: three steps, from exact to coarse.

`fold` (pipeline.normalize) writes ä as ae. `spelling` takes the dots away altogether, so that Verspätung, Verspaetung
and Verspatung are one; it decides. `key` does the same to a whole text, by fewer rules and at a fraction of the
price: words of one spelling always have one key, so it can say where to look.
"""

import re
from functools import cache
from pathlib import Path

SHORTEST = 4
"""Words of fewer letters are too often another word without their dots (tür, tur; für, fur)."""

_SHARP_TWINS = frozenset(["masse", "massen", "busse", "bussen"])
"""Masse und Maße, Busse und Buße."""
_TWINS = Path(__file__).with_name("twins.txt")
_UMLAUT = re.compile("ue(?<![aeiouqy]ue)")


def spelling(folded: str) -> str:
    """Return a folded word without the dots of its umlauts, whichever way they were written.

    After a vowel or a q, ue is no umlaut: Bauer, Quelle and neue keep it.
    """
    bare = folded.replace("ae", "a").replace("oe", "o")
    return _UMLAUT.sub("u", bare) if "ue" in bare else bare


def key(folded: str) -> str:
    """Return a folded text in the coarsest spelling; of two words that begin alike, the keys begin alike."""
    return folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def dots_matter(spelled: str) -> bool:
    """Tell whether with and without its dots this spelling is not the same word: schon and schön, Uber and über."""
    return len(spelled) < SHORTEST or spelled in twins()


def sharpness(written: str) -> bool | None:
    """Tell whether a word is written with ß, or None where that cannot be told, as in capitals, or says nothing.

    Almost always ss is ß by another keyboard, or in Switzerland; only few words are another one then.
    """
    sharp = "ß" in written or "ẞ" in written
    if not sharp and (written.isupper() or "ss" not in written):
        return None
    return sharp if written.lower().replace("ß", "ss") in _SHARP_TWINS else None


@cache
def twins() -> frozenset[str]:
    """Return the spellings of which two words are written, one with dots and one without."""
    lines = _TWINS.read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
