"""Queries of watches as rules of X: a rule lets through all that its query hears, and as little else as can be said.

X has fewer words than we: no wildcards, no parts of words, no distance, no exclusion that does not also look into the
posts that are quoted. What it cannot say is left out of a conjunction, so that more comes than was asked for, and our
own matcher decides. An alternative that cannot be said at all would mean every post on X: it is not asked for and told
(`LeftOut`). Rules of one query stay together, so that changing one watch changes its rules only.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from agents.ingest.platforms.x_said import ALL, ANY, EVERYTHING, NOTHING, Atom, Joined, Said, anchored, join, render
from agents.ingest.platforms.x_split import fitted, packed, size
from agents.ingest.platforms.x_words import spellings, writings
from pipeline.query.printing import print_node
from pipeline.query.tree import And, Close, Field, Glob, Named, Near, Node, Not, Or, Part, Phrase, Raw, Tag, Term, Word

STREAM_CHARACTERS, STREAM_RULES = 1024, 1000
SEARCH_CHARACTERS = 512
"""What a pay-per-use account may ask for; an Enterprise account has more."""

_HANDLE = re.compile(r"[a-z0-9_]{1,15}")
_WORDS = re.compile(r"[^\W_]+")
_AUTHOR = re.compile(r"[a-z0-9_]{1,15}|[0-9]{1,19}")
_ALWAYS = {"platform": "x", "site": "x.com"}
"""What these fields are for every post on X."""
_KNOWN = {
    ("is", "reply"): ("is:reply",),
    ("is", "repost"): ("is:retweet",),
    ("is", "verified"): ("is:verified",),
    ("has", "media"): ("has:media",),
    # the address of a picture is a link in the text as well
    ("has", "link"): ("has:links", "has:media"),
}


class Reason(StrEnum):
    """Why something is not asked of X."""

    UNSAYABLE = "X has no words for it, and without it every post would have to be read"
    TOO_MANY = "X takes no more rules"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a query that is not asked of X, as people write it."""

    part: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules of all queries, each once, in the order of the queries, and what they do not ask for."""

    rules: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many rules may be; `also` is added to each, to hear less on purpose: `-is:retweet`.

    `together`: as few as possible, for searches, each of which is a request; else a rule is of one query, so that what
    changes is little.
    """

    characters: int = STREAM_CHARACTERS
    rules: int = STREAM_RULES
    also: str = ""
    together: bool = False


def compile_rules(queries: Iterable[Node], limits: Limits) -> Compiled:
    """Return the rules that let through all that any of `queries` hears."""
    room = limits.characters - (size(limits.also) + 3 if limits.also else 0)
    asked: list[Said] = []
    left_out: list[LeftOut] = []
    for query in queries:
        said, missing = _query(query)
        left_out += missing
        if said is not NOTHING:
            asked.append(said)
    rules = _texts((one for said in asked for one in fitted(said, room)), limits.also)
    if limits.together or len(rules) > limits.rules:
        rules = _texts(packed(asked, room), limits.also)
    left_out += [LeftOut(rule, Reason.TOO_MANY) for rule in rules[limits.rules :]]
    return Compiled(rules[: limits.rules], tuple(dict.fromkeys(left_out)))


def _texts(rules: Iterable[Said], also: str) -> tuple[str, ...]:
    found = []
    for said in rules:
        text = render(said)
        bracketed = f"({text})" if isinstance(said, Joined) and said.how is ANY else text
        found.append(f"{bracketed} {also}" if also else text)
    return tuple(dict.fromkeys(found))


def _query(root: Node) -> tuple[Said, list[LeftOut]]:
    """Return what can be asked of X, alternative by alternative, and the alternatives that cannot."""
    asked: list[Said] = []
    missing: list[LeftOut] = []
    for branch in _branches(root):
        said = translate(branch)
        if said is EVERYTHING or not anchored(said):
            missing.append(LeftOut(print_node(branch), Reason.UNSAYABLE))
            said = _instead(branch)
        asked.append(said)
    return join(ANY, asked), missing


