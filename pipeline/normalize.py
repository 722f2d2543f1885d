"""Normal form: an event as people shall read it, its text as words are compared, and the words with their places.

Three texts are kept apart. The *event* is verbatim. `mention.text` is for people: cleaned, but with every letter as
it was written. The *folded* text is for comparing: no case, no accents, umlauts as two letters. Folding works letter
by letter and never turns a separator into a letter or back, so the words of the folded text are the folded words.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from schemas.event import Edit, Event
from schemas.glimpse import Glimpse
from schemas.mention import Mention

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""No post is older than the web that it was posted on; earlier times are somebody's empty clock."""
OFFERED = "\u2610"
"""An empty box: with it and a space begins each answer that a poll offers, on a line of its own; nobody has said it."""
AHEAD = timedelta(minutes=5)
"""How far a platform's clock may be ahead of ours before we do not believe it."""

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""Only with its semicolon: `?a=1&copy=2` is an address, not a copyright sign."""

_EMOJI = "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
    f"|(?<![{_EMOJI}])\u200d"
)
"""Characters without a shape, and halves of characters; the joiner stays where it holds an emoji together."""

_MARKS = "\u0300-\u036f\ufe00-\ufe0f"
_TAG = re.compile(rf"[#＃@＠](?<!\w.)(?=\w)[\w{_MARKS}]+")
_PART = re.compile(rf"([^\W_]+(?:[{_MARKS}]+[^\W_]*)*)")
_ASCII_WORD = re.compile("([0-9a-z]+)")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_FEW = 12
"""Up to so many different characters, replacing each is faster than looking at every letter."""

_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ı": "i", "ł": "l", "đ": "d"}
_LETTERS |= {"ð": "d", "þ": "th"}


class _Folding(dict[int, str]):
    """How each character that is not ASCII is folded, worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


_FOLDING = _Folding()

_mention = Mention.__pydantic_validator__.validate_python
"""Half the price of `model_validate` and a third of `model_construct`."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a text in order: `words[i]` is folded and stands at `starts[i]` up to `ends[i]` of the text.

    A hyphen, an apostrophe and an underscore part words. `tags[i]` is the folded hashtag or handle, with its sign,
    whose first word is `words[i]`; `tag_ends[i]` is where it ends (it starts one character before its first part).
    """

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    tags: dict[int, str]
    tag_spans: dict[int, tuple[int, int]]


def normalize(event: Event) -> Mention:
    """Return `event` in normal form; an `Edit` becomes a mention that says it is `edited`."""
    text, title = readable(event)
    mention: Mention = _mention(
        {
            "id": event.key,
            "platform": event.platform,
            "source": event.source,
            "time": max(EARLIEST, min(event.time, event.seen + AHEAD)),
            "seen": event.seen,
            "text": text,
            "title": title,
            "heard_lang": event.lang,
            "author": event.author,
            "url": event.url,
            "metrics": event.metrics,
            "in_reply_to": event.in_reply_to,
            "repost_of": event.repost_of,
            "quote_of": event.quote_of,
            "country": event.country,
            "media": event.media,
            "edited": isinstance(event, Edit),
            "backfill": event.backfill,
        }
    )
    return mention


def readable(event: Event | Glimpse) -> tuple[str, str | None]:
    """Return the text of `event` and its title, if it has one, as people shall read them."""
    return clean(decode(event.text)), (clean(decode(event.title)) or None) if event.title else None


def full_text(mention: Mention) -> str:
    """Return the title and the text of a mention, as they are judged."""
    return f"{mention.title}. {mention.text}" if mention.title else mention.text


def decode(text: str) -> str:
    """Return `text` with its HTML entities decoded once."""
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def clean(text: str) -> str:
    """Return `text` in NFC, without invisible characters, every run of white space one space, none at the ends."""
    # printable is all but spaces of other widths, line breaks, and what has no shape
    if not text or not text.isprintable() or "  " in text or text[0] == " " or text[-1] == " ":
        text = " ".join(text.split())
        if not text.isprintable():
            text = " ".join(_INVISIBLE.sub("", text).split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return `text` as it is compared: lower case, ä as ae, ß as ss, other accents gone, compatible forms as one."""
    return text.lower() if text.isascii() else fold_noting(text)[0]


def fold_noting(text: str) -> tuple[str, set[str]]:
    """Return `text` folded, and its characters that are not ASCII: who asks for some of them need not look again."""
    odd = set(_NOT_ASCII.findall(text))
    if len(odd) > _FEW:
        return text.translate(_FOLDING).lower(), odd
    for character in odd:
        folded = _FOLDING[ord(character)]
        if folded != character:
            text = text.replace(character, folded)
    return text.lower(), odd


def tokenize(text: str) -> Tokens:
    """Return the words of `text`, which has been cleaned, with their places in it."""
    if text.isascii():
        pieces = _ASCII_WORD.split(text.lower())
        words = pieces[1::2]
    else:
        pieces = _PART.split(text)
        # all words at once, since no letter is folded to a line break
        words = fold("\n".join(pieces[1::2])).split("\n") if len(pieces) > 1 else []
    # what stands between words, the first word, what stands behind it, … and where each ends
    edges = list(accumulate(map(len, pieces)))
    starts, ends = edges[:-1:2], edges[1::2]
    tags: dict[int, str] = {}
    tag_spans: dict[int, tuple[int, int]] = {}
    if "#" in text or "@" in text or "＃" in text or "＠" in text:
        for found in _TAG.finditer(text):
            first = bisect_right(starts, found.start())
            if first < len(starts) and starts[first] < found.end():
                tags[first] = fold(found[0])
                tag_spans[first] = found.span()
    return Tokens(tuple(words), tuple(starts), tuple(ends), tags, tag_spans)


def _fold_character(character: str) -> str:
    """Fold one character, a letter to letters and a separator to separators, so that words stay what they are."""
    if (small := character.lower()) in _LETTERS:
        return _LETTERS[small]
    if "\u0300" <= character <= "\u036f" or "\ufe00" <= character <= "\ufe0f":
        return ""
    bare = "".join(part for part in unicodedata.normalize("NFKD", character) if not "\u0300" <= part <= "\u036f")
    plain = "".join(_LETTERS.get(part, part) for part in bare.casefold())
    if character.isalnum():
        return "".join(part for part in plain if part.isalnum()) or character
    return " " if not plain or any(part.isalnum() or part == "_" for part in plain) else plain
