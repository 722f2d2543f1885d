"""The search of Hacker News: filters by time, newest first, at most `hitsPerPage` hits."""

import re
import time
from typing import Any

from aiohttp import web

from tests.counterparts._json import JsonSite

_LIMIT = re.compile(r"created_at_i([<>])(\d+)")


class Search(JsonSite):
    """Hits by number; each is a little younger than the one before."""

    abilities = frozenset({"limit", "malformed", "redirect", "backfill", "check"})

    def __init__(self) -> None:
        super().__init__()
        self.hits: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, str]] = []

    @property
    def entry(self) -> str:
        return f"{{id: hn, kind: hackernews, url: '{self.url}/api/v1', every: 1s}}"

    async def publish(self, number: int, text: str = "") -> str:
        self.add(number, int(time.time()) - 120, comment_text=f"<p>{text or f'post {number}'}</p>", parent_id=1)
        return f"hackernews:{number}"

    def add(self, number: int, at: int, **fields: Any) -> None:
        about = {"objectID": str(number), "author": "eva", "created_at_i": at, "points": 3}
        self.hits[str(number)] = about | fields

    def answer(self, request: web.Request) -> Any:
        assert request.path == "/api/v1/search_by_date"
        asked = dict(request.query)
        self.asked.append(asked)
        found = sorted(self.hits.values(), key=lambda hit: -hit["created_at_i"])
        for sign, limit in _LIMIT.findall(asked["numericFilters"]):
            found = [hit for hit in found if (hit["created_at_i"] < int(limit)) == (sign == "<")]
            found = [hit for hit in found if hit["created_at_i"] != int(limit)]
        words = asked["query"].lower().split()
        found = [hit for hit in found if all(word in str(hit).lower() for word in words)]
        size = min(int(asked["hitsPerPage"]), 1000)
        return {"hits": found[:size], "nbHits": len(found), "hitsPerPage": size, "page": 0}


def counterpart() -> Search:
    return Search()
