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
    "has:link": "links link",
    "has:media": "images image media video",
    "is:repost": "retweetOf",
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
_KINDS = {
    "repl": "is:reply",
    "comment": "is:reply",
    "retweet": "is:repost",
    "repost": "is:repost",
    "share": "is:repost",
}
_KINDS |= {"link": "has:link", "verified": "is:verified"}
_KINDS |= dict.fromkeys(("image", "media", "video", "photo"), "has:media")
"""What a kind of post begins with elsewhere, where its name is the value of a field: filter:replies."""
_OF_KIND = frozenset({"filter", "engagementtype"})
KNOWN = frozenset(_OURS) | _OF_KIND
_CODES = {"country": "DE", "lang": "de"}
_EVERYWHERE = frozenset("text content message body snippet exactmessage intext allintext".split())  # noqa: SIM905
_FEELING = frozenset("sentiment tonality tonalität stimmung".split())  # noqa: SIM905
_SPAN = frozenset("since until date published from_date to_date".split())  # noqa: SIM905

_INNER = re.compile(r"(?<=\s)(?:AND|OR|NOT|O?NEAR/\d+)(?=\s)")
_JOINING = re.compile(
    r"XOR|BUT|SAME|(?i:and|und)/(?i:or|oder)|(?i:w|within|adj|n|pre)?/[0-9]+f?|(?:WITHIN|ADJ|PRE)[0-9]+"
)
"""What only joins where something stands on both sides of it: elsewhere it is a name."""
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
        ("BUT", _AS_WORD, _NO_OPERATOR, 'write NOT alone, or "BUT" for the word'),
        ("SAME", _AS_WORD, _NO_OPERATOR, 'write NEAR/15, or "SAME" for the word'),
        ("(?i:and|und)/(?i:or|oder)", _AS_WORD, _NO_OPERATOR, "write OR"),
        ("(?i:near)/(?P<n>[0-9]+):(?P<a>.+),(?P<b>.+)", _AS_WORD, _ONE_SPELLING, "write {a} NEAR/{n} {b}"),
        ("(?i:onear)/(?P<n>[0-9]+):(?P<a>.+),(?P<b>.+)", _AS_WORD, _ONE_SPELLING, "write {a} ONEAR/{n} {b}"),
        ("(?i:w|within|adj|n)?/(?P<n>[0-9]{1,2})f?", _AS_WORD, _ONE_SPELLING, "write NEAR/{n}"),
        ("(?:WITHIN|ADJ)(?P<n>[0-9]{1,2})", _AS_WORD, _ONE_SPELLING, "write NEAR/{n}"),
        ("(?:(?i:pre)/|PRE)(?P<n>[0-9]{1,2})", _AS_WORD, _ONE_SPELLING, "write ONEAR/{n}"),
        ("(?i:at-?least)/?[0-9]+", _AS_WORD, "how often a word stands in a text cannot be asked", "remove it"),
        (r"\^[0-9.]+", "{word} weighs nothing", "a post fits or does not", "remove it"),
        (r"(?=.*[^\W\d_]{2})(?P<a>.+)(?P<sign>\^[0-9.]+)", "{sign} weighs nothing", "a post fits or does not",
         "write {a}"),
        (r"(?P<b>\w{3}).*(?P<sign>~[0-9.]*)", "{word} is searched for without its {sign}", "words are not guessed at",
         'write {b}* for what begins alike, or "a b"~5 for a distance of two words'),
        (r"[A-Za-z_]\w*_\w*:\S+", _AS_WORD, "there is no such field", "see the fields in the reference, or remove it"),
        (r"\{(?P<a>[^\s{}]+)\}", _BARE, "braces ask for nothing", 'write raw:"{a}" for these capitals only'),
        (r"[\[{][^\]}]*", "the brackets in {word} group nothing", "only ( and ) do", "write ( and )"),
        (r"\$[A-Za-z]+", _BARE, "a $ is no part of a word", 'write raw:"{word}"'),
        (r"\+(?P<a>[^\W\d_].*)", _BARE, "what stands side by side all has to be there", "write {a}"),
        (r"!(?P<a>[^\W\d_].*)", _BARE, "a ! asks for nothing", "write NOT {a}, or raw:{a} for these capitals"),
        (r"[^\W_]+[+#%]+", _BARE, "a sign is no part of a word", 'write raw:"{word}"'),
        (r"/(?=.*[\\\[.?*+|])(?P<a>.+)/", _BARE, "slashes make no expression", 'write regex:"{a}"'),
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
    if kind in _OF_KIND:
        ours = next(
            (flag for begin, flag in _KINDS.items() if value.lower().startswith(begin)), "is:reply or has:media"
        )
    elif ours == "url" and kind.startswith("http"):
        ours = f"url:{value.strip('/')} for posts at this address"
    elif ours == "platform":
        ours = "platform:x, platform:facebook and so on"
    elif ours in _CODES and not re.fullmatch("[A-Za-z]{2}", value.strip('"')):
        return f"write {ours}:{_CODES[ours]}, or another code of two letters"
    elif ours and ":" not in ours:
        parts = [value] if '"' in value else [part for part in value.split(",") if part] or [""]
        ours = " OR ".join(f"{ours}:{_value(ours, part)}" for part in parts)
    negated = "NOT " if ":" in ours and value.lower() in ("false", "no") else ""
    return f"write {negated}{ours}" if ours else ""


