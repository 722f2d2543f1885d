"""What every source that reads a mailbox does; a kind adds only its rules."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Protocol, TypeVar

from pydantic import Field

from agents import clock
from agents.ingest.auth import RefreshToken
from agents.ingest.mail.cursor import MailCursor, lost
from agents.ingest.mail.letter import read_body, read_head
from agents.ingest.mail.mailbox import Access, Mail, Mailbox
from agents.ingest.mail.posts import posts_of
from agents.ingest.mail.rules import Choice, MailRule, choose, load_rules
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry, Reading, Readings, Source, Step
from agents.ingest.web.client import fetch_tokens
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead, bury
from schemas.errors import ConfigError, InvalidMessage, SourceError
from schemas.event import Event, Gap, Heartbeat
from schemas.model import Duration, Written

_PORTS = {"tls": 993, "starttls": 143, "none": 143}
T = TypeVar("T")


class Call(Protocol):
    """Calls something blocking in the mailbox's own thread."""

    async def __call__(self, function: Callable[..., T], *arguments: object) -> T: ...  # noqa: D102


class OAuth(Written):
    """Tokens instead of a password (XOAUTH2), fetched at `url` with a refresh token."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s/]")]
    client_id: str
    client_secret: Secret = ""
    refresh_token: Secret
    scope: str = ""


class MailEntry(Entry):
    """A mailbox. `server` is the name under which our own mail server says what it found out about a signature
    (authserv-id), or `nobody`. `first` is how far back the first look goes, `every` how often is looked where the
    server cannot call us, `max_bytes` how much of a mail is read. `rules` is a file of one's own rules."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["tls", "starttls", "none"] = "tls"
    ca_file: str = ""
    username: Annotated[str, Field(min_length=1)]
    password: Secret = ""
    oauth: OAuth | None = None
    folder: str = "INBOX"
    server: Annotated[str, Field(min_length=1)]
    rules: str | None = None
    first: Duration = 604_800.0
    every: Annotated[Duration, Field(ge=1)] = 60.0
    max_bytes: Annotated[int, Field(ge=65_536, le=16_777_216)] = 2_097_152


M = TypeVar("M", bound=MailEntry)


