"""What a person writes about a service that answers JSON, and what its answers mean by that: the pure part of `poller`.

Placeholders may stand in the address, its parameters and the headers: `{since}` is the time of the newest post,
`{page}` the number of the page, `{token}` what the page before told, `{secret.NAME}` a secret.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from agents.ingest.formats import jsonpath
from agents.ingest.formats.plaintext import plain
from agents.ingest.secret import Secret
from agents.ingest.source import Entry
from schemas.errors import InvalidMessage
from schemas.event import Post
from schemas.findings import nearest
from schemas.model import Duration, Written

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLAIN = frozenset({"since", "page", "token"})
_FIELDS = frozenset({"id", "time", "text", "title", "lang", "url", "in_reply_to", "repost_of", "quote_of", "country"})
_GROUPS = {"author": frozenset({"id", "name", "followers", "created"})}
_TIMES = frozenset({"time", "author.created"})
_NUMBERS = frozenset({"followers"})
LONGEST_TEXT = 200_000
LONGEST_ID = 500


class Pages(Written):
    """How the next page is asked for: by its address at `next`, by what stands at `token`, or by counting."""

    next: jsonpath.Written | None = None
    token: jsonpath.Written | None = None
    start: int | None = None
    step: Annotated[int, Field(ge=1)] = 1
    most: Annotated[int, Field(ge=1, le=1000)] = 10

    @model_validator(mode="after")
    def _one_way(self) -> "Pages":
        ways = [name for name in ("next", "token", "start") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError("say exactly one of `next`, `token` and `start`")
        return self


class Config(Entry):
    """See `agents/ingest/sources/poller.py`."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]")]
    params: dict[str, str] = {}
    headers: dict[str, str] = {}
    secrets: dict[str, Secret] = {}
    every: Annotated[Duration, Field(ge=1)] = 300.0
    pause: Duration = 1.0
    timeout: Duration = 30.0
    platform: Annotated[str, Field(pattern=r"^[a-z]+$")] = "web"
    items: jsonpath.Written = ""
    without_items: Literal["error", "none"] = "error"
    fields: dict[str, jsonpath.Written]
    time_format: Annotated[str, Field(min_length=1)] = "iso"
    since_format: Annotated[str, Field(min_length=1)] = "iso"
    first: Duration = 86_400.0
    overlap: Duration = 60.0
    pages: Pages | None = None
    html: bool = False
    edits: bool = False
    deleted: jsonpath.Written | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Config":
        for name in self.fields:
            group, _, inner = name.partition(".")
            known = _FIELDS if not inner else _GROUPS.get(group, frozenset())
            if name not in known and inner not in known and not (group == "metrics" and inner):
                names = [
                    *_FIELDS,
                    *(f"{one}.{each}" for one, many in _GROUPS.items() for each in many),
                    "metrics.likes",
                ]
                raise ValueError(f"`{name}` is no field of a post: {nearest(name, names, 'there are')}")
        if missing := [name for name in ("id", "time", "text") if name not in self.fields]:
            raise ValueError(f"`fields` must say where the {missing[0]} of a post is, as in `{missing[0]}: data.x`")
        for text in (self.url, *self.params.values(), *self.headers.values()):
            for word in _PLACEHOLDER.findall(text):
                kind, _, name = word.partition(".")
                if word not in _PLAIN and not (kind == "secret" and name in self.secrets):
                    words = [*_PLAIN, *(f"secret.{one}" for one in self.secrets)]
                    raise ValueError(f"{{{word}}} stands for nothing: {nearest(word, words, 'there are')}")
        return self

    @property
    def asks_since(self) -> bool:
        """Tell whether the service is asked only for what is new."""
        return any("{since}" in text for text in (self.url, *self.params.values()))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with its placeholders filled; one without a value is left out."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), ""), text)