def _branches(node: Node) -> Iterator[Node]:
    match node:
        case Or():
            for operand in node.operands:
                yield from _branches(operand)
        case Named():
            yield from _branches(node.operand)
        case _:
            yield node


def _instead(branch: Node) -> Said:
    """Return what of an unsayable word can be asked for all the same: Bahn for part:Bahn, Rückruf for Rückruf*."""
    match branch:
        case Phrase(ways=((Part() as part,),)):
            return _any_of(writings(part.word, branch.written))
        case Phrase(ways=((Glob() as glob,),)) if glob.pattern.endswith("*") and glob.pattern[:-1].isalnum():
            return _any_of(spellings(glob.pattern[:-1], strict=False))
        case _:
            return NOTHING


def translate(node: Node, *, negated: bool = False) -> Said:
    """Return what X says for a node, never less than it: EVERYTHING where it cannot say it, NOTHING where X has none.

    An exclusion is not passed on: operators of the stream look into quoted posts too, so that `-modell` would keep out
    a post that says nothing of the kind itself. The exception is a repost, which cannot be quoted.
    """
    match node:
        case And() | Or():
            how = ALL if isinstance(node, And) != negated else ANY
            return join(how, (translate(operand, negated=negated) for operand in node.operands))
        case Not() | Named():
            return translate(node.operand, negated=negated != isinstance(node, Not))
        case Field():
            return _field(node, negated=negated)
        case _:
            return EVERYTHING if negated else _words(node)


def _words(node: Node) -> Said:
    """Return what X says for a node that asks for words."""
    match node:
        case Near():
            return join(ALL, (translate(node.left), translate(node.right)))
        case Phrase():
            # a post on X has no title
            return NOTHING if node.title else _phrase(node)
        case Close():
            return join(ALL, (_term(term, node.written) for term in node.terms))
        case Raw():
            return join(ALL, (_any_of([word.lower()]) for word in _WORDS.findall(node.value)))
        case _:
            return EVERYTHING


def _phrase(phrase: Phrase) -> Said:
    """Return all words of a phrase, wherever they stand: for X an emoji parts two words that for us are neighbours."""
    ways = [frozenset(way) for way in phrase.ways]
    fewest = [way for way, terms in zip(phrase.ways, ways, strict=True) if not any(other < terms for other in ways)]
    return join(ANY, (join(ALL, (_term(term, phrase.written) for term in way)) for way in fewest))


def _term(term: Term, written: str) -> Said:
    match term:
        case Word():
            return _any_of(writings(term, written))
        case Tag() if "*" in term.pattern or "?" in term.pattern:
            return EVERYTHING
        case Tag():
            sign, name = term.pattern[0], term.pattern[1:]
            if sign == "@" and _HANDLE.fullmatch(name):
                return Atom(term.pattern)
            if sign == "#" and not name.isdecimal():
                return _any_of(sign + one for one in spellings(name, strict=True))
            # for X this is no tag but words
            return join(ALL, (_any_of(spellings(word, strict=True)) for word in _WORDS.findall(name)))
        case _:
            return EVERYTHING


def _any_of(tokens: Iterable[str]) -> Said:
    found = [Atom(token) for token in tokens]
    return join(ANY, found) if found else EVERYTHING


def _field(field: Field, *, negated: bool) -> Said:
    """Return what X says about a post beside its words."""
    if field.name in _ALWAYS:
        return EVERYTHING if (field.value == _ALWAYS[field.name]) != negated else NOTHING
    known = _KNOWN.get((field.name, field.value))
    if negated:
        return Atom("-is:retweet", standalone=False) if (field.name, field.value) == ("is", "repost") else EVERYTHING
    if known is not None:
        return join(ANY, (Atom(operator, standalone=False) for operator in known))
    if field.name == "country":
        return Atom(f"place_country:{field.value}")
    if field.name == "author" and not field.prefix:
        return Atom(f"from:{field.value}") if _AUTHOR.fullmatch(field.value) else NOTHING
    return EVERYTHING
