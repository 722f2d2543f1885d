"""What Meta's platforms have in common: signatures, the handshake, the shapes of a notification, and usage limits."""

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from agents.ingest.platforms.payload import group, load, name, rows
from schemas.errors import ConfigError, FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Edit, Event

SIGNATURE_HEADER = "X-Hub-Signature-256"
SLOW_AT, STOP_AT = 75.0, 95.0
"""From which share of a limit, in per cent, we ask more slowly, and from which not at all."""
SLOWEST = 60.0
REGAIN = 3600.0
"""How long to wait where a limit is reached and nothing says for how long."""


class Ignored(StrEnum):
    """Why something that arrived is no event."""

    REACTION = "reaction"
    MESSAGE = "private-message"
    OWN = "own-post"
    FIELD = "other-field"
    ITEM = "other-item"
    VERB = "other-verb"
    NAMELESS = "no-id"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a notification: to which `object` it is, whose (`owner`: a page, an account), and what."""

    object: str
    owner: str
    field: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unread:
    """Something of which only the id is known, to be read: a `post`, a `comment`, or what mentions an account.

    `about` is the post that a comment belongs to, where that is known; `edited` when it is told of not for the
    first time.
    """

    item: str
    id: str
    about: str = ""
    edited: bool = False


Meaning = Event | Edit | Deletion | Unread | Ignored


def sign(secret: bytes, body: bytes) -> str:
    """Return the signature of a notification as its header carries it."""
    return "sha256=" + hmac.new(secret, body, sha256).hexdigest()


def trusted(secrets: tuple[bytes, ...], header: str, body: bytes) -> bool:
    """Tell whether `header` is the signature of the raw `body` by one of our secrets; takes the same time whichever."""
    given = header.strip().encode("utf-8", "replace")
    fits = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets]
    return any(fits)


def proof(secret: bytes, token: str) -> str:
    """Return `appsecret_proof`: that whoever uses a token also has the app's secret."""
    return hmac.new(secret, token.encode(), sha256).hexdigest()


def challenged(query: Mapping[str, str], verify_token: str) -> str | None:
    """Return what answers Meta's verification of our address, or None where it is not Meta asking."""
    given, challenge = query.get("hub.verify_token", ""), query.get("hub.challenge", "")
    fits = hmac.compare_digest(given.encode("utf-8", "replace"), verify_token.encode())
    if query.get("hub.mode") != "subscribe" or not fits or not challenge or len(challenge) > 500:
        return None
    return challenge


def changes(payload: Any) -> Iterator[Change | Ignored]:
    """Yield the changes of a notification, in whichever of its shapes it comes.

    Known are `entry[].changes[]`, an entry that is itself a `field` with its `value`, the same as `values` (Threads)
    or without an entry (the console's test), and `entry[].messaging[]`, which are private messages and none of ours.
    """
    kind = name(group(payload), "object")
    entries = rows(payload, "entry") or ([payload] if isinstance(payload, dict) else [])
    for entry in entries:
        owner = name(group(entry), "id", "target_id")
        for _ in (*rows(entry, "messaging"), *rows(entry, "standby")):
            yield Ignored.MESSAGE
        flat = group(entry, "values") or group(entry)
        found = rows(entry, "changes") or rows(entry, "values") or ([flat] if "field" in flat else [])
        for change in found:
            field, value = group(change).get("field"), group(change, "value")
            if isinstance(field, str):
                yield Change(kind, owner, field, value)


def read_signed_request(secrets: tuple[bytes, ...], signed: str) -> Mapping[str, Any]:
    """Return what a `signed_request` holds, such as the `user_id` of somebody who wants to be forgotten.

    Raises:
        InvalidMessage: it is not signed by Meta with one of our secrets, or holds no user.
    """
    written, _, body = signed.partition(".")
    given = _decode(written)
    fits = [hmac.compare_digest(hmac.new(secret, body.encode(), sha256).digest(), given) for secret in secrets]
    if not any(fits):
        raise InvalidMessage("wrong-signature", "the request is not signed with the app's secret")
    found = group(load(_decode(body)))
    if str(found.get("algorithm", "")).upper() != "HMAC-SHA256" or not name(found, "user_id"):
        raise InvalidMessage("wrong-type", "the request names no user_id, or another algorithm")
    return found