def _value(field: str, value: str) -> str:
    """Return `value` as our field takes it.

    >>> _value("site", '"https://www.a.example/b"'), _value("followers", "<500")
    ('www.a.example', '<500')
    """
    bare = value.strip('"')
    if field == "followers":
        number = re.search(r"\d+", bare)
        sign = re.match("[<>]=?", bare)
        return f"{sign[0] if sign else '>'}{number[0] if number else 1000}"
    if field == "site":
        return re.sub(r"^(?:https?://)?(?:\*\.)?|/.*", "", bare) or "…"
    return value or "…"


def distance_hint(written: str) -> str:
    """Return how a distance is written here that goes one way only elsewhere.

    >>> distance_hint("NEAR/2f")
    'write ONEAR/2'
    """
    found = re.fullmatch(r"O?NEAR/(\d+)f", written)
    return f"write ONEAR/{found[1]}" if found else ""


def misread(tokens: list[Token]) -> Iterator[Hint]:
    """Yield where something is read as words that is an operator elsewhere, at most once for each token."""
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        told = None
        if token.type == "WORD" and (_between(before, after) or not _JOINING.fullmatch(token)):
            told = _word(token, before)
        elif token.type == "PHRASE" and (inner := _inner(token)):
            what, why = f"{inner[0]} is a word within quotation marks", "they make a phrase of all that stands in them"
            told = Hint(_column(token) + inner.start(), what, why, "put each part in quotation marks of its own")
        if told is None and before is not None and _touch(before, token):
            told = _touching(before, token)
        if told is not None:
            yield told


def _between(before: Token | None, after: Token | None) -> bool:
    """Tell whether something to look for stands on both sides, so that what stands there may be meant to join it."""
    if before is None or after is None:
        return False
    return before.type not in (*_JOINS, "_OPEN") and after.type not in (*_JOINS[:2], "DISTANCE", "_CLOSE")


def _inner(phrase: Token) -> re.Match[str] | None:
    """Return an operator within a phrase; in one that is all in capitals, such as a slogan, only a distance is one."""
    found = _INNER.search(phrase)
    return found if found and ("/" in found[0] or not phrase.isupper()) else None


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
        hint = field_hint(before.removeprefix("BY_").removeprefix("IN_"), "")
        if not hint and "_" not in before:
            return None
        what, why = f"{before}( is no operator", f"{before} is searched for as a word beside what stands in ( )"
        return Hint(_column(before), what, why, hint or "write a field such as lang:de, or a space before the (")
    if before.type == "PHRASE" and token.type == "WORD" and token[0].isalnum():
        what, why = "a quotation mark stands within a word", "the phrase ends or begins there"
        return Hint(_column(token), what, why, "write quotation marks around the whole, and none within")
    return None


def mixed(tokens: list[Token]) -> Iterator[Hint]:
    """Yield where of alternatives without parentheses only some ask for more than one thing: tools read that apart."""
    levels: list[list[int]] = [[0]]
    words = {_column(token) for token in tokens if token.type == "WORD"}
    for before, token in zip([None, *tokens, None], [*tokens, None], strict=False):
        if token is None or token.type == "_CLOSE":
            alternatives = levels.pop()
            if not all(alternatives) and any(alternatives):
                what, why = "only one of the alternatives asks for this too", "OR binds least, as in a OR (b AND c)"
                at = next(filter(None, alternatives))
                do = "put parentheses around what is meant"
                yield Hint(at, what, why, f"{do}, or quotation marks around a name" if at in words else do)
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
