"""Mails as they come, read as a head and the two texts that people see; whatever is broken in them is made do with.

Only what we need is read: the first plain text and the first HTML of the mail itself, never of an attachment or of
another mail that is forwarded in it.
"""

import binascii
import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from schemas.errors import InvalidMessage

MOST_PARTS = 20
"""More parts inside each other, or beside, than any program writes: reading them costs their product."""
LONGEST_TEXT = 524_288
LONGEST_ID = 500
_STRANGE = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
"""Encodings that Python knows and no mail is written in; some of them are slow on purpose-made input."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a mail says of itself. `sender` is empty where it does not name exactly one; `date` may be missing."""

    message_id: str
    sender: str
    name: str
    subject: str
    date: datetime | None
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says: its plain text and its HTML, either of which may be empty."""

    text: str
    html: str


def read_head(raw: bytes) -> Head:
    """Return the head of a mail; `raw` may end anywhere after it."""
    head, _, _ = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = tuple(_headers(message_from_bytes(head)))

    def all_of(wanted: str) -> list[str]:
        return [value for name, value in headers if name.lower() == wanted]

    senders = _addresses(all_of("from"))
    name, address = senders[0] if len(senders) == 1 else ("", "")
    written = " ".join(next(iter(all_of("message-id")), "").split()).strip("<> ")
    return Head(
        message_id=_name(written) if written else _hash(head),
        sender=address.lower() if address.count("@") == 1 else "",
        name=_decode(name),
        subject=_decode(_unfold(next(iter(all_of("subject")), ""))),
        date=_date(next(iter(all_of("date")), "")),
        headers=headers,
    )


def read_body(raw: bytes) -> Body:
    """Return the texts of a mail, of which the end may be missing.

    Raises:
        InvalidMessage: `too-nested`: it is made of more parts than any mail.
    """
    if raw.lower().count(b"boundary=") > MOST_PARTS:
        raise InvalidMessage("too-nested", f"the mail has more than {MOST_PARTS} boundaries")
    found: dict[str, str] = {}
    for part in _parts(message_from_bytes(raw)):
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            found.setdefault(kind, _text(part))
    return Body(found.get("text/plain", ""), found.get("text/html", ""))


def _parts(message: "Message[str, str]") -> Iterator["Message[str, str]"]:
    """Yield the parts that are no containers, in order; a mail inside the mail is one we do not open."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        # not of a text: Python decodes it then, and fails where its letters have a name with a NUL in it
        payload = part.get_payload() if part.is_multipart() else None
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += [inner for inner in reversed(payload) if isinstance(inner, Message)]
        elif not isinstance(payload, list):
            yield part


def _text(part: "Message[str, str]") -> str:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, binascii.Error):
        return ""
    if not isinstance(data, bytes):
        return ""
    return _from_bytes(data[: 4 * LONGEST_TEXT], str(part.get_content_charset() or ""))[:LONGEST_TEXT]


def _addresses(written: list[str]) -> list[tuple[str, str]]:
    """Return names and addresses; none where comments stand inside each other deeper than Python can follow."""
    try:
        return getaddresses([_unfold(value) for value in written])
    except RecursionError:
        return []


def _headers(message: "Message[str, str]") -> Iterator[tuple[str, str]]:
    for name, value in message.raw_items():
        yield name, _from_bytes(str(value).encode("utf-8", "surrogateescape"), "utf-8")


def _unfold(value: str) -> str:
    return " ".join(value.splitlines()).strip()


def _decode(value: str) -> str:
    """Return a header's text with its encoded words read, whatever they are encoded in."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return value.strip()
    texts = [_from_bytes(part, charset or "utf-8") if isinstance(part, bytes) else part for part, charset in parts]
    return " ".join("".join(texts).split())


def _from_bytes(data: bytes, charset: str) -> str:
    """Return the text of `data`; what calls itself by a wrong or unknown name is UTF-8, else what Windows writes."""
    try:
        known = codecs.lookup(charset).name if charset else "utf-8"
        usual = "cp1252" if known in ("iso8859-1", "ascii") else known
        return data.decode("utf-8" if known in _STRANGE else usual)
    except (LookupError, UnicodeError, ValueError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # cut off in the middle of a letter, as a long mail is
        cut = error.reason == "unexpected end of data"
        return data[: error.start].decode() if cut else data.decode("cp1252", "replace")


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(_unfold(value))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _name(written: str) -> str:
    return written if len(written) <= LONGEST_ID else _hash(written.encode())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
