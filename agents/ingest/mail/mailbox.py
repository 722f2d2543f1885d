"""A mailbox by IMAP, read without leaving a trace: nothing is marked, moved or deleted.

Blocking, as the library is: its owner calls it from a thread, and `interrupt` from another wakes whatever it waits for.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, Self

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from schemas.errors import ConfigError, FailureKind, SourceError

HEAD_BYTES = 65_536
LOGIN_SECONDS = 10.0
LEAVING_SECONDS = 3.0
LONGEST_IDLE = 1500.0
"""Seconds after which IDLE is begun anew: servers may hang up after half an hour (RFC 2177)."""
_PASSING = ("UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA")
"""Response codes (RFC 5530) with which a server refuses somebody for a while."""
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)", re.IGNORECASE)
_ARRIVED = re.compile(rb'INTERNALDATE "([^"]+)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Access:
    """How a mailbox is reached; `ca_file` is whom to trust beside the system's authorities."""

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    username: str
    password: str
    folder: str
    ca_file: str = ""
    oauth: bool = False

    def __repr__(self) -> str:
        return f"Access({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail or its beginning: `size` is that of all of it, `arrived` when the server got it."""

    uid: int
    raw: bytes
    size: int
    arrived: datetime


class Mailbox:
    """One folder, opened read-only. A context manager; what it raises is `SourceError` or `ConfigError`."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._box: BaseMailBox | None = None
        self.validity = 0
        self._next = 0
        self.can_idle = False

    def __enter__(self) -> Self:
        with failures():
            self._box = self._connect()
            self._log_in(self._box)
            # asked again: some servers tell more to whom they know
            self.can_idle = b"IDLE" in b" ".join(self._box.client.capability()[1]).upper().split()
            self._select()
        return self

    def __exit__(self, *_exception: object) -> None:
        box, self._box = self._box, None
        if box is not None:
            with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
                # shuts the connection too, whatever the server says or does not say
                box.client.sock.settimeout(LEAVING_SECONDS)
                box.client.logout()

    def interrupt(self) -> None:
        """Break the connection from another thread, so that whatever waits for the server fails at once."""
        if self._box is not None:
            # the class's own: a TLS socket's would first forget its keys, under the hands of the thread that reads
            with suppress(OSError):
                socket.socket.shutdown(self._box.client.sock, socket.SHUT_RDWR)

    def since(self, day: date, before: date | None = None) -> list[int]:
        """Return the uids of the mails that arrived on `day` or later, and before `before`, in order."""
        limit = f" BEFORE {_day(before)}" if before else ""
        return self._search(f"SINCE {_day(day)}{limit}")

    def after(self, uid: int) -> list[int]:
        """Return the uids greater than `uid`, in order."""
        # the range `n:*` always names the last mail, however small its uid is
        return [one for one in self._search(f"UID {uid + 1}:*") if one > uid]

    def newest(self) -> int:
        """Return the greatest uid that a mail had when the folder was opened, 0 in a folder that never had one."""
        return self._next - 1 if self._next else max(self._search("UID 1:*"), default=0)

    def head(self, uid: int) -> Mail | None:
        """Return the head of a mail; None where it is not there any more."""
        return self._fetch(uid, f"BODY.PEEK[HEADER]<0.{HEAD_BYTES}>")

    def whole(self, uid: int, limit: int) -> Mail | None:
        """Return a mail, of a longer one the first `limit` bytes; None where it is not there any more."""
        return self._fetch(uid, f"BODY.PEEK[]<0.{limit}>")

    def idle(self, seconds: float) -> None:
        """Wait until the server says that something has changed, at most `seconds`."""
        with failures():
            idle: Any = self._open.idle
            idle.start()
            # what came in one packet with the go-ahead lies in our buffer already, and would not wake us
            if not self._has_buffered():
                idle.poll(min(seconds, LONGEST_IDLE))
            idle.stop()

    def look(self) -> None:
        """Let the server tell what is new (NOOP): some show nothing before."""
        with failures():
            self._open.client.noop()

    @property
    def _open(self) -> BaseMailBox:
        if self._box is None:
            raise SourceError("the mailbox is closed")
        return self._box

    def _connect(self) -> BaseMailBox:
        access = self._access
        if access.security == "none":
            return MailBoxUnencrypted(access.host, access.port, timeout=LOGIN_SECONDS)
        context = ssl.create_default_context(cafile=access.ca_file or None)
        kind = MailBox if access.security == "tls" else MailBoxStartTls
        return kind(access.host, access.port, timeout=LOGIN_SECONDS, ssl_context=context)

    def _log_in(self, box: BaseMailBox) -> None:
        access = self._access
        log_in = box.xoauth2 if access.oauth else box.login if access.password.isascii() else box.login_utf8
        try:
            log_in(access.username, access.password, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except (MailboxLoginError, imaplib.IMAP4.error) as error:
            if any(word in str(error).upper() for word in _PASSING):
                raise SourceError("the mail server lets nobody in at the moment", kind=FailureKind.SERVER) from None
            # the cause quotes what the server said, and that may quote us
            raise ConfigError(
                f"the mail server {access.host} does not let {access.username} in",
                hint="correct `username` and the password; many providers want one made for applications",
            ) from None

    def _select(self) -> None:
        client, folder = self._open.client, self._access.folder
        status, _ = client.select(_quoted(folder), readonly=True)
        if status != "OK":
            raise ConfigError(f"the mailbox has no folder `{folder}`", hint="correct `folder`, as the server names it")
        # a server that does not say so does not number anew
        self.validity = _number(client.response("UIDVALIDITY")) or 1
        self._next = _number(client.response("UIDNEXT"))

    def _search(self, criteria: str) -> list[int]:
        with failures():
            status, told = self._open.client.uid("SEARCH", criteria)
            if status != "OK":
                raise SourceError("the mail server refuses a search", kind=FailureKind.REFUSED)
            return sorted({int(word) for line in told if line for word in line.split()})

    def _fetch(self, uid: int, part: str) -> Mail | None:
        with failures():
            status, told = self._open.client.uid("FETCH", str(uid), f"(RFC822.SIZE INTERNALDATE {part})")
        if status != "OK":
            raise SourceError("the mail server refuses a mail", kind=FailureKind.REFUSED)
        raw = next((one[1] for one in told if isinstance(one, tuple)), None)
        if raw is None:
            return None
        about = b" ".join(one[0] if isinstance(one, tuple) else one for one in told if one)
        size, arrived = _SIZE.search(about), _ARRIVED.search(about)
        return Mail(uid, raw, int(size.group(1)) if size else len(raw), _moment(arrived.group(1) if arrived else b""))

    def _has_buffered(self) -> bool:
        client: Any = self._open.client
        before = client.sock.gettimeout()
        client.sock.settimeout(0)
        try:
            return bool(client.file.peek(1))
        except OSError:
            return False
        finally:
            client.sock.settimeout(before)


@contextmanager
def failures() -> Iterator[None]:
    """Turn what the library raises into an error of ours; it repeats nothing that the server said."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            f"the mail server's certificate is not good ({error.verify_message})",
            hint="correct `host`, or name your authority in `ca_file`",
        ) from None
    except (imaplib.IMAP4.error, ImapToolsError, OSError, EOFError) as error:
        raise SourceError(f"the mail server does not answer ({type(error).__name__})") from None


def _number(response: tuple[str, list[Any]]) -> int:
    """Return the number that a server told when the folder was opened, 0 where it told none."""
    told = response[1]
    return int(told[0]) if told and told[0] and told[0].isdigit() else 0


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _day(day: date) -> str:
    """Return a day as IMAP writes it, whatever the language of the machine."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _moment(written: bytes) -> datetime:
    """Return when a mail arrived, as the server writes it; 1970 where that cannot be read.

    >>> _moment(b" 7-Nov-2025 08:00:00 +0100").isoformat()
    '2025-11-07T07:00:00+00:00'
    """
    try:
        day, hour, zone = written.decode("ascii").split()
        number, month, year = day.split("-")
        index = _MONTHS.index(month.title()) + 1
        iso = f"{int(year):04}-{index:02}-{int(number):02}T{hour}{zone[:3]}:{zone[3:]}"
        return datetime.fromisoformat(iso).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
