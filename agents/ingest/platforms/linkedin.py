"""What LinkedIn's notifications and posts mean, and how it signs.

LinkedIn lets nobody keep what members wrote for longer than 48 hours, or who they are for longer than 24. So a member
is known here by a pseudonym only, which LinkedIn's own id cannot be told from; an organisation keeps its URN.
"""

import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from agents.ingest.platforms.payload import group, moment, name, rows, text
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.event import Author, Deletion, Edit, Event

PLATFORM = "linkedin"
SIGNATURE_HEADER = "X-LI-Signature"
PREFIX = "hmacsha256="
ACTIONS = ("COMMENT", "SHARE", "SHARE_MENTION", "ADMIN_COMMENT", "COMMENT_EDIT", "COMMENT_DELETE")
"""What is asked for. LIKE and the like carry no words."""


LONGEST_SAID = 20_000
"""Characters of a post that are read; LinkedIn itself cuts at 3,000."""


class Ignored(StrEnum):
    """Why a notification is no event."""

    REACTION = "reaction"
    OWN = "own-post"
    ACTION = "other-action"
    NAMELESS = "no-id"


@dataclass(frozen=True, slots=True)
class Unread:
    """A post of which only the URN is known, and when the organisation was mentioned in it."""

    urn: str
    at: datetime | None


Meaning = Event | Edit | Deletion | Unread | Ignored


def challenge(secret: bytes, code: str) -> dict[str, str]:
    """Return what answers LinkedIn's check of our address, which it repeats every two hours."""
    return {"challengeCode": code, "challengeResponse": hmac.new(secret, code.encode(), sha256).hexdigest()}


def sign(secret: bytes, body: bytes) -> str:
    """Return the signature of a notification; the prefix belongs to what is signed."""
    return hmac.new(secret, PREFIX.encode() + body, sha256).hexdigest()


def trusted(secrets: tuple[bytes, ...], header: str, body: bytes) -> bool:
    """Tell whether `header`, with the prefix or without, is the signature of the raw `body` by one of our secrets."""
    given = header.strip().removeprefix(PREFIX).lower().encode("utf-8", "replace")
    fits = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets]
    return any(fits)


