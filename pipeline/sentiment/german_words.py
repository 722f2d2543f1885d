"""What German words weigh: what was learnt of them, else what the lexicon says."""

from functools import cache
from pathlib import Path

from pipeline.sentiment.lexicon import halves, phrases, stem, strength_of, strength_of_pair
from pipeline.sentiment.signs import weigh_sign
from pipeline.sentiment.weight import Weight
from pipeline.sentiment.words import Part, cut

LEARNT = Path(__file__).with_name("sentiment_de.tsv")
START = "*start*"
"""The row that says what a text without any known word weighs."""
NEGATED = "nicht_"
"""How a negated word is marked."""
PHRASE = "~"
"""How the words of a phrase are joined."""
PAIR = "|"
"""What stands between a noun and what is done to it."""
TURNED = -0.5
"""What a negation makes of the lean of a word of whose negation nothing was learnt."""
LEAN, FEELING = 0.5, 0.425
"""What one step of the lexicon is worth before any text has been seen."""
PHRASED = 1.4
"""A phrase or a pair is surer than a word of its strength: it was written for what it says. Chosen on wording, dev."""

_NOT = """nicht nich nix nichts kein keine keinen keinem keiner keines keinerlei nie niemals niemand nirgends ohne
weder kaum ned net nimmer ned koa koan keen kaa statt anstatt trotz verzichtet verzichten verzichtete"""
_MORE = """sehr total voll echt richtig absolut mega extrem wirklich so besonders voellig komplett derart dermassen
unglaublich ungemein unheimlich ueberaus hoechst aeusserst hochgradig zutiefst brutal krass urst ur huere saumaessig
verdammt wahnsinnig unfassbar viel zu"""
_RATHER = "ziemlich ganz recht durchaus"
_LESS = "etwas wenig bisschen bissl bisserl bitzeli halbwegs einigermassen eher leicht vielleicht wohl angeblich"
NEGATIONS = frozenset(_NOT.split())
TURNS = frozenset({"aber", "jedoch", "allerding", "trotzd", "dennoch"})
JOINING = frozenset({"und", "oder", "aber", "weil", "obwohl", "dass"})
DEGREES = {word: by for words, by in ((_MORE, 1.3), (_RATHER, 1.1), (_LESS, 0.7)) for word in words.split()}


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
        like = phrases().get(words[0], {}).get(words[1], ())
        strength = PHRASED * next((one.strength for one in like if one.words == words), 0.0)
    elif " " in key:
        return None
    else:
        strength = PHRASED * strength_of_pair(key) if PAIR in key else strength_of(key)
    return Weight(LEAN * strength, FEELING * abs(strength)) if strength else None


@cache
def ends_of_pairs() -> tuple[frozenset[str], frozenset[str]]:
    """Return with what the pairs begin that were learnt, and with what they end."""
    pairs = [key.rpartition(" ") for key in load_learnt() if " " in key]
    return frozenset(first for first, _, _ in pairs), frozenset(last for _, _, last in pairs)


@cache
def load_learnt() -> dict[str, Weight]:
    """Return what was learnt: lines of key, lean and feeling with tabs between them, after a notice in `#` lines."""
    rows = (line.split("\t") for line in LEARNT.read_text("utf-8").splitlines() if not line.startswith("#"))
    return {key: Weight(float(lean), float(feeling)) for key, lean, feeling in rows}


def touches(part: Part) -> bool:
    """Tell whether a word can weigh anything in a German text: alone, in a pair, in a phrase, or by what it does."""
    key = stem(part.folded)
    return part.folded in _active() or key in _active() or key in halves() or bool(strength_of(key))


@cache
def _active() -> frozenset[str]:
    """Return the stems of all that was learnt, the words of phrases, negations and degree words."""
    learnt = {word.removeprefix(NEGATED) for key in load_learnt() for one in key.split(PHRASE) for word in one.split()}
    some = (phrase for seconds in phrases().values() for phrases_of in seconds.values() for phrase in phrases_of)
    within = {word for phrase in some for word in phrase.words}
    return frozenset(learnt | within | NEGATIONS | DEGREES.keys())
