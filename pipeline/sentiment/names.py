"""Names feel nothing: a company may be called Sauer, Gut or Best Western, and no word of its name is a judgement.

What a text is judged by has strange letters in place of such a name, as many and as large. A name that no table of its
language knows stays as it is: it weighs nothing anyway.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from pipeline.normalize import fold
from pipeline.sentiment import english, german_words
from pipeline.sentiment.signs import weigh_sign
from pipeline.sentiment.words import cut

SMALL, LARGE = "ʞ", "Ʞ"
"""Letters that no word of ours is written with."""
_KEPT = "'’-"
_TOUCHES = {"de": german_words.touches, "en": english.touches}
_WORD = re.compile(r"\w+")

Range = tuple[int, int]


def hide(text: str, names: Sequence[Range], code: str) -> str:
    """Return `text` with the words of `names` hidden, if one of them could weigh in the language with this code.

    A name of several words is hidden where they are written as one, too: `#BestWestern`. No place in the text changes.
    """
    felt = [(start, end) for start, end in names if _touches(text[start:end], code)]
    joined = {word for start, end in names if (word := _joined(text[start:end])) and _touches(word, code)}
    joined |= {word for start, end in felt if (word := _joined(text[start:end]))}
    if joined:
        felt += [one.span() for one in _WORD.finditer(text) if fold(one[0]) in joined]
    for start, end in set(felt):
        text = text[:start] + "".join(map(_hidden, text[start:end])) + text[end:]
    return text


def _hidden(character: str) -> str:
    if character.isspace() or character.isdigit() or character in _KEPT:
        return character
    return LARGE if character.isupper() else SMALL


@lru_cache(maxsize=65_536)
def _joined(name: str) -> str:
    """Return a name of several words as one, folded; '' for a single word."""
    words = _WORD.findall(fold(name))
    return "".join(words) if len(words) > 1 else ""


@lru_cache(maxsize=65_536)
def _touches(name: str, code: str) -> bool:
    """Tell whether a word of a name could change what a text weighs; names are few, and come again."""
    touches = _TOUCHES.get(code)
    return any(touches(part) if touches and part.kind == "word" else bool(weigh_sign(part)) for part in cut(name))
