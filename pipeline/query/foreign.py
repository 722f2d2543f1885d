"""What other tools write and this language does not, each told in our own spelling: nothing is misread in silence.

The operators of Brandwatch, Talkwalker, Meltwater, Sprinklr, Pulsar, Awario, of X's and Google's search and of Lucene:
most of them can be read here as words, and then nothing is found, or too much.
"""

import re
from collections.abc import Iterator

from lark import Token

from pipeline.query.tree import Hint

FIELDS = {
    "author": "from userName screenName twitterAuthor fullName name twitter",
    "country": "location region land",
    "followers": "authorFollowers userFollowers followersCount",
    "hashtag": "tag tags hashtags",
    "has:link": "links link filter",
    "has:media": "images image media video",
    "is:repost": "engagementType retweetOf",
    "is:verified": "verified verifiedType authorVerified",
    "lang": "language sprache",
    "mention": "mentions to",
    "platform": "source sourceType pageType channel",
    "site": "domain domainUrl host hostname blog",
    "title": "intitle allintitle headline titel ingress exactTitle",
    "url": "inurl allinurl https http",
}
"""By what of ours: the fields of other tools that mean it, or nearly."""
_OURS = {name.lower(): ours for ours, names in FIELDS.items() for name in (*names.split(), ours)}
KNOWN = frozenset(_OURS)
_EVERYWHERE = frozenset("text content message body snippet exactmessage intext allintext".split())  # noqa: SIM905
_FEELING = frozenset("sentiment tonality tonalität stimmung".split())  # noqa: SIM905
_SPAN = frozenset("since until date published from_date to_date".split())  # noqa: SIM905

_INNER = re.compile(r"(?<=\s)(?:AND|OR|NOT|O?NEAR/\d+)(?=\s)")
_PASSED_ON = "RT"
_CALLED = re.compile(r"[A-Z_]{2,}")
_JOINS = ("_AND", "_OR", "_NOT", "_MINUS", "DISTANCE")


_AS_WORD, _BARE = "{word} is searched for as a word", "{word} is searched for without its signs"
_NO_OPERATOR, _ONE_SPELLING = "there is no such operator", "there is one spelling of a distance"
_SPELT = tuple(
    (re.compile(pattern), what, why, do)
    for pattern, what, why, do in (
        ("XOR", _AS_WORD, _NO_OPERATOR, "write (a OR b) NOT (a AND b)"),
        ("ANDNOT|NOTAND", _AS_WORD, _NO_OPERATOR, "write NOT"),
        ("BUT", _AS_WORD, _NO_OPERATOR, "write NOT alone"),
        ("SAME", _AS_WORD, _NO_OPERATOR, "write NEAR/15"),
        ("(?i:and|und)/(?i:or|oder)", _AS_WORD, _NO_OPERATOR, "write OR"),
        ("(?i:near)/(?P<n>[0-9]+):(?P<a>.+),(?P<b>.+)", _AS_WORD, _ONE_SPELLING, "write {a} NEAR/{n} {b}"),
        ("(?i:onear)/(?P<n>[0-9]+):(?P<a>.+),(?P<b>.+)", _AS_WORD, _ONE_SPELLING, "write {a} ONEAR/{n} {b}"),
        ("(?i:w|within|adj|n)?/(?P<n>[0-9]+)f?", _AS_WORD, _ONE_SPELLING, "write NEAR/{n}"),
        ("(?:WITHIN|ADJ)(?P<n>[0-9]+)", _AS_WORD, _ONE_SPELLING, "write NEAR/{n}"),
        ("(?i:pre)/(?P<n>[0-9]+)|PRE[0-9]+", _AS_WORD, _ONE_SPELLING, "write ONEAR/{n}"),
        ("(?i:at-?least)/?[0-9]+", _AS_WORD, "how often a word stands in a text cannot be asked", "remove it"),
        (r"\^[0-9.]+", "{word} weighs nothing", "a post fits or does not", "remove it"),
        (r"(?P<a>.+)(?P<sign>\^[0-9.]+)", "{sign} weighs nothing", "a post fits or does not", "write {a}"),
        (r"(?P<b>\w{3}).*(?P<sign>~[0-9.]*)", "{word} is searched for without its {sign}", "words are not guessed at",
         'write {b}* for what begins alike, or "a b"~5 for a distance of two words'),
        (r"[A-Za-z_]\w*_\w*:\S+", _AS_WORD, "there is no such field", "see the fields in the reference, or remove it"),
        (r"\{(?P<a>[^\s{}]+)\}", _BARE, "braces ask for nothing", 'write raw:"{a}" for these capitals only'),
        (r"[\[{].*", "the brackets in {word} group nothing", "only ( and ) do", "write ( and )"),
        (r"\$[A-Za-z]+", _BARE, "a $ is no part of a word", 'write raw:"{word}"'),
        (r"\+(?P<a>[^\W\d_].*)", _BARE, "what stands side by side all has to be there", "write {a}"),
        (r"!(?P<a>[^\W\d_].*)", _BARE, "a ! asks for nothing", "write NOT {a}, or raw:{a} for these capitals"),
        (r"[^\W_]+[+#%]+", _BARE, "a sign is no part of a word", 'write raw:"{word}"'),
        (r"/(?P<a>.*[\\\[.?*+|].*)/", _BARE, "slashes make no expression", 'write regex:"{a}"'),
        (r".*\\.*", _BARE, "a backslash protects nothing", 'write the words in "quotation marks", or after raw:'),
    )
)  # fmt: skip