class MailSource(Source[M]):
    """Follows one folder of a mailbox, and yields what its rules find in its mails."""

    Config: ClassVar[type[Entry]] = MailEntry

    @abstractmethod
    def shipped_rules(self) -> tuple[MailRule, ...]:
        """Return the rules that hold where the entry names none."""

    def prepare(self) -> None:
        """Read rules and secrets.

        Raises:
            ConfigError: a rule is wrong, or it is not said how to log in.
        """
        config = self.config
        file = self.settings.sources.parent / config.rules if config.rules else None
        self._rules = load_rules(file) if file else self.shipped_rules()
        self._skipped: dict[Choice, int] = {Choice.FORGED: 0, Choice.UNCHECKED: 0}
        if bool(config.password) == (config.oauth is not None):
            raise ConfigError(
                "needs either `password` or `oauth`",
                where=f"source {config.id}",
                hint="write password: env:NAME, and set that variable",
            )
        self._password = reveal(config.password) if config.password else ""
        self._auth = self._tokens(config.oauth) if config.oauth else None

    def facts(self) -> Mapping[str, str | float]:
        """Return how many mails were left alone because of their signature, and when the token expires."""
        found: dict[str, str | float] = {f"mails_{choice}": float(n) for choice, n in self._skipped.items()}
        if self._auth is not None and self._auth.expires is not None:
            found["token_expires"] = self._auth.expires.isoformat()
        return found

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what new mails hold, for ever; see `Source.run`."""
        cursor = MailCursor.resume(checkpoint)
        heard = checkpoint.heard if checkpoint and checkpoint.heard else clock.now()
        async with self._opened() as (box, call):
            if cursor.validity == box.validity:
                waiting = await call(box.after, cursor.uid)
            else:
                waiting, cursor, gap = await self._begin(box, call, cursor, heard)
                if gap is not None:
                    yield Reading(gap)
            while True:
                for uid in waiting:
                    items, message_id = await self._read(box, call, uid, cursor)
                    # only the last item of a mail moves the cursor: a mail is read whole or again
                    for item in items[:-1]:
                        yield Reading(item)
                    cursor = cursor.read(uid, message_id)
                    for item in items[-1:]:
                        yield Reading(item, cursor.cursor())
                now = clock.now()
                beat = Heartbeat(source=self.config.id, seen=now, at=now)
                yield Reading(beat, cursor.cursor(), rest=self.config.every)
                await self._wait(box, call)
                waiting = await call(box.after, cursor.uid)

    async def backfill(self, start: datetime, end: datetime) -> Readings:
        """Yield what the mails of the past hold that are still there; see `Source.backfill`."""
        async with self._opened() as (box, call):
            for uid in await call(box.since, start.date(), end.date() + timedelta(days=3)):
                items, _ = await self._read(box, call, uid, MailCursor())
                for item in items:
                    if isinstance(item, Event) and start <= item.time < end:
                        yield Reading(item.model_copy(update={"backfill": True}))

    async def check(self) -> AsyncIterator[Step]:
        """Yield whether we can log in, see the folder and be called, and what the rules find; see `Source.check`."""
        try:
            async with self._opened() as (box, call):
                yield Step("log in", ok=True, detail=self.config.host)
                yield Step("folder", ok=True, detail=f"{self.config.folder}, {await call(box.newest)} is the last uid")
                called = "the server calls us (IDLE)" if box.can_idle else f"looked at every {self.config.every:g} s"
                yield Step("new mails", ok=True, detail=called)
                day = (clock.now() - timedelta(seconds=self.config.first)).date()
                found = [await self._choice(box, call, uid) for uid in (await call(box.since, day))[-200:]]
                counts = {choice: found.count(choice) for choice in Choice}
                told = ", ".join(f"{number} {choice}" for choice, number in counts.items()) + " of the latest mails"
                wrong = counts[Choice.UNCHECKED] and not counts[Choice.TAKEN]
                hint = f"; no Authentication-Results by `{self.config.server}`: correct `server`" if wrong else ""
                yield Step("rules", ok=not wrong, detail=told + hint)
        except (ConfigError, SourceError) as error:
            yield Step("mailbox", ok=False, detail=str(error))

    async def _choice(self, box: Mailbox, call: Call, uid: int) -> Choice:
        mail = await call(box.head, uid)
        return choose(self._rules, read_head(mail.raw), self.config.server).choice if mail else Choice.OTHER

    async def _begin(
        self, box: Mailbox, call: Call, cursor: MailCursor, heard: datetime
    ) -> tuple[list[int], MailCursor, Gap | None]:
        """Return where to begin in a folder that is new to us, or numbered anew since: what there is to read, where
        we stand, and the gap if mails may be gone."""
        now = clock.now()
        first = cursor.validity == 0
        # two days more: the server's days are those of its own zone, and a mail may have been on its way
        day = (now - timedelta(seconds=self.config.first) if first else heard - timedelta(days=2)).date()
        uids = await call(box.since, day)
        newest = await call(box.newest)
        names = {uid: await self._message_id(box, call, uid) for uid in uids} if not first else {}
        unread = [uid for uid in uids if not cursor.knows(names.get(uid, ""))]
        stands = MailCursor(box.validity, 0 if unread else newest, cursor.ids)
        if unread:
            stands = MailCursor(box.validity, unread[0] - 1, cursor.ids)
        if first or not lost(cursor, names.values()):
            return unread, stands, None
        reason = "the folder was numbered anew, and nothing of what was read lately is in it"
        return unread, stands, Gap(source=self.config.id, seen=now, since=min(heard, now), until=now, reason=reason)

    async def _message_id(self, box: Mailbox, call: Call, uid: int) -> str:
        mail = await call(box.head, uid)
        return read_head(mail.raw).message_id if mail else ""

    async def _read(self, box: Mailbox, call: Call, uid: int, cursor: MailCursor) -> tuple[list[Event | Dead], str]:
        """Return what a mail holds, and its Message-ID; its body is asked for only when a rule is about it."""
        mail = await call(box.head, uid)
        if mail is None:
            return [], ""
        head = read_head(mail.raw)
        chosen = choose(self._rules, head, self.config.server)
        if chosen.rule is None or cursor.knows(head.message_id):
            return [], head.message_id
        now = clock.now()
        if chosen.choice is not Choice.TAKEN:
            self._skipped[chosen.choice] += 1
            detail = f"rule `{chosen.rule.name}` wants a signature by {' or '.join(chosen.rule.signed_by)}"
            return [self._dead(mail, str(chosen.choice), detail, now)], head.message_id
        whole = await call(box.whole, mail.uid, self.config.max_bytes)
        if whole is None:
            return [], head.message_id
        try:
            body = await asyncio.to_thread(read_body, whole.raw)
            posts = await asyncio.to_thread(posts_of, chosen.rule, head, body, whole.arrived)
        except InvalidMessage as fault:
            return [self._dead(whole, fault.reason, fault.detail, now)], head.message_id
        about = {"source": self.config.id, "seen": now}
        return [Event.model_validate({**dict(post), **about}) for post in posts], head.message_id

    def _dead(self, mail: Mail, reason: str, detail: str, now: datetime) -> Dead:
        """Return the record that a mail was not read; the mail itself is where it was."""
        about = {"topic": f"mail.{self.config.id}", "partition": 0, "offset": mail.uid, "at": now}
        return bury(b"", reason=reason, detail=detail, **about)

    async def _wait(self, box: Mailbox, call: Call) -> None:
        """Wait until something may be new."""
        if box.can_idle:
            await call(box.idle, self.config.every)
        else:
            await asyncio.sleep(self.config.every)
            await call(box.look)

    def _tokens(self, oauth: OAuth) -> RefreshToken:
        form = {"client_id": oauth.client_id}
        form |= {"client_secret": reveal(oauth.client_secret)} if oauth.client_secret else {}
        form |= {"scope": oauth.scope} if oauth.scope else {}
        return RefreshToken(fetch_tokens(self.config.id, oauth.url), reveal(oauth.refresh_token), self.kept, form)

    async def _access(self) -> Access:
        config, password = self.config, self._password
        if self._auth is not None:
            password = (await self._auth.headers())["Authorization"].partition(" ")[2]
        return Access(
            host=config.host,
            port=config.port or _PORTS[config.security],
            security=config.security,
            username=config.username,
            password=password,
            folder=config.folder,
            ca_file=config.ca_file,
            oauth=self._auth is not None,
        )

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Mailbox, Call]]:
        """Open the mailbox in a thread of its own, in which everything is called; cancelling does not wait for it."""
        box = Mailbox(await self._access())
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"mail-{self.config.id}")
        loop = asyncio.get_running_loop()

        busy = False

        async def call(function: Callable[..., T], *arguments: object) -> T:
            nonlocal busy
            busy = True
            # left as it is when this is cancelled: then the thread still waits for the server
            answer = await loop.run_in_executor(thread, function, *arguments)
            busy = False
            return answer

        try:
            await call(box.__enter__)
            yield box, call
        finally:
            if busy:
                box.interrupt()
            thread.submit(box.__exit__)
            thread.shutdown(wait=False)
