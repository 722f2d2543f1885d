"""What X says about its own rules, as a small evaluator: does a post match a rule, and is the rule one at all.

Written after X's documentation of operators and its public playground: tokens end at white space, punctuation and
symbols; case never counts and accents always do; a phrase is tokens that follow one another.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

_LEXEMES = re.compile(r'\s*(\(|\)|-?"[^"]*"|[^\s()]+)')
_DEPENDENT = ("is:", "has:", "lang:", "sample:")
Rule = tuple[str, Any]


class BadRule(ValueError):
    """X would refuse the rule; the text says why."""


def parse(text: str, longest: int = 1024) -> Rule:
    """Return a rule as a tree of and, or, not and leaf.

    Raises:
        BadRule: it is none.
    """
    if not text.strip():
        raise BadRule("the rule is empty")
    if len(text) > longest:
        raise BadRule(f"the rule is longer than {longest} characters")
    lexemes = [found[1] for found in _LEXEMES.finditer(text)]
    rule, at = _any(lexemes, 0)
    if at != len(lexemes):
        raise BadRule(f"unexpected {lexemes[at]}")
    if not _stands(rule):
        raise BadRule("the rule needs an operator that can stand alone")
    return rule


def _any(lexemes: list[str], at: int) -> tuple[Rule, int]:
    parts = []
    while True:
        part, at = _all(lexemes, at)
        parts.append(part)
        if at >= len(lexemes) or lexemes[at] != "OR":
            break
        at += 1
    if len(parts) > 1 and any(part[0] == "not" for part in parts):
        raise BadRule("an exclusion cannot be an alternative")
    return (parts[0] if len(parts) == 1 else ("or", parts)), at


def _all(lexemes: list[str], at: int) -> tuple[Rule, int]:
    parts: list[Rule] = []
    while at < len(lexemes) and lexemes[at] not in (")", "OR"):
        if lexemes[at] == "(":
            part, at = _any(lexemes, at + 1)
            if at >= len(lexemes) or lexemes[at] != ")":
                raise BadRule("a parenthesis is not closed")
            parts.append(part)
        elif lexemes[at].startswith("-"):
            parts.append(("not", ("leaf", lexemes[at][1:])))
        else:
            parts.append(("leaf", lexemes[at]))
        at += 1
    if not parts:
        raise BadRule("an operand is missing")
    return (parts[0] if len(parts) == 1 else ("and", parts)), at


def _stands(rule: Rule) -> bool:
    kind, inner = rule
    if kind == "and":
        return any(map(_stands, inner))
    if kind == "or":
        return all(map(_stands, inner))
    return kind == "leaf" and not inner.startswith(_DEPENDENT)


def tokens(text: str) -> list[str]:
    """Return the tokens of a text in small letters."""
    spaced = "".join(" " if unicodedata.category(letter)[0] in "PSZC" else letter for letter in text)
    return spaced.lower().split()


def tags(text: str, sign: str) -> Iterator[str]:
    """Yield hashtags or handles, without their sign, in small letters."""
    yield from (found.lower() for found in re.findall(rf"(?<!\w){sign}(\w+)", text))


def matches(rule: Rule, post: Mapping[str, Any], user: Mapping[str, Any] | None = None) -> bool:
    """Tell whether a post of the API (`data`), by `user`, matches."""
    kind, inner = rule
    if kind == "and":
        return all(matches(part, post, user) for part in inner)
    if kind == "or":
        return any(matches(part, post, user) for part in inner)
    if kind == "not":
        return not matches(inner, post, user)
    return _leaf(inner, post, user or {})


def _leaf(operator: str, post: Mapping[str, Any], user: Mapping[str, Any]) -> bool:  # noqa: PLR0911
    text = post["text"]
    words = tokens(text)
    references = [one["type"] for one in post.get("referenced_tweets", [])]
    known = {
        "is:retweet": "retweeted" in references,
        "is:reply": "replied_to" in references,
        "is:verified": bool(user.get("verified")),
        "has:links": "http" in text.lower(),
        "has:media": bool(post.get("attachments")),
    }
    if operator in known:
        return known[operator]
    name, _, value = operator.partition(":")
    match operator[0], name:
        case '"', _:
            wanted = tokens(operator)
            return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))
        case "#" | "@" as sign, _:
            return operator[1:].lower() in tags(text, sign)
        case _, "from":
            return value.lower() in (str(user.get("username", "")).lower(), post.get("author_id"))
        case _, "lang":
            return value == post.get("lang")
        case _, "place_country":
            return value == post.get("country_code")
        case _ if ":" in operator:
            raise BadRule(f"there is no operator {operator}")
        case _:
            return operator.lower() in words
