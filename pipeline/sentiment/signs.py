"""The feeling of emoji and emoticons, which need no language.

Emoji take theirs from the English description that VADER's table gives them ("loudly crying face"), looked up in
VADER's lexicon; the ones whose description says nothing are written down here.
"""

from functools import cache
from pathlib import Path

import vaderSentiment

from pipeline.sentiment.weight import Weight
from pipeline.sentiment.words import Part

LEAN_PER_VALENCE = 0.5
FEELING_PER_VALENCE = 0.3
"""One step of VADER's scale (-4 to 4) in terms of odds: an emoji of 2 alone makes about 60 % sure."""

_EMOTICONS = {
    **dict.fromkeys((":)", "=)", ":]", "(:", ":}", "^^", "^_^"), 2.0),
    **dict.fromkeys((";)", ";]", ";d", ":p", "=p", ";p", "(;"), 1.0),
    **dict.fromkeys((":d", "=d", "xd", ":*", "<3", "<3"), 2.5),
    **dict.fromkeys((":(", "=(", ":[", ":{", ":'(", "</3", "<\\3", ">:("), -2.2),
    **dict.fromkeys((":/", ":\\", ":|", ":s", "=/", "-.-", "-_-", ":@"), -1.5),
}
_EMOJI = {
    **dict.fromkeys("❤💙💚💛💜🖤🧡💕💖", 3.0),
    **dict.fromkeys("👍👏🎉🥳🙌💪🏆😊😁😄😃😀🤗😂🤣✨", 2.0),
    **dict.fromkeys("🙏😉😅🙂👌", 1.0),
    **dict.fromkeys("🙄😬🤦😒🤡😐😑🙈😕🙁😟", -1.5),
    **dict.fromkeys("👎💩💔😤😠😢😭😱😞😔😩😫", -2.2),
    **dict.fromkeys("😡🤬🤮🤢🖕☠💀", -3.0),
}
"""Where VADER's description says nothing or too little: `pouting face` means fury."""


def valence_of(part: Part) -> float:
    """Return the valence of an emoji or emoticon between -4 and 4; 0 for everything else."""
    if part.kind == "emoticon":
        return _EMOTICONS.get(part.folded, 0.0)
    return _emoji_valences().get(part.text, 0.0) if part.kind == "emoji" else 0.0


def weigh_sign(part: Part) -> Weight | None:
    """Return the weight of an emoji or emoticon; nothing for what has none."""
    valence = valence_of(part)
    return Weight(LEAN_PER_VALENCE * valence, FEELING_PER_VALENCE * abs(valence)) if valence else None


@cache
def vader_lexicon() -> dict[str, float]:
    """Return VADER's lexicon: 7,500 English words, slang and emoticons with their mean valence (MIT, C.J. Hutto)."""
    rows = (line.split("\t") for line in _vader_file("vader_lexicon.txt").splitlines() if line.strip())
    return {row[0].strip(): float(row[1]) for row in rows}


@cache
def _emoji_valences() -> dict[str, float]:
    lexicon = vader_lexicon()
    valences = {}
    for line in _vader_file("emoji_utf8_lexicon.txt").splitlines():
        emoji, _, description = line.partition("\t")
        if len(emoji) == 1:
            valence = sum(lexicon.get(word, 0.0) for word in description.split())
            valences[emoji] = max(-4.0, min(4.0, valence))
    return valences | _EMOJI


def _vader_file(name: str) -> str:
    return (Path(vaderSentiment.__file__).parent / name).read_text("utf-8")
