"""A second reading of the query language: slow, plain, and with no line in common with the first.

A query is a nested tuple. It is written down by `write` and judged by `judge`, straight from the letters of the text.
"""

import unicodedata
from typing import Any

from schemas.mention import Mention

Asked = tuple[Any, ...]
"""("word", "rück*") · ("phrase", "lac mé*") · ("platform" | "author", value) · ("not", x) · ("and" | "or", [x, …])."""

Word = tuple[str, int, int, str, int]
"""The folded word, its start and end, the tag that it begins (or nothing), and where that tag begins."""


def write(asked: Asked, style: int = 0) -> str:
    """Return the query as a person could write it; `style` picks among the ways to write the same."""
    kind, value = asked
    if kind == "word":
        return str(value)
    if kind == "phrase":
        return f'"{value}"' if style % 2 else f"„{value}“"
    if kind == "not":
        bracketed = value[0] in ("and", "or", "not") or style % 3 == 2
        return ("-" if style % 2 else "NOT ") + _write_part(value, style, bracketed)
    if kind in ("and", "or"):
        joint = " OR " if kind == "or" else (" ", " AND ", "  AND\n")[style % 3]
        return joint.join(_write_part(part, style, part[0] in ("and", "or")) for part in value)
    return f"{kind}:{value}"


def _write_part(asked: Asked, style: int, bracketed: bool) -> str:
    return f"({write(asked, style)})" if bracketed else write(asked, style)


def judge(asked: Asked, mention: Mention, style: int = 0) -> set[tuple[int, int, str]] | None:
    """Return the places in the text that satisfy `asked`, or None."""
    kind, value = asked
    if kind == "not":
        return set() if judge(value, mention, style) is None else None
    if kind in ("and", "or"):
        answers = [judge(part, mention, style) for part in value]
        met = [answer for answer in answers if answer is not None]
        enough = len(met) == len(answers) if kind == "and" else bool(met)
        return {place for answer in met for place in answer} if enough else None
    if kind == "platform":
        return set() if mention.platform == value else None
    if kind == "author":
        name = mention.author.name if mention.author else None
        return set() if name is not None and plain(name) == plain(value) else None
    places = _places(str(value), mention.text)
    if places or (mention.title and _places(str(value), mention.title)):
        return {(start, end, write(asked, style)) for start, end in places}
    return None


def plain(text: str) -> str:
    """Fold letter by letter."""
    folded = ""
    for letter in unicodedata.normalize("NFC", text).lower():
        if letter in "äöüß":
            folded += {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}[letter]
        else:
            folded += unicodedata.normalize("NFD", letter)[0]
    return folded


def _places(wanted: str, text: str) -> set[tuple[int, int]]:
    terms = [(word, tag, wanted[end : end + 1] == "*") for word, _, end, tag, _ in _words(wanted)]
    words = _words(text)
    places = set()
    for begin in range(len(words) - len(terms) + 1):
        here = words[begin : begin + len(terms)]
        if all(map(_fits, terms, here, [wanted] * len(terms))):
            places.add((here[0][4] if terms[0][1] else here[0][1], here[-1][2]))
    return places


def _fits(term: tuple[str, str, bool], word: Word, wanted: str) -> bool:
    asked, tag, starred = term
    same = word[0].startswith(asked) if starred else word[0] == asked
    if not tag:
        return same
    open_end = wanted.endswith("*") and plain(wanted[:-1]).endswith(tag)
    return same and (word[3].startswith(tag) if open_end else word[3] == tag)


def _words(text: str) -> list[Word]:
    """Cut `text` into runs of letters and digits, looking at one character at a time."""
    words: list[Word] = []
    at = 0
    while at < len(text):
        tag, begin = "", at
        is_sign = text[at] in "#@" and (at == 0 or not (text[at - 1].isalnum() or text[at - 1] == "_"))
        if is_sign:
            end = at + 1
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            tag = plain(text[at:end])
            at += 1
            while at < end and text[at] == "_":
                at += 1
            if at == end:
                continue
        if not text[at].isalnum():
            at += 1
            continue
        end = at
        while end < len(text) and text[end].isalnum():
            end += 1
        words.append((plain(text[at:end]), at, end, tag, begin))
        at = end
    return words
