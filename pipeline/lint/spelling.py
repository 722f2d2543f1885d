"""Spelling: words that many people write in another way too, offered as a change of the file.

The reform of 1996 left many words with two spellings, and the old ones live on. Umlauts and ß need no help: they are
folded. What inflection finds is the query language's own business.
"""

import re
from collections.abc import Iterator

from pipeline.lint import Asked, Context, Finding, Watched
from pipeline.lint.tree import implies, wanted
from pipeline.query import QueryError, parse
from pipeline.query.tree import Phrase, Tag

_SPELLINGS = (
    ("photo", "foto"), ("graphi", "grafi"), ("telephon", "telefon"), ("mikrophon", "mikrofon"), ("megaphon", "megafon"),
    ("saxophon", "saxofon"), ("phantas", "fantas"), ("delphin", "delfin"), ("potentiell", "potenziell"),
    ("potential", "potenzial"), ("substantiell", "substanziell"), ("essentiell", "essenziell"),
    ("existentiell", "existenziell"), ("differential", "differenzial"), ("schiffahrt", "schifffahrt"),
    ("selbständig", "selbstständig"), ("aufwendig", "aufwändig"), ("alptraum", "albtraum"), ("plazier", "platzier"),
    ("numerier", "nummerier"), ("joghurt", "jogurt"), ("portemonnaie", "portmonee"), ("thunfisch", "tunfisch"),
    ("ketchup", "ketschup"), ("känguruh", "känguru"), ("stengel", "stängel"), ("panther", "panter"),
    ("behende", "behände"), ("schneuz", "schnäuz"), ("stop", "stopp"), ("tip", "tipp"), ("rauh", "rau"),
)  # fmt: skip
_WHOLE = {"stop", "tip", "rauh", "stopp", "tipp", "rau"}
"""Too short to be looked for inside of other words."""
_WORD = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r'["„“](?!(?:D(?:er|ie|as)|Eine?|The) )(?:[A-ZÄÖÜ][^\W\d_]{2,} ){1,2}[A-ZÄÖÜ][^\W\d_]{2,}["“”]')
"""A name of two or three words, which is a hashtag as often as not."""


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield the words that have another spelling which the query does not ask for."""
    for asked in watched.asked:
        phrases = list(wanted(asked.query.root))
        for phrase in phrases:
            for spelt in _others(phrase):
                if not any(implies(spelt, known) and not implies(phrase, known) for known in phrases):
                    yield _finding(watched, asked, phrase, spelt.written)


def _others(phrase: Phrase) -> Iterator[Phrase]:
    """Yield the same phrase with its words spelt in another way, and a name of several words as its hashtag."""
    if isinstance(phrase.ways[0][0], Tag):
        return
    written = phrase.written.partition(" EXCEPT ")[0]
    spelt = _WORD.sub(lambda word: _spell(word[0]), written)
    names = _NAME.fullmatch(written)
    hashtag = "#" + "".join(_WORD.findall(written)) if names and not phrase.title else written
    for other in (spelt + phrase.written[len(written) :], hashtag):
        if other not in (phrase.written, written) and (found := _read(other)):
            yield found


def _spell(word: str) -> str:
    """Return a word in its other spelling, which may differ in several places: Photographie, Fotografie."""
    for pair in _SPELLINGS:
        for one, other in (pair, pair[::-1]):
            at = _found(one, other, word)
            if at is not None:
                changed = other.capitalize() if word[at].isupper() else other
                word = word[:at] + changed + word[at + len(one) :]
                break
    return word


def _found(one: str, other: str, word: str) -> int | None:
    """Return where in `word` it is spelt as `one` and not as `other`, which may hold `one`."""
    lowered = word.lower()
    if one in _WHOLE:
        return 0 if lowered == one else None
    at = lowered.find(one)
    return None if at < 0 or (one in other and other in lowered) else at


def _read(written: str) -> Phrase | None:
    try:
        root = parse(written).root
    except QueryError:
        return None
    return root if isinstance(root, Phrase) else None


def _finding(watched: Watched, asked: Asked, phrase: Phrase, spelt: str) -> Finding:
    both = f"({phrase.written} OR {spelt})"
    said, say = ("written", "write") if spelt[0] == "#" else ("spelt", "spell")
    return Finding(
        "spelling",
        watched.where(*asked.path, column=phrase.column),
        f"{phrase.written} is also {said} {spelt}",
        f"posts that {say} it so are not heard",
        f"write {both}",
        watched.edit(asked, phrase.column, phrase.written, both),
    )
