"""Recorded answers of platforms as files whose first line tells what they are, shaped as real ones."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.payloads import is_payload, posts_of
from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import read_file
from schemas.event import Author, Post
from tests.agents.ingest.test_bluesky import JSON
from tests.agents.ingest.test_recorded_shapes import STATUS
from tests.agents.ingest.test_reddit import COMMENT, SUBMISSION

AT = datetime(2026, 11, 20, 7, tzinfo=UTC)
TIME = "2026-11-20T07:00:00.000Z"
TWEET = {"id": "17", "author_id": "7", "text": "Die Bahn", "created_at": TIME, "edit_history_tweet_ids": ["17"]}
USER = {"id": "7", "username": "eva", "public_metrics": {"followers_count": 9}}
FLAT = TWEET | {
    "author": USER,
    "referenced_tweets": [
        {"type": "retweeted", "id": "16", "text": "Die ganze Bahn", "author": {"id": "8", "username": "max"}}
    ],
}
OLD = {
    "id_str": "17",
    "id": 17,
    "created_at": "Fri Nov 20 07:00:00 +0000 2026",
    "text": "RT @max: Die Ba…",
    "lang": "de",
    "user": {"id_str": "7", "screen_name": "eva", "followers_count": 9, "verified": False},
    "retweeted_status": {
        "id_str": "16",
        "text": "Die Ba…",
        "extended_tweet": {
            "full_text": "Die Bahn https://t.co/a",
            "entities": {"urls": [{"url": "https://t.co/a", "expanded_url": "https://bahn.example/"}]},
        },
        "favorite_count": 3,
        "retweet_count": 2,
    },
    "in_reply_to_status_id_str": None,
    "quoted_status_id_str": "15",
}
FRAME: dict[str, Any] = {
    "did": "did:plc:a",
    "time_us": 1_795_158_000_000_000,
    "kind": "commit",
    "commit": {
        "rev": "1",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": "3k",
        "record": {"text": "Die Bahn", "createdAt": TIME, "langs": ["de"]},
    },
}
COMMENT_THREAD = {
    "kind": "youtube#commentThread",
    "id": "U1",
    "snippet": {
        "videoId": "v1",
        "totalReplyCount": 1,
        "topLevelComment": {"id": "U1", "snippet": {"textOriginal": "Die Bahn", "publishedAt": TIME}},
    },
    "replies": {
        "comments": [{"id": "U1.1", "snippet": {"textOriginal": "Nein", "publishedAt": TIME, "parentId": "U1"}}]
    },
}
ARCHIVED = COMMENT["data"] | {"subreddit": "acme", "created_utc": "1763884900"}


@pytest.mark.parametrize(
    ("answer", "expected", "sentence"),
    [
        (
            {"data": [TWEET | {"id": "18"}, TWEET], "includes": {"users": [USER]}},
            ["x:17", "x:17"],
            "a page of X, edited",
        ),
        ({"data": TWEET, "matching_rules": [{"id": "1"}]}, ["x:17"], "a line of its stream"),
        (FLAT, ["x:17"], "a post that twarc has made flat"),
        (OLD, ["x:17"], "a post of API 1.1"),
        (STATUS, ["mastodon:https://a.example/users/eva/statuses/7"], "a status"),
        (STATUS | {"visibility": "direct"}, [], "a status that is not public"),
        (FRAME, ["bluesky:at://did:plc:a/app.bsky.feed.post/3k"], "a frame of Jetstream"),
        (FRAME | {"commit": FRAME["commit"] | {"collection": "app.bsky.feed.like"}}, [], "a like"),
        (FRAME | {"kind": "account", "account": {"active": False, "status": "deleted"}}, [], "an account that went"),
        (SUBMISSION, ["reddit:t3_hleyaa"], "a thing of Reddit"),
        (
            {"kind": "Listing", "data": {"children": [SUBMISSION, {"kind": "more"}, COMMENT]}},
            ["reddit:t3_hleyaa", "reddit:t1_abc"],
            "a listing",
        ),
        (ARCHIVED, ["reddit:t1_abc"], "a comment of an archive"),
        (ARCHIVED | {"body": "[deleted]"}, [], "one that was deleted before"),
        (COMMENT_THREAD, ["youtube:U1", "youtube:U1.1"], "a thread of YouTube"),
        (
            {"kind": "youtube#commentThreadListResponse", "items": [COMMENT_THREAD]},
            ["youtube:U1", "youtube:U1.1"],
            "a list of them",
        ),
        ({"data": [{"text": 3, "id": []}, TWEET]}, ["x:17", "wrong-type"], "one that is none holds up no other"),
        (
            {"kind": "Listing", "data": {"children": [{"kind": "t1", "data": {}}, COMMENT]}},
            ["wrong-type", "reddit:t1_abc"],
            "nor here",
        ),
    ],
)
def test_an_answer_holds_posts(answer: dict[str, Any], expected: list[str], sentence: str) -> None:
    assert is_payload(answer), sentence
    found = [one.reason if isinstance(one, InvalidPost) else one.key for one in posts_of(answer)]
    assert found == expected, sentence


def post(answer: dict[str, Any]) -> Post:
    (found,) = posts_of(answer)
    assert isinstance(found, Post)
    return found


def test_a_flat_post_has_its_author_and_the_whole_of_what_it_passes_on() -> None:
    found = post(FLAT)
    assert (found.text, found.repost_of, found.time) == ("Die ganze Bahn", "16", AT)
    assert found.author == Author(id="7", name="eva", followers=9)


def test_a_post_of_api_1_1_has_the_whole_text_and_where_its_links_lead() -> None:
    found = post(OLD)
    assert (found.text, found.lang, found.time) == ("Die Bahn https://bahn.example/", "de", AT)
    assert (found.repost_of, found.quote_of, found.in_reply_to) == ("16", "15", None)
    assert (found.author, found.metrics) == (Author(id="7", name="eva", followers=9), {"likes": 3, "shares": 2})


def outcome(path: Path) -> list[tuple[int, str]]:
    return [
        (one.line, one.post.reason if isinstance(one.post, InvalidPost) else one.post.key) for one in read_file(path)
    ]


def test_a_file_of_answers_is_read_post_by_post(tmp_path: Path) -> None:
    path = tmp_path / "tweets.jsonl"
    page = {"data": [TWEET, TWEET | {"id": "18", "edit_history_tweet_ids": ["18"]}]}
    lines = ["", json.dumps(page), "{", json.dumps({"meta": 1}), json.dumps({"data": TWEET})]
    path.write_text("\n".join(lines))
    assert outcome(path) == [(1, "x:18"), (2, "x:17"), (3, "not-json"), (4, "wrong-type"), (5, "x:17")]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_answer_that_was_saved_is_read_whole(tmp_path: Path, indent: int | None) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"data": [TWEET]}, indent=indent))
    (tmp_path / "b.json").write_text(json.dumps([STATUS, STATUS], indent=indent))
    name = "mastodon:https://a.example/users/eva/statuses/7"
    assert outcome(tmp_path / "a.json") == [(1, "x:17")]
    assert outcome(tmp_path / "b.json") == [(1, name), (2, name)]


def test_posts_in_our_own_format_are_never_taken_for_an_answer() -> None:
    ours = {"platform": "x", "id": "1", "time": TIME, "text": "a", "author_id": "7", "kind": "t3", "data": {}}
    assert not is_payload(ours)


@given(JSON, st.sampled_from([FLAT, OLD, STATUS, FRAME, SUBMISSION, ARCHIVED, COMMENT_THREAD]), st.data())
def test_whatever_stands_in_an_answer_is_a_post_or_a_fault(
    value: Any, shape: dict[str, Any], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(shape)))
    for found in posts_of(shape | {field: value}):
        assert isinstance(found, Post | InvalidPost)