def confirmation(secret: bytes, user: str) -> str:
    """Return the code that stands for a request to be forgotten: the same for the same user, and not to be guessed."""
    return hmac.new(secret, b"deletion\n" + user.encode(), sha256).hexdigest()[:20]


def _decode(written: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(written.encode("ascii", "replace") + b"=" * (-len(written) % 4))
    except (binascii.Error, ValueError):
        return b""


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of its limits an app has used, in per cent; `regain` is after how many seconds it may ask again."""

    percent: float = 0.0
    regain: float = 0.0

    @property
    def pause(self) -> float:
        """How long to wait before the next request: longer the nearer the limit is."""
        return SLOWEST * max(0.0, min(1.0, (self.percent - SLOW_AT) / (STOP_AT - SLOW_AT)))

    @property
    def stop(self) -> float:
        """For how many seconds nothing is to be asked; 0 where there is no need to."""
        return (self.regain or REGAIN) if self.percent >= STOP_AT else 0.0


def usage(headers: Mapping[str, str]) -> Usage:
    """Return the highest usage that the headers of an answer tell; what cannot be read tells nothing.

    `X-App-Usage` is one group of percentages, `X-Business-Use-Case-Usage` a list of them for each business.
    """
    lower = {key.lower(): value for key, value in headers.items()}
    groups = [_loaded(lower.get("x-app-usage")), _loaded(lower.get("x-page-usage"))]
    groups += [
        one for found in _loaded(lower.get("x-business-use-case-usage")).values() if isinstance(found, list)
        for one in found
    ]  # fmt: skip
    percent = regain = 0.0
    for one in groups:
        for field in ("call_count", "total_time", "total_cputime"):
            percent = max(percent, _number(group(one).get(field)))
        minutes = _number(group(one).get("estimated_time_to_regain_access"))
        if minutes > 0:
            percent, regain = max(percent, 100.0), max(regain, minutes * 60)
    return Usage(percent, regain)


def _loaded(header: str | None) -> Mapping[str, Any]:
    try:
        return group(load((header or "{}").encode()))
    except InvalidMessage:
        return {}


def _number(value: Any) -> float:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53
    return float(value) if sound else 0.0


_TOKEN = frozenset({102, 190, 463, 467})
_BUSY = frozenset({4, 17, 32, 341, 368, 613})
_TROUBLE = frozenset({1, 2})
_GONE = (100, 33)
"""Code and subcode of what is not there, or not for us: most often it was deleted meanwhile."""
NOT_THERE = 404


def refusal(body: Any, status: int, used: Usage) -> SourceError | ConfigError:
    """Return what an answer that is an error means. Meta says it by a code of its own, mostly with status 400.

    The error tells the code and never the sentence beside it, which may repeat a token.
    """
    error = group(body, "error")
    code, subcode = int(_number(error.get("code"))), int(_number(error.get("error_subcode")))
    if code in _TOKEN:
        hint = "it has expired or was taken back: get a new one in the app's dashboard"
        return ConfigError(f"the access token is not valid (code {code})", hint=hint)
    if code in {3, 10} or 200 <= code < 300:
        hint = "`earshot sources test` says which one; the app asks for it in App Review"
        return ConfigError(f"the token lacks a permission (code {code})", hint=hint)
    if code in _BUSY or 80_000 <= code < 80_100 or status == 429:
        wait = used.regain or REGAIN
        return SourceError(f"Meta asks for a pause (code {code})", wait, kind=FailureKind.RATE_LIMITED, status=status)
    if (code, subcode) == _GONE or status == NOT_THERE:
        return SourceError("it is not there, or not for us", kind=FailureKind.REFUSED, status=NOT_THERE)
    kind = FailureKind.SERVER if status >= 500 or code in _TROUBLE else FailureKind.REFUSED
    return SourceError(f"Meta answers {status} (code {code})", kind=kind, status=status)
