"""What a field of a query means: `name:value`, and what is wrong with it if it means nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import re2

from pipeline.normalize import clean, fold
from pipeline.query.error import QueryError
from pipeline.query.foreign import KNOWN, field_hint
from pipeline.query.leaf import QUOTES, read_phrase, read_term, read_word
from pipeline.query.spelling import spelling
from pipeline.query.tree import Comparison, Field, Leaf, Part, Pattern, Phrase, Raw, Tag, Word
from schemas.duration import parse_duration
from schemas.event import PLATFORM_ALIASES

MAX_EXPRESSION = 500
MAX_PROGRAM = 1 << 20
"""Bytes that the compiled form of a regular expression may take."""

FLAGS = {"is": ("reply", "repost", "verified", "question"), "has": ("link", "media")}
_FLAGS_ELSEWHERE = {"retweet": "repost", "rt": "repost", "nativeretweets": "repost", "links": "link", "url": "link"}
_FLAGS_ELSEWHERE |= dict.fromkeys(("image", "images", "photo", "photos", "video", "videos", "pics"), "media")
_NUMBERS = ("followers", "engagement", "age")
_EXAMPLES = {
    "author": 'author:"Deutsche Bahn"',
    "site": "site:spiegel.de",
    "url": "url:/wirtschaft/",
    "lang": "lang:de",
    "country": "country:AT",
    "platform": "platform:x",
    "hashtag": "hashtag:bahnstreik",
    "mention": "mention:db_presse",
    "title": 'title:"Deutsche Bahn"',
    "is": "is:reply",
    "has": "has:link",
    "followers": "followers:>10000",
    "engagement": "engagement:>=50",
    "age": "age:<2h",
    "raw": 'raw:"Google+"',
    "regex": r'regex:"\bICE \d+\b"',
    "part": "part:Bahn",
}
FIELDS = tuple(_EXAMPLES)

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SITE = re.compile(r"[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+")
_COMPARED = re.compile(r"(>=|<=|>|<|=)(.+)")
_GENDERED = re.compile(r"[Ii]n(nen)?")


def read_field(written: str, column: int, exceptions: tuple[str, ...] = ()) -> Leaf:
    """Return what `name:value` asks for; `exceptions` are the words behind EXCEPT."""
    name, _, value = written.partition(":")
    value_column = column + len(name) + 1
    kind = name.lower()
    if kind not in _EXAMPLES and _GENDERED.fullmatch(value):
        return Phrase(read_word(name + value.lower(), column).ways, written, column=column)
    if kind not in _EXAMPLES:
        near = get_close_matches(kind, FIELDS, n=1) if kind not in KNOWN else []
        meant = field_hint(name, value) or (f"did you mean {near[0]}:?" if near else "")
        itself = f'to search for the text itself, write "{written.replace(chr(34), "")}" in quotation marks'
        hint = f"{meant}; {itself}" if meant else itself
        raise QueryError(f"there is no field {name}:", column=column, expected=_listed(FIELDS), hint=hint)
    quoted = value[:1] in QUOTES and value != ""
    bare = value.strip(QUOTES) if quoted else value
    if not bare.strip():
        expected = f"a value right after {name}:"
        hint = f"as in {_EXAMPLES[kind]}, without a space; of several each has its own: {kind}:a OR {kind}:b"
        raise QueryError(f"{name}: has no value", column=value_column, expected=expected, hint=hint)
    return _READERS[kind](_Given(kind, bare, quoted, written, column, value_column, exceptions))


@dataclass(frozen=True, slots=True)
class _Given:
    """A field as it stands in a query; `value` without its quotes, which begins at column `at`."""

    kind: str
    value: str
    quoted: bool
    written: str
    column: int
    at: int
    exceptions: tuple[str, ...]

    def field(self, value: str, *, prefix: bool = False) -> Field:
        return Field(self.kind, value, prefix, self.written, self.column)

    def wrong(self, what: str, expected: str, hint: str = "") -> QueryError:
        return QueryError(f"{self.value} is {what}", column=self.at, expected=expected, hint=hint)


def comparable_name(name: str) -> str:
    """Return an author's name or id as it is compared: folded, and without the sign of a handle."""
    return fold(clean(name)).removeprefix("@")


def _author(given: _Given) -> Field:
    prefix = given.value.endswith("*") and not given.quoted
    name = comparable_name(given.value.removesuffix("*") if prefix else given.value)
    if not name or (not given.quoted and "*" in name):
        message, expected = f"author:{given.value} names nobody", "a name or id, or its beginning and *"
        raise QueryError(message, column=given.at, expected=expected)
    return given.field(name, prefix=prefix)


def _language(given: _Given) -> Field:
    code = given.value.lower()
    if not _LANGUAGE.fullmatch(code):
        hint = "de is German, en English, fr French"
        raise given.wrong("no language code", "two letters (ISO 639-1)", hint)
    return given.field(code)


def _country(given: _Given) -> Field:
    if not _COUNTRY.fullmatch(given.value):
        hint = "DE is Germany, AT Austria, CH Switzerland"
        raise given.wrong("no country code", "two letters (ISO 3166-1)", hint)
    return given.field(given.value.upper())


