"""A company's Instagram account: comments under its posts, and where others mention it.

    - {id: ig, kind: instagram, account: "1784", token: env:IG_TOKEN, app_secret: env:IG_APP, verify_token: env:IG_HOOK}

**Reads**: notifications of the fields `comments` and `mentions`, which Meta posts to `/hooks/<id>`; a mention carries
ids only, and what it says is read at once. Every `reconcile` (a day) the posts in which the account is tagged, and the
comments under its own of the last two weeks. Stories and private accounts cannot be seen.

**Auth**: as for `facebook`: `X-Hub-Signature-256`, `verify_token`, `appsecret_proof`. `token` is that of the linked
page, or of a system user. Permissions: `instagram_basic`, `instagram_manage_comments`, `pages_read_engagement`.

**Limits**: `X-App-Usage` and `X-Business-Use-Case-Usage` are respected as for `facebook`. 4 MiB a notification.

**Cursor**: when it was reconciled last.

**Guarantee**: at least once for what was answered with 200, which a mention is when what it says has been read.

**Gaps**: as for `facebook`, after 36 hours without us. Instagram tells neither of edits nor of deletions. A comment
that mentions the account under somebody else's post cannot be asked for later.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from agents.ingest.meta.check import check_node, check_reach, check_token
from agents.ingest.meta.graph import Graph, MetaEntry
from agents.ingest.meta.source import MetaSource
from agents.ingest.platforms import instagram
from agents.ingest.platforms.meta import Change, Ignored, Meaning, Unread
from agents.ingest.platforms.payload import group, moment, name
from agents.ingest.source import Step
from schemas.event import Event

PERMISSIONS = ("instagram_basic", "instagram_manage_comments", "pages_read_engagement")
COMMENTED = timedelta(days=14)
_MENTIONED = {"mentioned_comment": "comment_id", "mentioned_media": "media_id"}


class Config(MetaEntry):
    """See the module. `account` is the id of the professional account."""

    account: Annotated[str, Field(pattern=r"^\d{1,40}$")]


class Instagram(MetaSource[Config]):
    """One professional account."""

    Config = Config
    platform = instagram.PLATFORM
    platforms = (instagram.PLATFORM,)

    def mean(self, change: Change, seen: datetime) -> Meaning:
        """Return what a change means; see `MetaSource.mean`."""
        return instagram.read_change(change, self.config.id, seen)

    async def follow(self, graph: Graph, unread: Unread, seen: datetime) -> Event | Ignored:
        """Read what mentions the account: only it may, and only by the ids it was told; see `MetaSource.follow`."""
        comment = unread.item == "mentioned_comment"
        fields = instagram.MENTIONED_COMMENT_FIELDS if comment else instagram.MEDIA_FIELDS
        asked = f"{unread.item}.{_MENTIONED[unread.item]}({unread.id}){{{fields}}}"
        found = group(await graph.get(f"/{self.config.account}", {"fields": asked}), unread.item)
        if comment:
            return instagram.read_comment(found, self.config.id, seen, self.config.account)
        return instagram.read_media(found, self.config.id, seen)

    async def history(self, graph: Graph, start: datetime, end: datetime) -> AsyncIterator[Event | Ignored]:
        """Yield posts that tag the account since `start`, and comments on its posts of the two weeks before."""
        account = self.config.account
        asked = {"fields": instagram.MEDIA_FIELDS, "limit": "100"}
        async for nodes in graph.pages(f"/{account}/tags", asked):
            recent = [node for node in nodes if _time(node, end) >= start]
            for node in recent:
                yield instagram.read_media(node, self.config.id, end)
            if not recent:
                break
        async for nodes in graph.pages(f"/{account}/media", {"fields": "id,timestamp,permalink", "limit": "100"}):
            recent = [node for node in nodes if _time(node, end) >= start - COMMENTED]
            for node in recent:
                where = f"/{name(group(node), 'id')}/comments"
                async for comments in graph.pages(where, {"fields": instagram.COMMENT_FIELDS, "limit": "100"}):
                    for comment in comments:
                        if _time(comment, end) >= start:
                            yield instagram.read_comment(comment, self.config.id, end, account, group(node))
            if not recent:
                break

    async def check(self) -> AsyncIterator[Step]:
        """Yield whether the token is valid, has each permission, reads the account, and Meta reaches us."""
        async with Graph(self.config.id, self.account()) as graph:
            async for step in check_token(graph, self.config.app, PERMISSIONS):
                yield step
            yield await check_node(graph, "account", f"/{self.config.account}")
        yield await check_reach(self.config.id, self.config.public, self.path, self._verify_token)


def _time(node: object, otherwise: datetime) -> datetime:
    return moment(group(node).get("timestamp")) or otherwise