def write_time(at: datetime, form: str) -> str:
    """Return `at` as a service wants it: `iso`, `unix`, `unix-ms` or a pattern such as `%Y%m%d%H%M%S` (UTC).

    >>> noon = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    >>> [write_time(noon, form) for form in ("iso", "unix", "unix-ms", "%Y%m%d")]
    ['2026-11-27T12:00:00Z', '1795780800', '1795780800000', '20261127']
    """
    match form:
        case "iso":
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "unix":
            return str(int(at.timestamp()))
        case "unix-ms":
            return str(int(at.timestamp() * 1000))
        case _:
            return at.strftime(form)


def read_time(value: Any, form: str) -> datetime:
    """Return the time that a service wrote; without a zone it is UTC.

    Raises:
        ValueError: it is none in that form.
    """
    try:
        match form:
            case "iso":
                at = datetime.fromisoformat(str(value))
            case "unix" | "unix-ms":
                at = datetime.fromtimestamp(float(value) / (1000 if form == "unix-ms" else 1), UTC)
            case _:
                at = datetime.strptime(str(value), form)  # noqa: DTZ007 - the zone is set below where there is none
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (TypeError, OverflowError, OSError) as error:
        raise ValueError(f"{type(error).__name__}") from None


@dataclass(frozen=True, slots=True)
class Places:
    """The places of a configuration, read once."""

    items: jsonpath.Place
    fields: Mapping[str, jsonpath.Place]
    deleted: jsonpath.Place | None


def mapping(config: Config) -> Places:
    """Return where in the answers of a service everything is."""
    fields = {name: jsonpath.parse(written) for name, written in config.fields.items()}
    deleted = jsonpath.parse(config.deleted) if config.deleted else None
    return Places(jsonpath.parse(config.items), fields, deleted)


def items_in(answer: Any, places: Places) -> list[Any] | None:
    """Return the items of an answer, or None where it has none of the shape that was written."""
    found = places.items.all(answer)
    if len(found) == 1 and isinstance(found[0], list):
        return list(found[0])
    several = None in next((one for one in places.items.alternatives if isinstance(one, tuple)), ())
    return found if several or found else None


def post_of(item: Any, config: Config, places: Places) -> Post:
    """Return the post that an item is.

    Raises:
        InvalidMessage: `wrong-type`: a field is missing or not what it should be; the detail names it.
    """
    values: dict[str, Any] = {"platform": config.platform}
    for name, place in places.fields.items():
        value = _value(name, place.first(item), config)
        if value is not None:
            group, _, inner = name.partition(".")
            (values.setdefault(group, {}) if inner else values)[inner or group] = value
    try:
        return Post.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidMessage("wrong-type", f"`{field}`: {first['msg']}") from None


def _value(name: str, value: Any, config: Config) -> Any:
    """Return a value as a post wants it.

    Raises:
        InvalidMessage: `wrong-type`: it is a time or a number that cannot be read.
    """
    if value is None or isinstance(value, dict | list):
        return None
    last = name.rpartition(".")[2]
    try:
        if name in _TIMES:
            return read_time(value, config.time_format)
        if name.startswith("metrics.") or last in _NUMBERS:
            return int(value) if last in _NUMBERS else float(value)
    except (ValueError, OverflowError):
        how = f", not of the form {config.time_format!r}" if name in _TIMES else ", not a number"
        raise InvalidMessage("wrong-type", f"`{name}` is {type(value).__name__}{how}") from None
    if last == "id" and len(str(value)) > LONGEST_ID:
        return hashlib.sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    text = str(value)
    if name in ("text", "title"):
        return (plain(text) if config.html else text)[:LONGEST_TEXT]
    return text


def hash_of(value: Any) -> str:
    """Return by what a content is told from another: the order of fields says nothing."""
    told = json.dumps(value, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def known_of(cursor: Iterable[str]) -> dict[str, str]:
    """Return what a cursor remembers: hashes of contents by hashes of ids, oldest first."""
    pairs = (one.partition(":") for one in cursor)
    return {name: content for name, _, content in pairs if name and content}