def _platform(given: _Given) -> Field:
    name = given.value.strip().lower()
    name = PLATFORM_ALIASES.get(name, name)
    if not _PLATFORM.fullmatch(name):
        raise given.wrong("no platform", "a name such as x, facebook or linkedin")
    return given.field(name)


def _site(given: _Given) -> Field:
    host = re.sub(r"^(?:https?://)?(?:www\.)?|/$", "", given.value.lower().strip())
    if not _SITE.fullmatch(host):
        hint = "for a part of an address write url:" if "/" in host else ""
        raise given.wrong("no site", "a name such as spiegel.de", hint)
    return given.field(host)


def _url(given: _Given) -> Field:
    return given.field(given.value.lower())


def _tag(given: _Given) -> Phrase:
    sign = "#" if given.kind == "hashtag" else "@"
    term = read_term(sign + given.value.lstrip("#@＃＠"))
    if not isinstance(term, Tag) or not re.fullmatch(r"[#@][\w*?]*[^\W_][\w*?]*", term.pattern):
        raise given.wrong(f"no {given.kind}", "letters, digits and underscores")
    return Phrase(((term,),), given.written, column=given.column)


def _title(given: _Given) -> Phrase:
    phrase = read_phrase(f'"{given.value}"', given.at - (not given.quoted), title=True, shown=given.written)
    assert isinstance(phrase, Phrase)
    return phrase


def _flag(given: _Given) -> Field:
    flags, value = FLAGS[given.kind], given.value.lower()
    if value not in flags:
        near = [_FLAGS_ELSEWHERE[value]] if value in _FLAGS_ELSEWHERE else get_close_matches(value, flags, n=1)
        hint = f"did you mean {given.kind}:{near[0]}?" if near else ""
        raise given.wrong(
            f"nothing that {given.kind}: knows", " or ".join(f"{given.kind}:{one}" for one in flags), hint
        )
    return given.field(value)


def _comparison(given: _Given) -> Comparison:
    found = _COMPARED.fullmatch(given.value)
    unit = "a duration such as 2h" if given.kind == "age" else "a number such as 10000"
    if not found:
        raise given.wrong("no comparison", f">, >=, <, <= or = and {unit}", f"as in {_EXAMPLES[given.kind]}")
    sign, number = found.groups()
    try:
        value = parse_duration(number) if given.kind == "age" else float(int(number))
    except ValueError:
        raise given.wrong("no comparison", unit, f"as in {_EXAMPLES[given.kind]}") from None
    return Comparison(given.kind, sign, value, given.written, given.column)


def _raw(given: _Given) -> Raw:
    return Raw(clean(given.value), given.written, given.column)


def _pattern(given: _Given) -> Pattern:
    if len(given.value) > MAX_EXPRESSION:
        hint = "make several queries of it, or use words and wildcards"
        message = f"the regular expression has {len(given.value)} characters"
        raise QueryError(message, column=given.at, expected=f"at most {MAX_EXPRESSION}", hint=hint)
    try:
        compiled = compile_expression(given.value)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        hint = "look-around and back-references are left out on purpose: they cost more than a pass over the text"
        raise QueryError(f"the regular expression is not one of RE2: {said}", column=given.at, hint=hint) from None
    if compiled.search(""):
        raise given.wrong("an expression that finds nothing in every text", "one that needs a character")
    return Pattern(given.value, given.written, given.column)


def compile_expression(expression: str) -> "re2._Regexp[str]":
    """Return the compiled expression; searching costs one pass over the text, whatever the expression."""
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_PROGRAM, False
    return re2.compile(expression, options)


def _part(given: _Given) -> Phrase:
    term = read_term(given.value) if re.fullmatch(r"[^\W_]+", given.value) else None
    if not isinstance(term, Word):
        raise given.wrong("not one word", "the beginning of longer words, as in part:Bahn")
    if len(given.value) < 2:
        raise given.wrong("too short", "at least 2 letters")
    folded = fold(given.value)
    excepted = tuple(spelling(fold(one.strip(QUOTES + ",*"))) for one in given.exceptions)
    if "" in excepted:
        raise QueryError("EXCEPT names no word", column=given.column, expected="words such as Bahnhof")
    listed = " OR ".join(one.strip(",") for one in given.exceptions)
    listed = f"({listed})" if len(excepted) > 1 else listed
    written = f"{given.written} EXCEPT {listed}" if excepted else given.written
    return Phrase(((Part(term, folded, spelling(folded), excepted),),), written, column=given.column)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}:" for name in names[:-1]) + f" or {names[-1]}:"


_READERS: dict[str, Callable[[_Given], Leaf]] = {
    "author": _author,
    "site": _site,
    "url": _url,
    "lang": _language,
    "country": _country,
    "platform": _platform,
    "hashtag": _tag,
    "mention": _tag,
    "title": _title,
    "is": _flag,
    "has": _flag,
    "followers": _comparison,
    "engagement": _comparison,
    "age": _comparison,
    "raw": _raw,
    "regex": _pattern,
    "part": _part,
}
