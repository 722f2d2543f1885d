"""What recorded answers hold that the documentation shows in no example: each in a payload of the same shape."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.ingest.platforms import bluesky, mastodon, reddit
from pipeline.sentiment import assess
from pipeline.stories.sketch import sketch
from schemas.event import Deletion, Event
from schemas.mention import Language, SentimentClass
from tests.agents.ingest.test_reddit import COMMENT, SUBMISSION, thing

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
PARAGRAPH = (
    '<p class="quote-inline">RE: <a href="https://a.example/@max/1"><span class="invisible">https://</span>'
    '<span class="ellipsis">a.example/@m</span><span class="invisible">ax/1</span></a></p>'
)
STATUS: dict[str, Any] = {
    "id": "7",
    "uri": "https://a.example/users/eva/statuses/7",
    "url": "https://a.example/@eva/7",
    "created_at": "2026-11-20T07:00:00.000Z",
    "visibility": "public",
    "content": "<p>Genau!</p>",
    "account": {"acct": "eva", "display_name": "Eva"},
}
QUOTE = {"state": "accepted", "quoted_status": {"uri": "https://a.example/users/max/statuses/1"}}
BOOSTED = STATUS | {"id": "5", "uri": "https://a.example/users/max/statuses/5", "url": "https://a.example/@max/5"}
PICTURES = [{"type": "image", "description": "Ein Brief der Bahn"}, {"type": "image", "description": None}]


def status(**fields: Any) -> Event:
    read = mastodon.read_status(STATUS | fields, mastodon.Seen("m", NOW, "a.example"), {})
    assert isinstance(read.item, Event)
    return read.item


@pytest.mark.parametrize(
    ("fields", "text", "sentence"),
    [
        ({"content": PARAGRAPH + "<p>Genau!</p>", "quote": QUOTE}, "Genau!", "who knows of quotes needs no link"),
        (
            {"content": PARAGRAPH + "<p>Genau!</p>", "quote": {"state": "revoked", "quoted_status": None}},
            "Genau!",
            "nor where the quoted post is no longer shown",
        ),
        ({"content": PARAGRAPH}, "RE: https://a.example/@max/1", "a server that knows of no quotes says it in words"),
        (
            {"content": '<p>Genau!<span class="quote-inline"><br>RE: https://a.example/1</span></p>', "quote": QUOTE},
            "Genau!",
            "another program writes it below",
        ),
        ({"content": '<p class="quote-inline">x', "quote": QUOTE}, "x", "a paragraph that never ends stays"),
        (
            {
                "content": "<p>Wer ist schuld?</p>",
                "poll": {"options": [{"title": "Die Bahn"}, {"title": "Das Wetter"}]},
            },
            "Wer ist schuld?\n☐ Die Bahn\n☐ Das Wetter",
            "what a poll offers is said too",
        ),
        ({"content": "", "media_attachments": PICTURES}, "Ein Brief der Bahn", "a picture that is described"),
        (
            {"content": "<p>Ein Brief der Bahn</p>", "media_attachments": [*PICTURES, *PICTURES]},
            "Ein Brief der Bahn",
            "one described by the words of the post",
        ),
    ],
)
def test_the_text_of_a_status_is_what_people_read(fields: dict[str, Any], text: str, sentence: str) -> None:
    assert status(**fields).text == text, sentence


def test_a_boost_leads_to_a_page_and_not_to_what_programs_read() -> None:
    boost = status(content="", url="https://a.example/users/eva/statuses/7/activity", reblog=BOOSTED)
    assert (boost.url, boost.repost_of) == (BOOSTED["url"], BOOSTED["uri"])


def frame(record: dict[str, Any]) -> Event:
    commit = {"rev": "1", "operation": "create", "collection": bluesky.POSTS, "rkey": "3k", "record": record}
    wire = {"did": "did:plc:a", "time_us": 1_795_000_000_000_000, "kind": "commit", "commit": commit}
    item = bluesky.read_frame(json.dumps(wire), bluesky.Seen("b", NOW)).item
    assert isinstance(item, Event)
    return item


CARD = {
    "$type": "app.bsky.embed.external",
    "external": {"uri": "https://a.example/7", "title": "Bahn", "description": ""},
}
IMAGES = {"$type": "app.bsky.embed.images", "images": [{"alt": "Ein Brief"}, {"alt": ""}, {"alt": "der Bahn"}]}
REFERENCE = {"record": {"uri": "at://did:plc:b/app.bsky.feed.post/1", "cid": "x"}}


@pytest.mark.parametrize(
    ("text", "embed", "means", "sentence"),
    [
        ("Lest:", CARD, "Lest:\nhttps://a.example/7", "a card whose link the text does not hold"),
        ("Lest https://a.example/7", CARD, "Lest https://a.example/7", "one whose link it does"),
        (
            "Lest https://a.example/78",
            CARD,
            "Lest https://a.example/78\nhttps://a.example/7",
            "whose link begins alike",
        ),
        ("Lest (https://a.example/7/).", CARD, "Lest (https://a.example/7/).", "whose link ends with a slash"),
        ("", IMAGES, "Ein Brief\nder Bahn", "pictures that are described, without a word"),
        ("Hm", {"$type": "app.bsky.embed.video", "alt": "Ein Zug"}, "Hm\nEin Zug", "a video"),
        (
            "Da",
            {"$type": "app.bsky.embed.recordWithMedia", "record": REFERENCE, "media": IMAGES},
            "Da\nEin Brief\nder Bahn",
            "a quote with pictures",
        ),
        ("Da", {"$type": "app.bsky.embed.record", **REFERENCE}, "Da", "a quote says nothing besides"),
        ("  Zug\n\n weg", {"$type": "app.bsky.embed.images", "images": "x"}, "Zug\n\n weg", "no list of pictures"),
    ],
)
def test_beside_the_text_stands_what_a_post_shows(text: str, embed: dict[str, Any], means: str, sentence: str) -> None:
    assert frame({"text": text, "createdAt": "2026-11-20T07:00:00Z", "embed": embed}).text == means, sentence


def told(base: dict[str, Any], **data: Any) -> Event | Deletion:
    return reddit.read_thing(thing(base, **data), reddit.Seen("r", NOW)).item


@pytest.mark.parametrize(
    ("data", "text", "title", "sentence"),
    [
        ({"selftext": " \n"}, "Acme & Söhne", None, "a text that is blank leaves the title to speak"),
        ({"selftext": "&#x200B;\n\n&#x200B;"}, "Acme & Söhne", None, "as the editor writes an empty line"),
        (
            {"selftext": "Und?", "poll_data": {"options": [{"text": "Ja"}, {"text": "Nein"}]}},
            "Und?\n☐ Ja\n☐ Nein",
            "Acme & Söhne",
            "a poll",
        ),
        (
            {
                "selftext": "",
                "is_gallery": True,
                "gallery_data": {"items": [{"caption": "Der Brief"}, {"media_id": "x"}]},
            },
            "Der Brief",
            "Acme & Söhne",
            "captions of a gallery",
        ),
    ],
)
def test_the_text_of_a_submission_is_what_people_read(
    data: dict[str, Any], text: str, title: str | None, sentence: str
) -> None:
    item = told(SUBMISSION, **data)
    assert isinstance(item, Event)
    assert (item.text, item.title) == (text, title), sentence


def test_a_link_that_the_text_of_a_submission_holds_is_said_once() -> None:
    item = told(SUBMISSION, selftext="Siehe https://a.example/x", is_self=False, url="https://a.example/x")
    assert isinstance(item, Event)
    assert item.text == "Siehe https://a.example/x"


def test_what_a_poll_offers_makes_no_question_a_complaint() -> None:
    german = Language(code="de", confidence=1)
    asked = status(
        content="<p>Wie findet ihr die Bahn?</p>", poll={"options": [{"title": "Super"}, {"title": "Katastrophe"}]}
    )
    assert assess(asked.text, german) == assess("Wie findet ihr die Bahn?", german)
    assert assess("Wie findet ihr die Bahn? Katastrophe", german).label is SentimentClass.NEGATIVE


def test_copies_with_and_without_a_card_are_one_story() -> None:
    said = "Die Bahn führt neue Züge ein"
    with_card = frame({"text": said, "createdAt": "2026-11-20T07:00:00Z", "embed": CARD}).text
    assert with_card != said
    assert sketch(with_card).key == sketch(said).key


@pytest.mark.parametrize("body", ["[removed]", "[deleted]", "[ Removed by Reddit ]"])
def test_what_reddit_itself_removed_is_gone_though_its_author_is_named(body: str) -> None:
    assert isinstance(told(COMMENT, body=body), Deletion)


def test_a_comment_of_before_2017_has_no_address_of_its_own() -> None:
    old = {"kind": "t1", "data": {name: value for name, value in COMMENT["data"].items() if name != "permalink"}}
    item = reddit.read_thing(old, reddit.Seen("r", NOW)).item
    assert isinstance(item, Event)
    assert (item.url, item.in_reply_to) == (None, "t1_abb")
