"""What a post says of other posts, and since when there is its author, wherever a platform tells: one table for all."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.ingest import polling
from agents.ingest.platforms import bluesky, facebook, googleplus, linkedin, mastodon, reddit, threads, x, youtube
from agents.ingest.platforms.meta import Change
from schemas.event import Event, Post
from tests.agents.ingest.following import NOW
from tests.agents.ingest.test_reddit import COMMENT, SUBMISSION, thing
from tests.agents.ingest.test_youtube import COMMENT as TUBE_COMMENT
from tests.agents.ingest.test_youtube import REPLY as TUBE_REPLY
from tests.counterparts.bluesky import DID, POSTS, Jetstream, post

AT = f"at://{DID}/{POSTS}/3m5zv2bbbbb2b"
LIST = f"at://{DID}/app.bsky.graph.list/3m5zv2bbbbb2b"
CREATED = datetime(2019, 5, 1, 8, tzinfo=UTC)
WRITTEN = "2019-05-01T08:00:00.000Z"
Means = dict[str, Any]


def sky(**record: Any) -> Event:
    body = {"rev": "3m5zvqlw2q22b", "operation": "create", "collection": POSTS, "rkey": "a"}
    event = {"seq": 7, "micros": 1_763_625_600_000_001, "did": DID, "kind": "commit"}
    frame = Jetstream.frame({**event, "body": body | {"record": post("hello", **record)}}, second=True)
    item = bluesky.read_frame(frame, bluesky.Seen("s", NOW)).item
    assert isinstance(item, Event)
    return item


def reference(uri: str) -> Means:
    return {"uri": uri, "cid": "bafyreidwaivazkwu67xztlmuobx35hs2lnfh3kolmgfmucldvhd3sgzcqi"}


def fedi(**status: Any) -> Event:
    whole = {"id": "7", "uri": "https://a.example/7", "visibility": "public", "content": "hm", "created_at": WRITTEN}
    whole |= {"account": {"acct": "eva", "created_at": "2019-05-01T08:00:00.000Z"}} | status
    item = mastodon.read_status(whole, mastodon.Seen("s", NOW, "here.example"), {"42": "https://a.example/42"}).item
    assert isinstance(item, Event)
    return item


def tweet(user: Means | None = None, **fields: Any) -> Event:
    users = [{"id": "1", "username": "eva", "created_at": WRITTEN} | (user or {})]
    data = {"id": "2080765813578191303", "text": "hm", "author_id": "1", **fields}
    return x.read_post(data, {"users": users}, x.Seen("s", NOW))


def on_reddit(base: Means, **data: Any) -> Any:
    return reddit.read_thing(thing(base, **data), reddit.Seen("s", NOW)).item


def on_threads(**node: Any) -> Any:
    return threads.read_post({"id": "1", "text": "hm", "username": "eva", **node}, "s", NOW)


def page(field: str = "feed", **value: Any) -> Any:
    given = {"item": "share", "post_id": "9_2", "verb": "add", **value}
    return facebook.read_change(Change("page", "1", field, given), "s", NOW)


def asked(**node: Any) -> Any:
    return facebook.read_post({"id": "9_2", **node}, "s", NOW, "1")


def shared(text: str) -> Any:
    node = {"action": "SHARE", "sourcePost": "urn:li:share:60", "generatedActivity": "urn:li:share:81"}
    node |= {"decoratedGeneratedActivity": {"share": {"owner": "urn:li:organization:4", "text": text}}}  # type: ignore[dict-item]
    return linkedin.Reader("s", NOW, b"key", "urn:li:organization:7").notification(node)


def commented(**node: Any) -> Any:
    given = {"id": "urn:li:share:81", "author": "urn:li:organization:4", **node}
    return linkedin.Reader("s", NOW, b"key", "urn:li:organization:7").post(given)


def plus(**more: Any) -> Post:
    inner = {"content": "<p>Das Original</p>", "url": "https://plus.google.com/1/posts/ABC"}
    data = {"creationTime": "2015-02-06 07:36:49+0100", "url": "https://plus.google.com/2/posts/DEF"}
    data["postAcl"] = {"visibleToStandardAcl": {"circles": [{"type": "CIRCLE_TYPE_PUBLIC"}]}}  # type: ignore[assignment]
    [found] = googleplus.posts_in({**data, "resharedPost": inner, **more})
    return found


def polled(**item: Any) -> Post:
    fields = {"id": "id", "time": "at", "text": "said", "quote_of": "about", "author.created": "since"}
    entry = {"id": "s", "kind": "poller", "platform": "forum", "url": "https://forum.example", "items": "$"}
    config = polling.Config.model_validate(entry | {"fields": fields})
    given = {"id": "1", "at": WRITTEN, "said": "hm", **item}
    return polling.post_of(given, config, polling.mapping(config))


QUOTED = {"type": "quoted", "id": "77"}
ROWS: list[tuple[str, Callable[[], Any], Means]] = [
    ("Bluesky: an embedded post is quoted", lambda: sky(embed=_record(AT)), {"quote_of": AT, "media": None}),
    ("Bluesky: an embedded list is no post", lambda: sky(embed=_record(LIST)), {"quote_of": None}),
    ("Bluesky: with pictures too", lambda: sky(embed=_with_media(AT)), {"quote_of": AT, "media": True}),
    ("Bluesky: an answer", lambda: sky(reply={"root": reference(AT), "parent": reference(AT)}), {"in_reply_to": AT}),
    (
        "Mastodon: a quote in full",
        lambda: fedi(quote=_quote(uri="https://b.example/1")),
        {"quote_of": "https://b.example/1"},
    ),
    (
        "Mastodon: a quote by a number that is known",
        lambda: fedi(quote={"quoted_status_id": "42"}),
        {"quote_of": "https://a.example/42"},
    ),
    (
        "Mastodon: and by one that is not",
        lambda: fedi(quote={"quoted_status_id": "43"}),
        {"quote_of": "here.example:43"},
    ),
    (
        "Mastodon: one whose author does not agree",
        lambda: fedi(quote={"state": "rejected", "quoted_status": None}),
        {"quote_of": None},
    ),
    ("Mastodon: since when there is the account", lambda: fedi().author, {"created": CREATED}),
    (
        "Mastodon: a time that is none costs no post",
        lambda: fedi(account={"acct": "eva", "created_at": "x"}).author,
        {"created": None},
    ),
    ("X: a quote", lambda: tweet(referenced_tweets=[QUOTED]), {"quote_of": "77", "repost_of": None}),
    (
        "X: a repost",
        lambda: tweet(referenced_posts=[QUOTED | {"type": "reposted"}]),
        {"repost_of": "77", "quote_of": None},
    ),
    ("X: an answer", lambda: tweet(referenced_tweets=[QUOTED | {"type": "replied_to"}]), {"in_reply_to": "77"}),
    ("X: since when there is the account", lambda: tweet().author, {"created": CREATED}),
    ("X: a time that is none costs no post", lambda: tweet({"created_at": {"a": 1}}).author, {"created": None}),
    (
        "Reddit: a crosspost",
        lambda: on_reddit(SUBMISSION, **_cross("Acme & Söhne")),
        {"repost_of": "t3_o", "quote_of": None},
    ),
    (
        "Reddit: one under a title of its own",
        lambda: on_reddit(SUBMISSION, **_cross("Firm")),
        {"repost_of": None, "quote_of": "t3_o"},
    ),
    ("Reddit: an answer", lambda: on_reddit(COMMENT), {"in_reply_to": "t1_abb"}),
    ("Threads: a quote", lambda: on_threads(quoted_post={"id": "5"}), {"quote_of": "5", "repost_of": None}),
    ("Threads: a quote as a bare id", lambda: on_threads(quoted_post="5"), {"quote_of": "5"}),
    ("Threads: a repost", lambda: on_threads(reposted_post={"id": "5"}), {"repost_of": "5", "quote_of": None}),
    ("Threads: an answer", lambda: on_threads(replied_to={"id": "5"}), {"in_reply_to": "5"}),
    (
        "Facebook: a share with words",
        lambda: page(parent_id="1_5", message="Aha"),
        {"quote_of": "1_5", "in_reply_to": None},
    ),
    ("Facebook: what is pushed and names itself", lambda: page(parent_id="9_2", message="Aha"), {"quote_of": None}),
    ("Facebook: a share that was asked for", lambda: asked(parent_id="1_5", message="Aha"), {"quote_of": "1_5"}),
    (
        "Facebook: one without words",
        lambda: asked(parent_id="1_5", story="A shared B"),
        {"repost_of": "1_5", "quote_of": None},
    ),
    ("LinkedIn: a share with words", lambda: shared("Aha"), {"quote_of": "urn:li:share:60", "repost_of": None}),
    (
        "LinkedIn: a post that shares",
        lambda: commented(commentary="Aha", reshareContext={"parent": "urn:li:share:6"}),
        {"quote_of": "urn:li:share:6"},
    ),
    (
        "LinkedIn: one without words",
        lambda: commented(commentary="", reshareContext={"parent": "urn:li:share:6"}),
        {"repost_of": "urn:li:share:6"},
    ),
    ("Google+: a share", plus, {"repost_of": "ABC", "quote_of": None}),
    ("Google+: one with words", lambda: plus(content="Aha"), {"repost_of": None, "quote_of": "ABC"}),
    (
        "YouTube: a comment is about its video",
        lambda: youtube.read_comment(TUBE_COMMENT, youtube.Seen("s", NOW), "v"),
        {"in_reply_to": "v"},
    ),
    (
        "YouTube: a reply is about its comment",
        lambda: youtube.read_comment(TUBE_REPLY, youtube.Seen("s", NOW), "v"),
        {"in_reply_to": "Ug1"},
    ),
    ("the poller: what the file says", lambda: polled(about="5"), {"quote_of": "5"}),
    ("the poller: since when there is the account", lambda: polled(since=WRITTEN).author, {"created": CREATED}),
]


def _record(uri: str) -> Means:
    return {"$type": "app.bsky.embed.record", "record": reference(uri)}


def _with_media(uri: str) -> Means:
    media = {"$type": "app.bsky.embed.images", "images": []}
    return {"$type": "app.bsky.embed.recordWithMedia", "record": _record(uri), "media": media}


def _quote(**status: Any) -> Means:
    return {"state": "accepted", "quoted_status": status}


def _cross(title: str) -> Means:
    return {"crosspost_parent": "t3_o", "crosspost_parent_list": [{"title": title}]}


@pytest.mark.parametrize(("read", "means"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_told_of_others_is_read(read: Callable[[], Any], means: Means) -> None:
    found = read()
    assert {name: getattr(found, name) for name in means} == means
