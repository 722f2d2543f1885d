"""A Facebook page: what people write on it, comment under it, and where they mention it.

    - {id: page, kind: facebook, page: "1234", token: env:FB_TOKEN, app_secret: env:FB_APP, verify_token: env:FB_HOOK}

**Reads**: notifications of the fields `feed`, `mention` and `ratings`, which Meta posts to `/hooks/<id>` in batches of
up to a thousand; and every `reconcile` (a day) what the page's `tagged`, `feed` and `comments` say was posted since.
Comments, posts of visitors, mentions and reviews are events, `edited` and `unhide` their new state, `remove` and `hide`
their end. Reactions and private messages are counted as ignored, and so is what the page itself writes. Somebody who
asks Meta that the app forgets them is told so at `/hooks/<id>/deletion`, and all of that author is deleted.

**Auth**: `X-Hub-Signature-256` over the body as it was sent; `app_secret` may hold several with commas while it is
changed, the new one first. `verify_token` is for Meta's handshake. `token` is the page's long-lived one; each request
carries `appsecret_proof`. Permissions: `pages_read_user_content`, `pages_manage_metadata`, `pages_show_list`,
`pages_read_engagement`; mentions by others need *Page Public Content Access*.

**Limits**: `X-App-Usage` and `X-Business-Use-Case-Usage` are respected: from 75 % on it asks more slowly, at 95 % not
at all before Meta says so. 4 MiB a notification.

**Cursor**: when it was reconciled last.

**Guarantee**: at least once for what was answered with 200. A notification that only names something is answered when
that has been read. Notifications come in any order and more than once; ids make that harmless, and what was removed
stays so (the last 20,000 in this process).

**Gaps**: after 36 hours without us Meta drops notifications; that is reported, and what can still be asked for is
pulled. Edits and deletions of that time are lost. Often Meta does not say who wrote something.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from agents.ingest.meta.check import check_page, check_reach, check_token
from agents.ingest.meta.graph import Graph, MetaEntry
from agents.ingest.meta.source import MetaSource
from agents.ingest.platforms import facebook
from agents.ingest.platforms.meta import Change, Ignored, Meaning, Unread
from agents.ingest.platforms.payload import group, moment, name
from agents.ingest.source import Step
from schemas.errors import SourceError
from schemas.event import Event

PERMISSIONS = ("pages_read_user_content", "pages_manage_metadata", "pages_show_list", "pages_read_engagement")
FIELDS = ("feed", "mention")
COMMENTED = timedelta(days=14)
"""How old a post of the page may be for its comments still to be asked for; notifications come for older ones too."""


class Config(MetaEntry):
    """See the module. `page` is the page's id."""

    page: Annotated[str, Field(pattern=r"^\d{1,40}$")]


class Facebook(MetaSource[Config]):
    """One page."""

    Config = Config
    platform = facebook.PLATFORM
    platforms = (facebook.PLATFORM,)

    def mean(self, change: Change, seen: datetime) -> Meaning:
        """Return what a change means; see `MetaSource.mean`."""
        return facebook.read_change(change, self.config.id, seen)

    async def follow(self, graph: Graph, unread: Unread, seen: datetime) -> Event | Ignored:
        """Read a post or a comment; see `MetaSource.follow`."""
        if unread.item == "comment":
            node = await graph.get(f"/{unread.id}", {"fields": facebook.COMMENT_FIELDS})
            return facebook.read_comment(node, self.config.id, seen, self.config.page, unread.about)
        node = await graph.get(f"/{unread.id}", {"fields": facebook.POST_FIELDS})
        return facebook.read_post(node, self.config.id, seen, self.config.page)

    async def history(self, graph: Graph, start: datetime, end: datetime) -> AsyncIterator[Event | Ignored]:
        """Yield mentions by others, posts of visitors, and comments on posts of the last two weeks before `start`."""
        seen, page = end, self.config.page
        span = {"since": _unix(start), "until": _unix(end), "fields": facebook.POST_FIELDS, "limit": "100"}
        async for nodes in graph.pages(f"/{page}/tagged", span):
            for node in nodes:
                yield facebook.read_post(node, self.config.id, seen, page)
        span["since"] = _unix(start - COMMENTED)
        async for nodes in graph.pages(f"/{page}/feed", span):
            for node in nodes:
                posted = moment(group(node).get("created_time")) or seen
                if posted >= start:
                    yield facebook.read_post(node, self.config.id, seen, page)
                if (moment(group(node).get("updated_time")) or seen) >= start:
                    async for comment in self._comments(graph, name(group(node), "id"), start, end):
                        yield comment

    async def _comments(
        self, graph: Graph, post: str, start: datetime, end: datetime
    ) -> AsyncIterator[Event | Ignored]:
        """Yield the comments of a post, answers to comments included, from the newest back to `start`."""
        asked = {"fields": facebook.COMMENT_FIELDS, "filter": "stream", "order": "reverse_chronological"}
        try:
            async for nodes in graph.pages(f"/{post}/comments", {**asked, "limit": "100"}):
                times = [moment(group(node).get("created_time")) or end for node in nodes]
                for node, time in zip(nodes, times, strict=True):
                    if time >= start:
                        yield facebook.read_comment(node, self.config.id, end, self.config.page, post)
                if times and max(times) < start:
                    return
        except SourceError as error:
            # the post was deleted while we read the list that it stood in
            if error.status != 404:
                raise

    async def check(self) -> AsyncIterator[Step]:
        """Yield whether the token is valid, has each permission, reads the page, is subscribed, and Meta reaches us."""
        async with Graph(self.config.id, self.account()) as graph:
            async for step in check_token(graph, self.config.app, PERMISSIONS):
                yield step
            async for step in check_page(graph, self.config.page, FIELDS):
                yield step
        yield await check_reach(self.config.id, self.config.public, self.path, self._verify_token)


def _unix(time: datetime) -> str:
    return str(int(time.timestamp()))
