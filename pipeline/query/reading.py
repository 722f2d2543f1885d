"""A mention while it is being matched: its words, and what several queries ask about it, worked out once."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property

from pipeline.language import detect, detect_all, is_in
from pipeline.normalize import fold_noting, full_text, tokenize
from pipeline.query.disguise import SUSPECTS, uncover
from pipeline.query.joints import RARE, further
from pipeline.query.spelling import key, spelling
from schemas.mention import Language, Mention

Hit = tuple[int, int, int]
"""The first and the last word of what was found, and the character it begins with."""

_LINK = re.compile(r"https?://|\bwww\.\w", re.IGNORECASE)
_QUESTION = re.compile(r"\?(?=[\s\"'”“»«)!?]|$)")


def comparable(text: str, title: str | None) -> str:
    """Return title and text in the coarsest spelling, with all that can be read besides, for finding candidates."""
    whole = f"{title}\n{text}" if title else text
    if whole.isascii():
        folded, besides = whole.lower(), further(whole, ())
    else:
        folded, odd = fold_noting(whole)
        if not SUSPECTS.isdisjoint(odd):
            whole = uncover(whole)
            folded, odd = fold_noting(whole)
        besides = further(whole, RARE & odd)
    return key(" ".join([folded, *[word for _, _, word in besides]]) if besides else folded)


class Words:
    """The words of one text in their order, and where each can be found by its spelling."""

    def __init__(self, text: str) -> None:
        uncovered = uncover(text)
        self.text = text
        self.tokens = tokens = tokenize(uncovered)
        self.starts, self.ends = tokens.starts, tokens.ends
        index: dict[str, list[tuple[str, Hit]]] = {}
        # all words at once: a word begins after a line break as it begins at the beginning
        spelled = spelling("\n".join(tokens.words)).split("\n")
        for place, (word, start) in enumerate(zip(tokens.words, tokens.starts, strict=True)):
            index.setdefault(spelled[place], []).append((word, (place, place, start)))
        if besides := further(uncovered, () if uncovered.isascii() else RARE.intersection(uncovered)):
            first = {start: place for place, start in enumerate(tokens.starts)}
            last = {end: place for place, end in enumerate(tokens.ends)}
            for start, end, word in set(besides):
                if start in first and end in last:
                    index.setdefault(spelling(word), []).append((word, (first[start], last[end], start)))
        self.index = index

    def spelled(self, word: str) -> list[tuple[str, Hit]]:
        """Return the words of a spelling, folded, with their places."""
        return self.index.get(word, [])

    def written(self, hit: Hit) -> str:
        """Return the characters of what was found."""
        return self.text[hit[2] : self.ends[hit[1]]]

    def tags(self) -> Iterator[tuple[str, Hit]]:
        """Yield hashtags and handles, folded and with their sign."""
        for place, tag in self.tokens.tags.items():
            start, end = self.tokens.tag_spans[place]
            yield tag, (place, bisect_right(self.ends, end) - 1, start)

    def between(self, start: int, end: int) -> Hit | None:
        """Return the words of which `start` up to `end` holds a part, or None where there are only signs."""
        first, after = bisect_right(self.ends, start), bisect_left(self.starts, end)
        return (first, after - 1, start) if first < after else None


class Untold(Exception):
    """A language was asked for that is to be told together with those of other mentions."""


class Reading:
    """What is known about a mention. Its text comes first among its texts, its title, if there is one, second.

    `told` is its language, once something has asked for it. Who asks `waits` for it if it is told together with others.
    """

    def __init__(self, mention: Mention, *, waits: bool = False) -> None:
        self.mention = mention
        self.waits = waits
        self.told: Language | None = None
        self.searched: dict[int, list[tuple[int, int, str]] | None] = {}
        """What of queries was looked for in the texts (by `id`), and where it stands; None where it does not."""

    @cached_property
    def texts(self) -> tuple[Words, ...]:
        """The words of the text and of the title."""
        title = self.mention.title
        return (Words(self.mention.text),) if title is None else (Words(self.mention.text), Words(title))

    @cached_property
    def comparable(self) -> str:
        """What candidates are found by."""
        return comparable(self.mention.text, self.mention.title)

    @property
    def language(self) -> Language:
        """The language that a match carries: what the text looks like, with what the platform says as evidence.

        Raises:
            Untold: it is waited for.
        """
        if self.told is None:
            if self.waits:
                raise Untold
            self.told = detect(full_text(self.mention), self.mention.heard_lang)
        return self.told

    def is_in(self, code: str) -> bool | None:
        """Tell whether title and text are in a language; None where that cannot be told."""
        return is_in(code, self.language, full_text(self.mention))

    @cached_property
    def flags(self) -> frozenset[str]:
        """What `is:` and `has:` ask for."""
        mention = self.mention
        asked = {
            "reply": mention.in_reply_to is not None,
            "repost": mention.repost_of is not None,
            "verified": mention.author is not None and mention.author.verified,
            "question": bool(_QUESTION.search(mention.text)),
            "link": bool(_LINK.search(mention.text)),
            "media": mention.media is True,
        }
        return frozenset(name for name, true in asked.items() if true)


def tell_all(readings: Iterable[Reading]) -> None:
    """Tell the languages of mentions, all at once: that costs a part of what it costs one by one."""
    untold = [one for one in readings if one.told is None]
    languages = detect_all([(full_text(one.mention), one.mention.heard_lang) for one in untold])
    for one, language in zip(untold, languages, strict=True):
        one.told = language
