"""What a platform forbids to keep is kept nowhere: topics, the dead, and (in their own tests) state and alerts."""

import pytest

from schemas.dead import bury
from schemas.event import Author, Event
from schemas.retention import KEPT_AT_MOST_HOURS, may_last, without_profile
from schemas.topics import DEAD, MENTIONS, RAW_TOPICS, TOPICS, raw_topic
from tests.schemas.test_records import AT

HOUR = 3_600_000
QUIETEST = 0.25
"""Hours in which a broker notices that a segment has had its time, and removes the file."""


def longest(name: str) -> float:
    """Return for how many hours a record may lie in a topic: until the last one of its segment has expired."""
    [topic] = [topic for topic in TOPICS if topic.name == name]
    config = topic.config()
    return (int(config["retention.ms"]) + int(config["segment.ms"])) / HOUR + QUIETEST


@pytest.mark.parametrize(("platform", "hours"), KEPT_AT_MOST_HOURS.items())
def test_a_post_matched_at_the_end_of_its_time_is_gone_in_time(platform: str, hours: int) -> None:
    assert raw_topic(platform) in RAW_TOPICS
    assert longest(raw_topic(platform)) + longest(MENTIONS) <= hours


def test_segments_are_short_only_where_they_must_be() -> None:
    short = {topic.name for topic in TOPICS if "segment.ms" in topic.config()}
    assert short == {MENTIONS, *(raw_topic(platform) for platform in KEPT_AT_MOST_HOURS)}


@pytest.mark.parametrize(
    ("topic", "value", "kept", "sentence"),
    [
        ("earshot.raw.linkedin", b"{broken", False, "whatever stands in LinkedIn's topic is LinkedIn's"),
        ("acme.raw.linkedin", b"{broken", False, "under any prefix"),
        ("earshot.mentions", b'{"mention":{"platform":"linkedin"', False, "a match of a LinkedIn post"),
        ("earshot.mentions", b'{"mention":{"platform":"x"', True, "another match"),
        ("earshot.alerts", b'{"quotes":[{"platform":"linkedin"', True, "alerts hold no words of LinkedIn"),
        ("earshot.raw.x", b"{broken", True, "another platform"),
    ],
)
def test_the_dead_topic_keeps_months_and_so_not_what_may_not_last(
    topic: str, value: bytes, kept: bool, sentence: str
) -> None:
    dead = bury(value, reason="not-json", topic=topic, partition=0, offset=0, at=AT)
    assert dead.original == (value if kept else b""), sentence
    assert dead.complete is kept, "and it is read again from where it stood"
    assert dead.size == len(value)


AUTHORS = [
    ("linkedin", Author(id="urn:li:person:7", name="Eva", followers=9), Author(followers=9), "who a member is"),
    ("linkedin", Author(id="member-ab12"), Author(id="member-ab12"), "a pseudonym says nothing"),
    ("linkedin", Author(id="urn:li:organization:7", name="AG"), Author(id="urn:li:organization:7"), "no person's id"),
    ("linkedin", None, None, "nobody"),
    ("x", Author(id="7", name="Eva"), Author(id="7", name="Eva"), "another platform"),
]


@pytest.mark.parametrize(("platform", "author", "kept", "sentence"), AUTHORS)
def test_who_wrote_it_is_kept_only_where_that_may_be_kept_as_long(
    platform: str, author: Author | None, kept: Author | None, sentence: str
) -> None:
    event = Event(platform=platform, id="1", time=AT, text="", author=author, source="s", seen=AT)
    assert without_profile(event).author == kept, sentence


def test_linkedin_may_not_last() -> None:
    assert not may_last("linkedin")
    assert may_last("facebook")
    assert DEAD not in RAW_TOPICS