def field_hint(name: str, value: str) -> str:
    """Return what of ours a field of another tool means, or nothing where we know of none.

    >>> field_hint("language", "de"), field_hint("colour", "red")
    ('write lang:de', '')
    """
    kind = name.lower()
    if kind in _EVERYWHERE:
        return f"words are looked for in text and title anyway: write {value or 'them'} without {name}:"
    if kind in _FEELING:
        return "a query asks for words; how they are meant is asked by a watch's rules"
    if kind in _SPAN:
        return "a query hears what is said from now on; a time is an option of earshot backtest"
    ours = _OURS.get(kind, "")
    number = re.search(r"\d+", value)
    if ours == "url" and kind.startswith("http"):
        ours = f"url:{value.strip('/')} for posts at this address"
    elif ours == "platform":
        ours = "platform:x, platform:facebook and so on"
    elif ours == "followers":
        ours = f"followers:>{number[0] if number else 1000}"
    elif ours and ":" not in ours:
        ours = f"{ours}:{value or '…'}"
    return f"write {ours}" if ours else ""


def distance_hint(written: str) -> str:
    """Return how a distance is written here that goes one way only elsewhere.

    >>> distance_hint("NEAR/2f")
    'write ONEAR/2'
    """
    found = re.fullmatch(r"O?NEAR/(\d+)f", written)
    return f"write ONEAR/{found[1]}" if found else ""


def misread(tokens: list[Token]) -> Iterator[Hint]:
    """Yield where something is read as words that is an operator elsewhere, at most once for each token."""
    for before, token in zip([None, *tokens], tokens, strict=False):
        told = None
        if token.type == "WORD":
            told = _word(token, before)
        elif token.type == "PHRASE" and (inner := _INNER.search(token)):
            what, why = f"{inner[0]} is a word within quotation marks", "they make a phrase of all that stands in them"
            told = Hint(_column(token) + inner.start(), what, why, "put each part in quotation marks of its own")
        if told is None and before is not None and _touch(before, token):
            told = _touching(before, token)
        if told is not None:
            yield told


def _word(token: Token, before: Token | None) -> Hint | None:
    """Return what a word means elsewhere, by the first row of the table that it fits."""
    for pattern, what, why, do in _SPELT:
        if found := pattern.fullmatch(token):
            given = {"word": found[0], **{name: said or "" for name, said in found.groupdict().items()}}
            return Hint(_column(token), what.format(**given), why, do.format(**given))
    if before is not None and before.type in ("_NOT", "_MINUS") and token.upper() == _PASSED_ON:
        what, why = "RT is searched for as a word", "what is passed on does not begin with it everywhere"
        return Hint(_column(token), what, why, "write NOT is:repost")
    if found := re.search(r"[^\W_]([|;]+|,)[^\W\d_]", token):
        do = f"write {' OR '.join(filter(None, re.split('[|;,]', token)))}"
        return Hint(_column(token), f"the {found[1]} in {token} parts no alternatives", "it is a phrase", do)
    return None


def _touching(before: Token, token: Token) -> Hint | None:
    """Return what is wrong where two tokens stand side by side without a space."""
    if before.type == "WORD" and token.type == "_OPEN" and _CALLED.fullmatch(before):
        hint = field_hint(before.removeprefix("BY_").removeprefix("IN_"), "…")
        what, why = f"{before}( is no operator", f"{before} is searched for as a word beside what stands in ( )"
        return Hint(_column(before), what, why, hint or "write a field such as lang:de, or a space before the (")
    if before.type == "PHRASE" and token.type == "WORD" and token[0].isalnum():
        what, why = "a quotation mark stands within a word", "the phrase ends or begins there"
        return Hint(_column(token), what, why, "write quotation marks around the whole, and none within")
    return None


def mixed(tokens: list[Token]) -> Iterator[Hint]:
    """Yield where of alternatives without parentheses only some ask for more than one thing: tools read that apart."""
    levels: list[list[int]] = [[0]]
    for before, token in zip([None, *tokens, None], [*tokens, None], strict=False):
        if token is None or token.type == "_CLOSE":
            alternatives = levels.pop()
            if not all(alternatives) and any(alternatives):
                what, why = "only one of the alternatives asks for this too", "OR binds least, as in a OR (b AND c)"
                yield Hint(next(filter(None, alternatives)), what, why, "put parentheses around what is meant")
            continue
        if token.type == "_OR":
            levels[-1].append(0)
        elif _joins(before, token):
            levels[-1][-1] = levels[-1][-1] or _column(token)
        if token.type == "_OPEN":
            levels.append([0])


def _joins(before: Token | None, token: Token) -> bool:
    """Tell whether a token asks for something besides what stands before it."""
    if token.type in ("_AND", "DISTANCE"):
        return True
    if token.type in ("_NOT", "_MINUS"):
        return _beside(before)
    # a word and a field are more often meant together than a word and a word
    return before is not None and {before.type, token.type} <= {"WORD", "PHRASE"}


def _beside(before: Token | None) -> bool:
    return before is not None and before.type not in (*_JOINS, "_OPEN", "_EXCEPT")


def _touch(before: Token, token: Token) -> bool:
    return before.end_pos is not None and before.end_pos == token.start_pos


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1
