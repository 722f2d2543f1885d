"""Any service that answers JSON over HTTP, described in the sources file instead of in code.

    - {id: api, kind: poller, url: "https://api.example.org/v1", items: data, fields: {id: id, time: at, text: body}}

**Reads**: `url` with `params`, every `every`. `items` says where the list of posts is (with `without_items: none` an
answer without it has no posts), `fields` where in each of them the fields of a post are: `id`, `time` and `text` at
least, `author.name`, `author.created`, `metrics.likes` and so on. Places are written `data[0].name`; ` | ` gives
alternatives. Times are `iso`, `unix`, `unix-ms` or a pattern (`time_format`). With `html` texts are HTML. `pages` asks
for more: `next` (the place of an address), `token` (of what `{token}` becomes) or `start` (what `{page}` counts from).

**Auth**: `headers` and `params` may hold `{secret.NAME}`; `secrets` says where each is (`env:NAME`, `file:/path`).

**Limits**: one request every `pause` (1s), `pages.most` (10) pages a poll, 10 MB an answer. Waits as long as
Retry-After says.

**Cursor**: the time of the newest post (`{since}`, written in `since_format`, less `overlap`), and hashes of the ids
and contents of the posts read lately.

**Guarantee**: at least once for what the service shows when it is polled. With `edits: true` a post whose item has
changed is told again as an edit; with `deleted` (a place) an item that holds something there is a deletion. An item
that is no post is written to earshot.dead once.

**Gaps**: where the service is not asked with `{since}`: if a poll shows none of the posts of the one before.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from agents import clock
from agents.ingest.formats import jsonpath
from agents.ingest.polling import LONGEST_ID, fill, hash_of, items_in, known_of, mapping, post_of, write_time
from agents.ingest.polling import Config as Polled
from agents.ingest.secret import reveal
from agents.ingest.source import Reading, Readings, Source, Step
from agents.ingest.web.client import Client
from schemas.checkpoint import Checkpoint
from schemas.dead import Dead, bury
from schemas.errors import EarshotError, FailureKind, InvalidMessage, SourceError
from schemas.event import Deletion, Edit, Event, Gap, Heartbeat

LEAST_KNOWN, MOST_KNOWN = 500, 5_000
Told = Event | Edit | Deletion | Gap | Dead


@dataclass(frozen=True, slots=True)
class State:
    """Where a service stands: the time of its newest post, when it was polled, and what is known, oldest first."""

    newest: datetime
    polled: str = ""
    known: dict[str, str] = field(default_factory=dict)

    def cursor(self) -> dict[str, str]:
        """Return the state as a cursor."""
        known = " ".join(f"{name}:{content}" for name, content in self.known.items())
        return {"newest": self.newest.isoformat(), "polled": self.polled, "known": known}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None, begin: datetime) -> "State":
        """Return the state that a checkpoint holds, or `begin`."""
        cursor = checkpoint.cursor if checkpoint else {}
        newest = datetime.fromisoformat(cursor["newest"]) if "newest" in cursor else begin
        return cls(newest, cursor.get("polled", ""), known_of(cursor.get("known", "").split()))


class Poller(Source[Polled]):
    """Polls one service."""

    Config = Polled

    def prepare(self) -> None:
        """Read the secrets.

        Raises:
            ConfigError: one is missing.
        """
        self._secrets = {f"secret.{name}": reveal(place) for name, place in self.config.secrets.items()}
        self._places = mapping(self.config)

    async def run(self, checkpoint: Checkpoint | None) -> Readings:
        """Yield what is new at each poll, the oldest first; see `Source.run`."""
        state = State.resume(checkpoint, clock.now() - timedelta(seconds=self.config.first))
        async with self._client() as client:
            while True:
                items = await self._poll(client, state)
                state, readings = self._news(state, items)
                for reading in readings:
                    yield Reading(reading)
                now = clock.now()
                pause = self.config.every * random.uniform(0.9, 1.1)  # noqa: S311
                yield Reading(Heartbeat(source=self.config.id, seen=now, at=now), state.cursor(), rest=pause)
                await asyncio.sleep(pause)

    async def check(self) -> AsyncIterator[Step]:
        """Ask once, and read what comes."""
        state = State(clock.now() - timedelta(seconds=self.config.first))
        async with self._client() as client:
            try:
                items = await self._poll(client, state, most=1)
            except EarshotError as error:
                yield Step("answer", ok=False, detail=str(error))
                return
        yield Step("answer", ok=True, detail=f"{len(items)} items at `{self.config.items or 'the top'}`")
        faults = [one for one in self._news(state, items)[1] if isinstance(one, Dead)]
        said = f"{len(items) - len(faults)} posts" + (
            f", {len(faults)} that are none: {faults[0].detail}" if faults else ""
        )
        yield Step("posts", ok=not faults, detail=said)

    async def _poll(self, client: Client, state: State, most: int = 0) -> list[Any]:
        """Return the items of all pages, the service's first first."""
        pages = self.config.pages
        since = write_time(state.newest - timedelta(seconds=self.config.overlap), self.config.since_format)
        values = {
            **self._secrets,
            "since": since,
            "page": str(pages.start) if pages and pages.start is not None else "",
        }
        url, params = fill(self.config.url, values), self._params(values)
        found: list[Any] = []
        for number in range(1, (most or (pages.most if pages else 1)) + 1):
            answer = (await client.get(url, params)).json()
            items = items_in(answer, self._places)
            if items is None and self.config.without_items == "error":
                raise SourceError(f"the answer has no items at `{self.config.items}`", kind=FailureKind.BROKEN_ANSWER)
            items = items or []
            found += items
            if pages is None or not items:
                break
            if pages.next is not None:
                following = jsonpath.parse(pages.next).first(answer)
                if not isinstance(following, str):
                    break
                url, params = following, None
            elif pages.token is not None:
                values["token"] = str(jsonpath.parse(pages.token).first(answer) or "")
                if not values["token"]:
                    break
                url, params = fill(self.config.url, values), self._params(values)
            else:
                values["page"] = str((pages.start or 0) + number * pages.step)
                url, params = fill(self.config.url, values), self._params(values)
            await asyncio.sleep(self.config.pause)
        return found

    def _params(self, values: dict[str, str]) -> dict[str, str] | None:
        filled = {name: fill(text, values) for name, text in self.config.params.items()}
        return {name: value for name, value in filled.items() if value} or None

    def _news(self, state: State, items: list[Any]) -> tuple[State, list[Told]]:
        """Return where the service stands now, and what is new: a gap first, then the oldest post first."""
        now = clock.now()
        known = dict(state.known)
        news: list[Event | Edit | Deletion | Dead] = []
        newest, met = state.newest, False
        for item in items:
            content, read = hash_of(item), self._read(item, now)
            name = hash_of(read.id)
            before = known.pop(name, None)
            known[name] = content
            met = met or before is not None
            if isinstance(read, Event) and read.time <= now:
                newest = max(newest, read.time)
            if before is None or (before != content and isinstance(read, Deletion)):
                news.append(read)
            elif before != content and isinstance(read, Event) and self.config.edits:
                news.append(Edit.model_validate({**dict(read), "type": "edit"}))
        news.sort(key=lambda one: one.time if isinstance(one, Event) else now)
        bound = min(max(LEAST_KNOWN, 2 * len(items)), MOST_KNOWN)
        after = replace(state, newest=newest, polled=now.isoformat(), known=dict(list(known.items())[-bound:]))
        gap = state.known and items and not met and not self.config.asks_since
        return after, [self._gap(state, now), *news] if gap else [*news]

    def _read(self, item: Any, now: datetime) -> Event | Deletion | Dead:
        """Return what an item is: a post, one that the service says is gone, or what is neither."""
        about: dict[str, Any] = {"source": self.config.id, "seen": now}
        if self._places.deleted is not None and self._places.deleted.first(item):
            name = self._places.fields["id"].first(item)
            if isinstance(name, str | int) and 0 < len(str(name)) <= LONGEST_ID:
                return Deletion(**about, platform=self.config.platform, id=str(name))
        try:
            return Event.model_validate({**dict(post_of(item, self.config, self._places)), **about})
        except InvalidMessage as fault:
            # known by its content: it is told once, and again when it has changed
            where = {"topic": f"poller.{self.config.id}", "partition": 0, "offset": int(hash_of(item), 16), "at": now}
            return bury(b"", reason=fault.reason, detail=fault.detail, **where)

    def _gap(self, state: State, now: datetime) -> Gap:
        since = min(datetime.fromisoformat(state.polled), now) if state.polled else now
        reason = "no post of the poll before is shown any more"
        return Gap(source=self.config.id, seen=now, since=since, until=now, reason=reason)

    def _client(self) -> Client:
        headers = {name: fill(text, self._secrets) for name, text in self.config.headers.items()}
        return Client(
            self.config.id, fill(self.config.url, self._secrets), headers=headers, timeout=self.config.timeout
        )
