"""Does one mention satisfy one query, and which characters of it say so. Exact; slow only on what it is asked about."""

from collections.abc import Iterator
from typing import assert_never

from pipeline.language import detect, primary
from pipeline.normalize import Tokens, fold, tokenize
from pipeline.query.leaf import comparable_name
from pipeline.query.tree import And, Field, Node, Not, Or, Phrase, Term
from schemas.mention import Mention, Span

Place = tuple[int, int, str]
"""Start, end and term of a span, as plain values until it is known that they are wanted."""

MAX_SPANS = 50
"""A match keeps this many: a text of 200,000 letters must not become a record of megabytes."""


def comparable(text: str, title: str | None) -> str:
    """Return title and text as they are searched."""
    return fold(f"{title}\n{text}" if title else text)


class Reading:
    """A mention while it is being matched: what several queries ask about it is worked out once, when first asked."""

    __slots__ = ("_language", "_lower", "_texts", "folded", "mention")

    def __init__(self, mention: Mention) -> None:
        self.mention = mention
        self.folded = comparable(mention.text, mention.title)
        self._texts: tuple[tuple[Tokens, dict[str, list[int]]], ...] | None = None
        self._lower: tuple[str, ...] | None = None
        self._language: str | None = None

    @property
    def texts(self) -> tuple[tuple[Tokens, dict[str, list[int]]], ...]:
        """The text and, if there is one, the title: their words, and where each word stands among them."""
        if self._texts is None:
            title = self.mention.title
            self._texts = tuple(_index(tokenize(text)) for text in (self.mention.text, title) if text is not None)
        return self._texts

    @property
    def lower(self) -> tuple[str, ...]:
        """The same texts in lower case where all is ASCII: there a word can be found without all the others."""
        if self._lower is None:
            title, text = self.mention.title, self.mention.text
            texts = (text,) if title is None else (text, title)
            self._lower = tuple(map(str.lower, texts)) if all(map(str.isascii, texts)) else ()
        return self._lower

    @property
    def language(self) -> str:
        """What the platform says; where it says nothing, what the text looks like."""
        if self._language is None:
            heard = primary(self.mention.heard_lang)
            self._language = heard or detect(self.mention.text, None).code
        return self._language

    def find(self, phrase: Phrase) -> list[Place] | None:
        """Return where `phrase` stands in the text: None where nowhere, nothing where only in the title."""
        # most phrases are not there at all, which their letters say at a tenth of the price of the words
        if not all(term.word in self.folded for term in phrase.terms):
            return None
        if len(phrase.terms) == 1 and not phrase.terms[0].tag and self.lower:
            first, *others = ([*_find_word(phrase, text)] for text in self.lower)
        else:
            first, *others = ([*_find(phrase, *text)] for text in self.texts)
        return first if first or any(others) else None


def satisfy(node: Node, reading: Reading) -> list[Place] | None:
    """Return the places that satisfy `node`, of all operands that do, or None where it is not satisfied."""
    match node:
        case Phrase():
            return reading.find(node)
        case Field():
            return [] if holds(node, reading) else None
        case Not():
            return [] if satisfy(node.operand, reading) is None else None
        case And():
            places: list[Place] = []
            for operand in node.operands:
                found = satisfy(operand, reading)
                if found is None:
                    return None
                places += found
            return places
        case Or():
            answers = [found for operand in node.operands if (found := satisfy(operand, reading)) is not None]
            return [place for found in answers for place in found] if answers else None
        case _:
            assert_never(node)


def holds(field: Field, reading: Reading) -> bool:
    """Tell whether what is known about a mention fits `field`."""
    mention = reading.mention
    if field.name == "platform":
        return mention.platform == field.value
    if field.name == "lang":
        return reading.language == field.value
    author = mention.author
    names = () if author is None else tuple(comparable_name(name) for name in (author.name, author.id) if name)
    return any(name.startswith(field.value) if field.prefix else name == field.value for name in names)


def spans(places: list[Place]) -> tuple[Span, ...]:
    """Return the first places in the order of the text, each once."""
    first = sorted(set(places))[:MAX_SPANS]
    return tuple([_span({"start": start, "end": end, "term": term}) for start, end, term in first])


_span = Span.__pydantic_validator__.validate_python


def _index(tokens: Tokens) -> tuple[Tokens, dict[str, list[int]]]:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(tokens.words):
        index.setdefault(word, []).append(place)
    return tokens, index


def _find_word(phrase: Phrase, lower: str) -> Iterator[Place]:
    """Find a phrase of one word in an ASCII text, where words are all that letters and digits make."""
    (term,) = phrase.terms
    at = lower.find(term.word)
    while at >= 0:
        end = at + len(term.word)
        if at == 0 or not lower[at - 1].isalnum():
            while term.prefix and lower[end : end + 1].isalnum():
                end += 1
            if not lower[end : end + 1].isalnum():
                yield at, end, phrase.written
        at = lower.find(term.word, end)


def _find(phrase: Phrase, tokens: Tokens, index: dict[str, list[int]]) -> Iterator[Place]:
    terms = phrase.terms
    first = terms[0]
    begins = range(len(tokens.words)) if first.prefix else index.get(first.word, ())
    for begin in begins:
        end = begin + len(terms)
        if end <= len(tokens.words) and all(map(_fits, terms, range(begin, end), [tokens] * len(terms))):
            start = tokens.tag_spans[begin][0] if first.tag else tokens.starts[begin]
            yield start, tokens.ends[end - 1], phrase.written


def _fits(term: Term, place: int, tokens: Tokens) -> bool:
    word = tokens.words[place]
    if not (word.startswith(term.word) if term.prefix else word == term.word):
        return False
    if not term.tag:
        return True
    tag = tokens.tags.get(place, "")
    return tag.startswith(term.tag) if term.tag_prefix else tag == term.tag
