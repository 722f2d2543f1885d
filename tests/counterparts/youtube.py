"""YouTube's Data API on loopback: search, videos, comment threads and comments, and its two quotas.

Its errors have the form that Google documents. No client of Google's drives it: `google-api-python-client` fetches its
description of the API from Google. Nothing here streams, and the search finds what contains the words.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

KEY = "key-of-a-project"
CHANNEL = "UCacmeacmeacmeacmeacme"
Message = dict[str, Any]


class Youtube:
    """What is published is a comment under a video of our own channel; `video` makes a video."""

    door = ""
    abilities = frozenset({"gap", "edit", "delete", "limit", "malformed", "redirect", "check"})
    secrets: Mapping[str, str] = {"YOUTUBE_API_KEY": KEY}

    def __init__(self) -> None:
        self.began = time.time() - 3600
        self.videos: dict[str, Message] = {}
        self.threads: dict[str, Message] = {}
        self.replies: dict[str, list[Message]] = {}
        self.asked: list[web.Request] = []
        self.closed: set[str] = set()
        self.exceeded: set[str] = set()
        self._made = 0
        self._names: dict[int, str] = {}
        self._again_at = 0.0
        self._garbage: list[bytes] = []
        self._redirect = ""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._gate])
        app.router.add_get("/youtube/v3/search", self._search)
        app.router.add_get("/youtube/v3/videos", self._videos)
        app.router.add_get("/youtube/v3/commentThreads", self._threads)
        app.router.add_get("/youtube/v3/comments", self._comments)
        app.router.add_get("/youtube/v3/channels", self._channels)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port: int = self._runner.addresses[0][1]
        self.video("own", "Our own", CHANNEL)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def entry(self) -> str:
        every = "every: 1s, search_every: 1s, recheck: 1s, pages: 2"
        where = f"key: 'env:YOUTUBE_API_KEY', api: '{self.url}'"
        return f"{{id: tube, kind: youtube, {where}, channels: [{CHANNEL}], searches: [zebra], only: all, {every}}}"

    # what happens on the platform

    async def publish(self, number: int, text: str = "") -> str:
        name = self._names[number] = self.comment(text or f"post {number}", "own")
        return f"youtube:{name}"

    def video(self, name: str, title: str, channel: str = "UCother", **counts: int) -> str:
        statistics = {"viewCount": 10, "likeCount": 2, "commentCount": 1} | counts
        snippet = {"title": title, "description": f"about {title}", "channelId": channel, "channelTitle": "Eva"}
        snippet |= {"publishedAt": self._time(), "defaultAudioLanguage": "de"}
        texts = {kind: str(count) for kind, count in statistics.items()}
        self.videos[name] = {"kind": "youtube#video", "id": name, "snippet": snippet, "statistics": texts}
        return name

    def comment(self, text: str, video: str, parent: str | None = None) -> str:
        self._made += 1
        name = f"Ug{self._made:08d}" if parent is None else f"{parent}.{self._made:08d}"
        told = self._time()
        snippet = {"textDisplay": text, "textOriginal": text, "authorDisplayName": "@jo", "likeCount": 3}
        snippet |= {"authorChannelId": {"value": "UCjo"}, "publishedAt": told, "updatedAt": told, "videoId": video}
        comment = {"kind": "youtube#comment", "id": name, "snippet": snippet}
        if parent is not None:
            snippet["parentId"] = parent
            self.replies[parent].append(comment)
            return name
        self.replies[name] = []
        about = {"videoId": video, "channelId": self.videos[video]["snippet"]["channelId"], "topLevelComment": comment}
        self.threads[name] = {"kind": "youtube#commentThread", "id": name, "snippet": about}
        return name

    async def edit(self, number: int) -> None:
        comment = self.threads[self._names[number]]["snippet"]["topLevelComment"]["snippet"]
        text = f"post {number}, edited"
        comment |= {"textDisplay": text, "textOriginal": text, "updatedAt": self._time()}

    async def delete(self, number: int) -> None:
        self.remove(self._names[number])

    def remove(self, name: str) -> None:
        self.threads.pop(name, None)
        self.videos.pop(name, None)

    async def limit(self, seconds: float) -> None:
        self._again_at = time.monotonic() + seconds

    async def serve_garbage(self, body: bytes) -> None:
        self._garbage.append(body)

    async def redirect(self, url: str) -> None:
        self._redirect = url

    async def forget(self) -> None:
        for number in range(250):
            self.comment(f"post {number} meanwhile", "own")

    def _time(self) -> str:
        """Return the time, a second later each time it is asked."""
        self.began += 1
        return f"{datetime.fromtimestamp(self.began, UTC):%Y-%m-%dT%H:%M:%SZ}"

    # what is said of it

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request)
        what = request.path.rpartition("/")[2]
        if KEY not in (request.headers.get("X-Goog-Api-Key"), request.query.get("key")):
            return self._error(400, "badRequest", "API key not valid. Please pass a valid API key.")
        if what in self.exceeded:
            return self._error(403, "quotaExceeded", "The request cannot be completed: you have exceeded your quota.")
        wait = self._again_at - time.monotonic()
        if wait > 0:
            answer = self._error(429, "rateLimitExceeded", "Too many requests")
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        if self._redirect:
            to, self._redirect = self._redirect, ""
            return web.Response(status=302, headers={"Location": to})
        if self._garbage:
            return web.Response(body=self._garbage.pop(0), content_type="application/json")
        answered: web.StreamResponse = await handler(request)
        return answered

    @staticmethod
    def _error(status: int, reason: str, message: str) -> web.Response:
        errors = [{"message": message, "domain": "youtube.quota", "reason": reason}]
        return web.json_response({"error": {"code": status, "message": message, "errors": errors}}, status=status)

    async def _search(self, request: web.Request) -> web.Response:
        query = request.query
        assert query["type"] == "video"
        found = [
            video
            for video in self.videos.values()
            if query["q"].lower() in video["snippet"]["title"].lower()
            and query["publishedAfter"] <= video["snippet"]["publishedAt"] < query.get("publishedBefore", "9")
        ]
        newest = sorted(found, key=lambda video: str(video["snippet"]["publishedAt"]), reverse=True)
        items = [{"id": {"kind": "youtube#video", "videoId": video["id"]}} for video in newest]
        return web.json_response({"kind": "youtube#searchListResponse", "items": items[: int(query["maxResults"])]})

    async def _videos(self, request: web.Request) -> web.Response:
        if request.query.get("chart"):
            return web.json_response({"items": []})
        names = request.query["id"].split(",")
        assert len(names) <= 50
        return web.json_response({"items": [self.videos[name] for name in names if name in self.videos]})

    async def _threads(self, request: web.Request) -> web.Response:
        query = request.query
        video = query.get("videoId")
        if video in self.closed:
            return self._error(403, "commentsDisabled", "The video has disabled comments.")
        if video and video not in self.videos:
            return self._error(404, "videoNotFound", "The video cannot be found.")
        if query.get("allThreadsRelatedToChannelId") not in (None, CHANNEL):
            return self._error(404, "channelNotFound", "The channel cannot be found.")
        found = [
            thread
            for thread in self.threads.values()
            if (thread["snippet"]["videoId"] == video if video else thread["snippet"]["channelId"] == CHANNEL)
        ]
        start, size = int(query.get("pageToken", "0")), int(query["maxResults"])
        page = [self._shown(thread) for thread in found[::-1][start : start + size]]
        answer: Message = {"kind": "youtube#commentThreadListResponse", "items": page}
        if start + size < len(found):
            answer["nextPageToken"] = str(start + size)
        return web.json_response(answer)

    def _shown(self, thread: Message) -> Message:
        """Return a thread with the newest five of its replies, as YouTube gives no more."""
        replies = self.replies[thread["id"]]
        about = thread["snippet"] | {"totalReplyCount": len(replies)}
        return thread | {"snippet": about} | ({"replies": {"comments": replies[-5:]}} if replies else {})

    async def _channels(self, request: web.Request) -> web.Response:
        names = request.query["id"].split(",")
        assert len(names) <= 50
        snippet = {"title": "Eva", "publishedAt": "2019-05-01T08:00:00Z"}
        return web.json_response({"items": [{"id": name, "snippet": snippet} for name in names if name != "UCgone"]})

    async def _comments(self, request: web.Request) -> web.Response:
        if parent := request.query.get("parentId"):
            return web.json_response({"items": self.replies.get(parent, [])})
        tops = [thread["snippet"]["topLevelComment"] for thread in self.threads.values()]
        every = {one["id"]: one for one in (*tops, *(reply for replies in self.replies.values() for reply in replies))}
        names = request.query["id"].split(",")
        return web.json_response({"items": [every[name] for name in names if name in every]})


def counterpart() -> Youtube:
    return Youtube()
