"""The requests to X, each with the parameters that its published description knows, and what they cost.

The stream still speaks of tweets where searches speak of posts: which names each wants is a setting.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal

from agents.ingest.platforms.x import problems
from agents.ingest.platforms.x_plan import StreamRule
from agents.ingest.web.client import Answer, Client
from schemas.errors import FailureKind, InvalidMessage, SourceError

RULES = "/2/tweets/search/stream/rules"
STREAM = "/2/tweets/search/stream"
RECENT = "/2/tweets/search/recent"
ME = "/2/users/me"
JOBS = "/2/compliance/jobs"
FEWEST, MOST = 10, 100
"""How many posts a page of a search may hold."""
_FIELDS = {
    "tweet": {
        "tweet.fields": "attachments,author_id,created_at,edit_history_tweet_ids,entities,geo,lang,note_tweet,"
        "public_metrics,referenced_tweets",
        "expansions": "geo.place_id,referenced_tweets.id",
    },
    "post": {
        "post.fields": "attachments,created_at,entities,geo,lang,note_post,public_metrics",
        "expansions": "geo.place_id,referenced_posts",
    },
}
Names = Literal["tweet", "post"]


def fields(names: Names, *, users: bool) -> dict[str, str]:
    """Return what is asked for beside the text; `users` who wrote it, which costs more than the post."""
    asked = {**_FIELDS[names], "place.fields": "country_code"}
    if users:
        asked["expansions"] += ",author_id"
        asked["user.fields"] = "created_at,public_metrics,username,verified"
    return asked


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a search: the payload as it came, and where the next older page is, if there is one."""

    payload: dict[str, Any]
    next_token: str = ""


class Api:
    """Asks X. `client` proves the application, `owner` the account whose mentions are read, where that is another."""

    def __init__(self, client: Client, owner: Client | None, names: tuple[Names, Names], *, users: bool) -> None:
        self._client = client
        self._owner = owner or client
        self._stream, self._search = (fields(one, users=users) for one in names)

    def stream(self, quiet: float) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open the filtered stream; a heartbeat is an empty line, and nothing for `quiet` seconds is an error."""
        return self._client.lines(STREAM, self._stream, quiet=quiet)

    async def rules(self) -> tuple[StreamRule, ...]:
        """Return all rules of the application, those of others too."""
        found: list[StreamRule] = []
        token = ""
        while True:
            answer = _object(await self._client.get(RULES, {"pagination_token": token} if token else None))
            listed = answer.get("data", [])
            found += [StreamRule(str(one["value"]), str(one.get("tag", "")), str(one["id"])) for one in listed]
            token = str(answer.get("meta", {}).get("next_token", ""))
            if not token:
                return tuple(found)

    async def change(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Add or delete rules; return the rules that X refuses, each with its reason. One it has already is none."""
        answer = _object(await self._client.post(RULES, json=dict(body), accept=(200, 201, 400, 422)))
        listed = [one for one in answer.get("errors", []) if isinstance(one, dict)]
        about = [one for one in listed if "value" in one or "details" in one]
        if not about and "meta" not in answer:
            raise SourceError(f"X takes no rules ({', '.join(problems(answer))})", kind=FailureKind.REFUSED)
        return tuple(
            f"{one.get('value', '')}: {one.get('title', 'refused')}"
            for one in about
            if one.get("title") != "DuplicateRule"
        )

    async def recent(self, query: str, span: Mapping[str, str], size: int, token: str = "") -> Page:
        """Return a page of a search, newest first; `span` are since_id, start_time and end_time.

        Raises:
            InvalidMessage: X refuses the query, or to look that far back.
        """
        asked = {**self._search, "query": query, **span, "max_results": str(size)}
        asked |= {"next_token": token} if token else {}
        return _page(await self._client.get(RECENT, asked, accept=(200, 400)))

    async def mentions(self, account: str, span: Mapping[str, str], size: int, token: str = "") -> Page:
        """Return a page of the posts that name an account, newest first."""
        asked = {**self._search, **span, "max_results": str(size)}
        asked |= {"pagination_token": token} if token else {}
        return _page(await self._owner.get(f"/2/users/{account}/mentions", asked, accept=(200, 400)))

    async def me(self) -> str:
        """Return the id of the account that the owner's token stands for."""
        return str(_object(await self._owner.get(ME)).get("data", {}).get("id", ""))

    async def start_job(self) -> dict[str, str]:
        """Return a new compliance job for posts: its id, and where ids go and results come from."""
        answer = await self._client.post(JOBS, json={"type": "tweets", "name": "earshot", "resumable": False})
        return _job(answer)

    async def job(self, job_id: str) -> dict[str, str]:
        """Return how a job stands: created, in_progress, complete, failed or expired."""
        return _job(await self._client.get(f"{JOBS}/{job_id}"))

    async def jobs(self) -> int:
        """Return how many jobs there are."""
        return len(_object(await self._client.get(JOBS, {"type": "tweets"})).get("data", []))


def results(body: bytes) -> Iterable[Any]:
    """Yield the lines of a job's result."""
    for line in body.splitlines():
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def _job(answer: Answer) -> dict[str, str]:
    data = _object(answer).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise SourceError("X describes no compliance job", kind=FailureKind.BROKEN_ANSWER)
    return {name: value for name, value in data.items() if isinstance(value, str)}


def _page(answer: Answer) -> Page:
    payload = _object(answer)
    if answer.status == 400:
        raise InvalidMessage("refused", ", ".join(problems(payload)) or "X refuses the search")
    meta = payload.get("meta")
    token = meta.get("next_token") if isinstance(meta, dict) else None
    return Page(payload, token if isinstance(token, str) else "")


def _object(answer: Answer) -> dict[str, Any]:
    payload = answer.json()
    if not isinstance(payload, dict) or not isinstance(payload.get("data", []), list | dict):
        raise SourceError("the answer is not what X describes", kind=FailureKind.BROKEN_ANSWER)
    return payload