def pseudonym(key: bytes, urn: str) -> str:
    """Return the name under which a member is known here: always the same, and LinkedIn's id cannot be told from it."""
    return "member-" + hmac.new(key, f"{PLATFORM}|{urn}".encode(), sha256).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one `source`, at `seen`; `key` makes pseudonyms, `own` is the URN of the organisation itself."""

    source: str
    seen: datetime
    key: bytes
    own: str

    def notification(self, node: Any) -> Meaning:
        """Return what a notification means, from pull and push alike. Unknown actions are nothing, never an error."""
        value = group(node)
        action = text(value, "action")
        if action in {"LIKE", "REACTION", "REACTION_DELETE"}:
            return Ignored.REACTION
        at = moment(value.get("lastModifiedAt"))
        if action == "COMMENT_DELETE":
            identity = _identity(value, group(value, "decoratedGeneratedActivity", "comment"))
            if not identity:
                return Ignored.NAMELESS
            return Deletion(source=self.source, seen=self.seen, platform=PLATFORM, id=identity)
        if action in {"COMMENT", "ADMIN_COMMENT", "COMMENT_EDIT", "COMMENT_MENTION"}:
            return self._comment(value, at, action)
        if action in {"SHARE", "SHARE_MENTION"}:
            return self._share(value, at)
        return Ignored.ACTION

    def post(self, node: Any, at: datetime | None = None) -> Event | Ignored:
        """Return the post that `/rest/posts/{urn}` gave."""
        value = group(node)
        urn, owner = name(value, "id"), name(value, "author")
        if not urn:
            return Ignored.NAMELESS
        if owner == self.own:
            return Ignored.OWN
        time = moment(value.get("publishedAt")) or moment(value.get("createdAt")) or at or self.seen
        event = self._event(urn, time, plain(text(value, "commentary")), owner, urn)
        return _sharing(event, name(group(value, "reshareContext"), "parent", "root"))

    def _comment(self, value: Mapping[str, Any], at: datetime | None, action: str) -> Meaning:
        comment = group(value, "decoratedGeneratedActivity", "comment")
        identity, owner = _identity(value, comment), name(comment, "owner", "actor")
        if not identity:
            return Ignored.NAMELESS
        if owner == self.own or action == "ADMIN_COMMENT":
            return Ignored.OWN
        about = name(value, "sourcePost") or name(comment, "object")
        said = plain(text(comment, "text") or text(group(comment, "message"), "text"))
        event = self._event(identity, at or self.seen, said, owner, about, about or None)
        return Edit.model_validate({**dict(event), "type": "edit"}) if action == "COMMENT_EDIT" else event

    def _share(self, value: Mapping[str, Any], at: datetime | None) -> Meaning:
        share = group(value, "decoratedGeneratedActivity", "share")
        urn = name(share, "entity") or name(value, "generatedActivity")
        if not urn:
            return Ignored.NAMELESS
        said, owner = plain(text(share, "text")), name(share, "owner")
        if owner == self.own:
            return Ignored.OWN
        if not said:
            return Unread(urn, at)
        source = name(value, "sourcePost")
        return _sharing(self._event(urn, at or self.seen, said, owner, urn), source)

    def _event(
        self, identity: str, time: datetime, said: str, owner: str, about: str, parent: str | None = None
    ) -> Event:  # fmt: skip
        return Event(
            platform=PLATFORM,
            id=identity,
            time=time,
            text=said,
            author=self._author(owner),
            url=f"https://www.linkedin.com/feed/update/{about}" if about else None,
            in_reply_to=parent,
            source=self.source,
            seen=self.seen,
        )

    def _author(self, urn: str) -> Author | None:
        if not urn:
            return None
        return Author(id=urn if urn.startswith("urn:li:organization:") else pseudonym(self.key, urn))


def _sharing(event: Event, post: str) -> Event:
    """Return the event as one that shares `post`: with words of its own it is a quote."""
    if not post or post == event.id:
        return event
    return event.model_copy(update={"quote_of" if event.text.strip() else "repost_of": post})


def notifications(payload: Any) -> Iterator[tuple[str, Any]]:
    """Yield each notification of a delivery once, with its id (`notificationId`, or what else it is known by)."""
    seen: set[str] = set()
    for node in rows(payload, "notifications") or rows(payload, "elements"):
        value = group(node)
        known = name(value, "notificationId") or "|".join(
            (text(value, "action"), name(value, "generatedActivity"), str(value.get("lastModifiedAt"))[:40])
        )
        known = "_".join(known.split())
        if known not in seen:
            seen.add(known)
            yield known, node


def _identity(value: Mapping[str, Any], comment: Mapping[str, Any]) -> str:
    """Return the URN of a comment, in one form: sometimes the activity in it is written out, sometimes not."""
    urn = name(comment, "entity") or name(value, "generatedActivity")
    return urn.replace("urn:li:comment:(urn:li:", "urn:li:comment:(", 1)


_ELEMENT = re.compile(r"@\[((?:[^\]\\]|\\.){0,500})\]\(urn:li:[^)\s]{1,200}\)|\{hashtag\|(?:\\?#)\|([^}|]{1,200})\}")
_ESCAPED = re.compile(r"\\([|{}@\[\]()<>#\\*_~])")


def plain(commentary: str) -> str:
    r"""Return the text a reader sees of LinkedIn's own notation: mentions by name without their ids, hashtags, signs.

    >>> plain(r"Danke @[Nordbahn AG](urn:li:organization:7) \(wirklich\) {hashtag|\#|bahn}")
    'Danke Nordbahn AG (wirklich) #bahn'
    """
    written = commentary[:LONGEST_SAID]
    shown = _ELEMENT.sub(lambda found: found[1] if found[1] is not None else f"#{found[2]}", written)
    return _ESCAPED.sub(r"\1", shown)


def asking(organization: str, start: datetime, end: datetime, page: tuple[int, int]) -> str:
    """Return the path that asks for what happened from `start` to `end`; `page` is from which one on, and how many."""
    entity = quote(organization, safe="")
    first, many = page
    return (
        f"/rest/organizationalEntityNotifications?q=criteria&actions=List({','.join(ACTIONS)})"
        f"&organizationalEntity={entity}&timeRange=(start:{_milliseconds(start)},end:{_milliseconds(end)})"
        f"&start={first}&count={many}"
    )


def subscription(application: str, member: str, organization: str) -> str:
    """Return the path of the subscription by which LinkedIn tells us what happens."""
    keys = {"developerApplication": f"urn:li:developerApplication:{application}", "user": member}
    keys |= {"entity": organization, "eventType": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"}
    written = ",".join(key + ":" + quote(value, safe="") for key, value in keys.items())
    return f"/rest/eventSubscriptions/({written})"


def refusal(status: int, body: Any, version: str) -> SourceError | ConfigError:
    """Return what an answer that is an error means; nothing of the body but its code is repeated."""
    code = text(group(body), "code")[:60]
    if status == 426 or "VERSION" in code:
        return ConfigError(
            f"LinkedIn no longer speaks version {version} of its interface ({status})",
            hint="set `version` to a current one (YYYYMM): each lives about a year",
        )
    if status in (401, 403):
        # it comes right by itself when the grant does, so it is asked again
        reason = "the grant of the member is gone" if status == 401 else "the member may not see the organisation"
        hint = "an administrator of the page must be one still, and grant the app access anew"
        return SourceError(f"{reason} ({status}): {hint}", 3600.0, kind=FailureKind.REFUSED, status=status)
    if status == 429:
        return SourceError("LinkedIn asks for a pause (429)", kind=FailureKind.RATE_LIMITED, status=status)
    kind = FailureKind.SERVER if status >= 500 else FailureKind.REFUSED
    return SourceError(f"LinkedIn answers {status}", kind=kind, status=status)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
