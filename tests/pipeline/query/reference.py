"""A second reading of the query language: slow, plain, and with no line in common with the first.

A query is a nested tuple. It is written down by `write` and judged by `judge`, straight from the letters of the text.
Only what is looked up is shared: which forms a word has, of which words the dots matter, which language is detected.
Rules are spelled out for the letters that the tests use.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import product, zip_longest
from typing import Any

from pipeline.language import detect
from pipeline.query.inflect import forms
from pipeline.query.spelling import twins
from schemas.mention import Mention

Asked = tuple[Any, ...]
"""("word", "rück*") · ("phrase", "lac mé*") · ("close", (words, 5)) · ("near" | "onear", (x, y, 5)) · ("raw", "a+") ·
("regex", "a+") · ("part", (word, exceptions)) · ("title", word) · ("platform" | "author", value) · ("followers", 5) ·
("lang", "de") · ("not", x) · ("and" | "or", [x, …])."""

Place = tuple[int, int, str]
JOINTS = "-*_🔥"
LOOKALIKES = {"а": "a", "е": "e", "В": "B"}
LEGAL = ("ag", "ab")
LINKS = ("", "s", "es", "n", "en", "ns", "e", "er")
ENDINGS = ("ung", "ern")


@dataclass(frozen=True)
class Seen:
    """A word that can be read in a text: folded, from its first to its last part, and where it begins and ends."""

    word: str
    first: int
    last: int
    start: int
    end: int
    tag: bool = False


@dataclass(frozen=True)
class Hit:
    """An operand found from its first to its last word, and what of the text says so."""

    first: int
    last: int
    places: frozenset[Place]


def write(asked: Asked, style: int = 0) -> str:
    """Return the query as a person could write it; `style` picks among the ways to write the same."""
    kind, value = asked
    if kind in ("near", "onear"):
        left, right, distance = value
        begin = write_part(left, style, left[0] == "or")
        return f"{begin} {kind.upper()}/{distance} {write_part(right, style, right[0] in ('or', 'near', 'onear'))}"
    if kind == "not":
        bracketed = value[0] in ("and", "or", "not") or style % 3 == 2
        return ("-" if style % 2 else "NOT ") + write_part(value, style, bracketed)
    if kind in ("and", "or"):
        joint = " OR " if kind == "or" else (" ", " AND ", " /* and */ AND\n")[style % 3]
        return joint.join(write_part(part, style, part[0] in ("and", "or")) for part in value)
    return write_leaf(kind, value, style)


def write_leaf(kind: str, value: Any, style: int) -> str:
    match kind:
        case "word":
            return str(value)
        case "phrase":
            return f'"{value}"' if style % 2 else f"„{value}“"
        case "close":
            return f'"{" ".join(value[0])}"~{value[1]}'
        case "part":
            word, exceptions = value
            listed = f"({' OR '.join(exceptions)})" if len(exceptions) > 1 else "".join(exceptions)
            return f"part:{word} EXCEPT {listed}" if exceptions else f"part:{word}"
        case "raw" | "regex":
            return f'{kind}:"{value}"'
    return f"{kind}:{'>' if kind == 'followers' else ''}{value}"


def write_part(asked: Asked, style: int, bracketed: bool) -> str:
    return f"({write(asked, style)})" if bracketed else write(asked, style)


def judge(asked: Asked, mention: Mention, style: int = 0) -> set[Place] | None:
    """Return the places in the text that satisfy `asked`, or None."""
    kind, value = settle(asked, mention)
    if kind in ("always", "never"):
        return set() if kind == "always" else None
    if kind == "not":
        return set() if judge(value, mention, style) is None else None
    if kind in ("and", "or"):
        answers = [judge(part, mention, style) for part in value]
        met = [answer for answer in answers if answer is not None]
        enough = len(met) == len(answers) if kind == "and" else bool(met)
        return {place for answer in met for place in answer} if enough else None
    if kind in ("platform", "author", "followers", "title"):
        return set() if is_known(kind, value, mention) else None
    found = {place for hit in hits(asked, mention.text, style) for place in hit.places}
    return found if found or hits(asked, mention.title or "", style) else None


def settle(asked: Asked, mention: Mention, hoped: str = "always") -> Asked:
    """Answer what a query asks of the language: what nobody can tell is what lets the post match."""
    kind, value = asked
    if kind == "not":
        return kind, settle(value, mention, "never" if hoped == "always" else "always")
    if kind in ("and", "or"):
        return kind, [settle(part, mention, hoped) for part in value]
    if kind != "lang":
        return asked
    text = mention.text if mention.title is None else f"{mention.title}. {mention.text}"
    told = detect(text, mention.heard_lang).code
    if told != "und":
        return ("always" if told == value else "never"), None
    return ("never" if value in ("de", "en", "fr") and is_foreign(text) else hoped), None


def is_foreign(text: str) -> bool:
    """Tell whether most letters are of another script than Latin."""
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(letter > "ɏ" for letter in letters) > len(letters)


def is_known(kind: str, value: Any, mention: Mention) -> bool:
    author = mention.author
    match kind:
        case "platform":
            return bool(mention.platform == value)
        case "author":
            return author is not None and author.name is not None and plain(author.name) == plain(value)
        case "followers":
            return bool(author is not None and author.followers is not None and author.followers > value)
    return bool(hits(("word", value), mention.title or "", 0))


def hits(asked: Asked, text: str, style: int) -> list[Hit]:
    """Return where what is asked for stands among the words of one text."""
    kind, value = asked
    written = write(asked, style)
    match kind:
        case "or":
            return [hit for part in value for hit in hits(part, text, style)]
        case "near" | "onear":
            left, right = (hits(side, text, style) for side in value[:2])
            pairs = [(a, b) for a, b in product(left, right) if 0 <= b.first - a.last - 1 <= value[2]]
            if kind == "near":
                pairs += [(b, a) for a, b in product(left, right) if 0 <= a.first - b.last - 1 <= value[2]]
            return [Hit(a.first, b.last, a.places | b.places) for a, b in pairs]
        case "close":
            return close(value, text, written)
        case "part":
            found = [seen for seen in see(text) if is_part(seen.word, *value)]
        case "raw" | "regex":
            return exactly(kind, value, text, written)
        case _:
            found = [seen for way in ways(str(value)) for seen in follow(way, see(text))]
    return [Hit(seen.first, seen.last, frozenset({(seen.start, seen.end, written)})) for seen in found]


def close(value: tuple[list[str], int], text: str, written: str) -> list[Hit]:
    words, distance = value
    found = [[seen for seen in see(text) if fits(word, seen, last=n == len(words) - 1)] for n, word in enumerate(words)]
    result = []
    for begin in {seen.first for some in found for seen in some}:
        end = begin + len(words) + distance
        inside = [[seen for seen in some if begin <= seen.first and seen.last < end] for some in found]
        if any(len({seen.first for seen in chosen}) == len(words) for chosen in product(*inside)):
            places = frozenset((seen.start, seen.end, written) for some in inside for seen in some)
            result.append(Hit(begin, max(seen.last for some in inside for seen in some), places))
    return result


def exactly(kind: str, value: str, text: str, written: str) -> list[Hit]:
    """Where the characters stand; what holds no part of a word stands nowhere among the words."""
    pattern = value if kind == "regex" else f"(?={re.escape(value)})"
    found = []
    for match in re.finditer(pattern, text):
        start, end = match.start(), match.end() if kind == "regex" else match.start() + len(value)
        outside = (start == 0 or not (text[start].isalnum() and text[start - 1].isalnum())) and (
            end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())
        )
        if kind == "regex" or outside:
            found.append((start, end))
    words = cut(text)
    result = []
    for start, end in found:
        inside = [n for n, word in enumerate(words) if word.start < end and start < word.end]
        first, last = (inside[0], inside[-1]) if inside else (10**9, -(10**9))
        result.append(Hit(first, last, frozenset({(start, end, written)})))
    return result


def plain(text: str) -> str:
    """Fold letter by letter."""
    folded = ""
    for letter in unicodedata.normalize("NFC", text).lower():
        if letter in "äöüß":
            folded += {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}[letter]
        else:
            folded += unicodedata.normalize("NFD", letter)[0]
    return folded


def dotless(folded: str) -> str:
    """Take the e of ae, oe and ue away, of ue not after a vowel or q."""
    result, at = "", 0
    while at < len(folded):
        result += folded[at]
        pair = folded[at : at + 2]
        vowel_before = at > 0 and folded[at - 1] in "aeiouqy"
        at += 2 if pair in ("ae", "oe") or (pair == "ue" and not vowel_before) else 1
    return result


def bare(text: str) -> str:
    """Uncover letters of another script in words that mix scripts, or that hold nothing but look-alikes."""
    result, at = "", 0
    while at < len(text):
        end = at
        while end < len(text) and text[end].isalpha():
            end += 1
        word = text[at:end]
        uncovered = "".join(LOOKALIKES.get(letter, letter) for letter in word)
        latin = [letter for letter in word if letter < "\u0250"]
        result += uncovered if latin or all(letter in LOOKALIKES for letter in word) else word
        result += text[end : end + 1]
        at = end + 1
    return result


def cut(text: str, wild: str = "") -> list[Seen]:
    """Cut `text` into runs of letters and digits (and `wild`), looking at one character at a time."""
    words: list[Seen] = []
    at = 0
    text = bare(text)
    while at < len(text):
        if not (text[at].isalnum() or text[at] in wild):
            at += 1
            continue
        end = at
        while end < len(text) and (text[end].isalnum() or text[end] in wild):
            end += 1
        words.append(Seen(plain(text[at:end]), len(words), len(words), at, end))
        at = end
    return words


def tags(text: str, words: list[Seen], wild: str = "") -> list[Seen]:
    text = bare(text)
    found = []
    for at in range(len(text)):
        if text[at] not in "#@" or (at and (text[at - 1].isalnum() or text[at - 1] in "_" + wild)):
            continue
        end = at + 1
        while end < len(text) and (text[end].isalnum() or text[end] in "_" + wild):
            end += 1
        inside = [word for word in words if at < word.start and word.end <= end]
        if inside:
            found.append(Seen(plain(text[at:end]), inside[0].first, inside[-1].last, at, inside[-1].end, tag=True))
    return found


def see(text: str) -> list[Seen]:
    """Everything that can be read: words, tags, joined words, and the words that signs of gender stand for."""
    words = cut(text)
    found = [*words, *tags(text, words)]
    for first, word in enumerate(words):
        joined = word.word
        for before, after in zip(words[first : first + 3], words[first + 1 : first + 4], strict=False):
            if text[before.end : after.start] not in (*JOINTS, "🔥🔥") or (before.word + after.word).isdigit():
                break
            joined += after.word
            found.append(Seen(joined, word.first, after.last, word.start, after.end))
    return found + [seen for pair in zip_longest(words, words[1:]) for seen in gendered(text, *pair)]


def gendered(text: str, word: Seen, after: Seen | None) -> list[Seen]:
    found = []
    for ending in ("in", "innen"):
        meant = (ending, "e", "", "en") if ending == "innen" else (ending, "e", "")
        signed = after is not None and text[word.end : after.start] in (":", "*", "_") and after.word == ending
        if after and signed and len(word.word) > 1:
            found += [Seen(word.word + one, word.first, after.last, word.start, after.end) for one in meant]
        stem = text[word.start : word.end].removesuffix(ending.capitalize())
        if len(stem) > 1 and word.end - word.start - len(stem) == len(ending) and stem[-1] in "abeäß":
            found += [Seen(plain(stem) + one, word.first, word.last, word.start, word.end) for one in meant]
    return found


def ways(wanted: str) -> list[list[str]]:
    """In which ways what is wanted can stand in a text: its words, without hyphens, without a legal form."""
    words = cut(wanted, "*?")
    signed = {tag.first: tag for tag in tags(wanted, words, "*?")}
    pieces: list[tuple[str, bool]] = []
    joined: list[str] = []
    for n, word in enumerate(words):
        if any(tag.first < n <= tag.last for tag in signed.values()):
            continue
        hyphen = n > 0 and bare(wanted)[words[n - 1].end : word.start] == "-"
        piece = signed[n].word if n in signed else bare(wanted)[word.start : word.end]
        pieces.append((piece, hyphen))
        joined = [*joined[:-1], joined[-1] + piece] if hyphen else [*joined, piece]
    plain_way = [piece for piece, _ in pieces]
    found = [plain_way]
    if not signed and len(joined) < len(plain_way):
        found.append(joined)
    short = list(plain_way)
    while short and short[-1].lower() in LEGAL:
        short.pop()
    return found + ([short] if short and len(short) < len(plain_way) else [])


def follow(way: list[str], seen: list[Seen]) -> list[Seen]:
    """Where the words of a way stand one behind the other."""
    found = [one for one in seen if fits(way[0], one, last=len(way) == 1)]
    for n, word in enumerate(way[1:], start=1):
        after = [one for one in seen if fits(word, one, last=n == len(way) - 1)]
        found = [Seen("", a.first, b.last, a.start, b.end) for a, b in product(found, after) if b.first == a.last + 1]
    return found


def fits(wanted: str, seen: Seen, *, last: bool) -> bool:
    if seen.tag or wanted[0] in "#@":
        return seen.tag and wanted[0] in "#@" and glob(plain(wanted), seen.word)
    if "*" in wanted or "?" in wanted:
        pattern = plain(wanted)
        loose = "".join(dotless(part) for part in re.split(r"([*?])", pattern))
        return glob(pattern, seen.word) or (loose != pattern and glob(loose, dotless(seen.word)))
    known = forms(wanted, attributive=not last)
    if seen.word in known:
        return True
    spelled = dotless(seen.word)
    strict = dotless(plain(wanted)) in twins() or spelled in twins() or len(spelled) < 4
    return not strict and spelled in {dotless(form) for form in known}


def glob(pattern: str, word: str) -> bool:
    if not pattern:
        return not word
    if pattern[0] == "*":
        return any(glob(pattern[1:], word[n:]) for n in range(len(word) + 1))
    if pattern[0] == "?":
        pair = word[:2] in ("ae", "oe", "ue", "ss") and glob(pattern[1:], word[2:])
        return pair or (bool(word) and glob(pattern[1:], word[1:]))
    return word[:1] == pattern[0] and glob(pattern[1:], word[1:])


def is_part(word: str, begin: str, exceptions: list[str]) -> bool:
    if fits(begin, Seen(word, 0, 0, 0, 0), last=True):
        return True
    spelled, start = dotless(word), dotless(plain(begin))
    strict = start in twins() or len(start) < 4
    if not spelled.startswith(start) or (strict and not word.startswith(plain(begin))):
        return False
    if any(spelled.startswith(dotless(plain(one))) for one in exceptions):
        return False
    rest = spelled[len(start) :]
    others = [rest[len(link) :] for link in LINKS if rest.startswith(link)]
    return rest not in ENDINGS and any(
        len(other) >= 3 and other not in ENDINGS and any(letter in "aeiouy" for letter in other) for other in others
    )
