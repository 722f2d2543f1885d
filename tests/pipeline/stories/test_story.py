"""Stories: what is folded into one, what is kept apart, and what is then known of it, in whatever order it came."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.frozen import replace
from pipeline.state import WatchState
from pipeline.stories import dedup, join
from pipeline.stories.dedup import expire, place
from pipeline.stories.memory import Memory
from pipeline.stories.sketch import number as number_of
from pipeline.stories.sketch import sketch
from pipeline.stories.spread import AUTHORS, HOURS, READ, Spread
from pipeline.stories.story import Story
from schemas.event import Author
from schemas.mention import Match
from schemas.receipt import Decision
from tests.pipeline.timeline import NOON, Timeline, match, minute, watch

LEAD = "die nordbahn hat am morgen alle zuege in richtung norden gestoppt weil ein signal ausgefallen ist sagt sie"
QUIET = watch({"kind": "count", "threshold": 10**6, "window": "10m"})


def folded(*posts: Match, memory: Memory | None = None) -> Memory:
    memory = Memory() if memory is None else memory
    for post in posts:
        if memory.known(post.mention.id) is None:
            memory, _ = place(memory, post, post.mention.time)
    return memory


def only(memory: Memory) -> Story:
    (name,) = memory.stories
    return memory.stories[name]


def at(url: str, **about: Any) -> dict[str, Any]:
    return {"url": url, "platform": "web", **about}


@pytest.mark.parametrize(
    ("posts", "stories", "why"),
    [
        ([{"text": LEAD}, {"text": LEAD.upper() + "!"}], 1, "an exact copy but for case and marks"),
        ([{"text": LEAD}, {"text": f"RT @db: {LEAD}"}], 1, "a marked repost"),
        ([{"text": LEAD}, {"text": f"{LEAD} heute"}], 1, "a near copy"),
        ([{"text": "eins"}, {"text": "anders", "repost_of": "0"}], 1, "a repost goes to its root"),
        ([{"text": "anders", "repost_of": "1"}, {"text": "eins"}], 1, "also if the root is heard later"),
        ([{"text": "wie peinlich", "repost_of": "x"}, {"text": "na so was", "repost_of": "x"}], 1, "or never"),
        ([{"text": LEAD}, {"text": "das ist ein witz", "quote_of": "0"}], 1, "a quote goes to its root"),
        (
            [{"text": LEAD}, {"text": "das ist ein witz", "quote_of": "0"}, {"text": "das ist ein witz"}],
            2,
            "what a quote says beside it is no copy of the root",
        ),
        (
            [
                at("https://a.example/n?utm_source=x", text="eins"),
                at("https://amp.a.example/n/amp", text="zwei anders"),
            ],
            1,
            "the same page by another address",
        ),
        ([at("https://a.example/n?id=1", text="eins"), at("https://a.example/n?id=2", text="zwei")], 2, "two pages"),
        ([at("https://a.example/", text="eins"), at("https://a.example", text="zwei")], 2, "a site is no story"),
        ([{"text": f"{LEAD} delay 10 min"}, {"text": f"{LEAD} delay 90 min"}], 2, "another number"),
        ([{"text": f"{LEAD} linie 6"}, {"text": f"{LEAD} linie 7"}], 2, "another line"),
        ([{"text": f"{LEAD} und faehrt"}, {"text": f"{LEAD} und faehrt nicht"}], 2, "a negation"),
        (
            [{"text": f"{LEAD} delay 10 min"}, {"text": LEAD}, {"text": f"{LEAD} delay 90 min"}],
            3,
            "what states neither does not join what states different things",
        ),
        ([{"text": "👍"}, {"text": "👍"}], 1, "an exact copy of an emoji"),
        ([{"text": "👍", "in_reply_to": "y"}, {"text": "👍", "in_reply_to": "y"}], 1, "the same answer to one post"),
        ([{"text": "👍", "in_reply_to": "y"}, {"text": "👍", "in_reply_to": "z"}], 2, "the same answer to two posts"),
        ([{"text": "👍", "in_reply_to": "y"}, {"text": "👍"}], 2, "an answer and a post of its own"),
        ([{"text": ""}, {"text": ""}], 2, "what says nothing is no copy"),
        (
            [{"text": LEAD}, {"text": "ganz anders", "repost_of": "y"}, {"text": LEAD, "repost_of": "y"}],
            1,
            "a mention that belongs to two stories makes them one",
        ),
    ],
)
def test_what_is_one_story(posts: list[dict[str, Any]], stories: int, why: str) -> None:
    matches = [match(str(number), number, **post) for number, post in enumerate(posts)]
    for order in (matches, matches[::-1]):
        memory = folded(*order)
        assert memory.size == len(list(memory.stories)) == stories, why
        assert sum(memory.stories[name].copies for name in memory.stories) == len(posts), why


FORGED = [
    ("two texts of many words", [LEAD, "ganz anders ist es in ulm geschehen sagt die polizei"]),
    ("texts of other figures", [f"{LEAD} 4 tote", f"{LEAD} 5 tote"]),
    ("texts of one word", ["danke", "bitte"]),
    ("emoji", ["👍", "👎"]),
    ("links", ["https://t.co/x", "https://t.co/y"]),
]


@pytest.mark.parametrize(("why", "texts"), FORGED, ids=[row[0] for row in FORGED])
def test_two_texts_whose_keys_collide_stay_two_stories(
    monkeypatch: pytest.MonkeyPatch, why: str, texts: list[str]
) -> None:
    """A hash finds and never joins: what it has found is compared."""
    monkeypatch.setattr("pipeline.stories.dedup.sketch", lambda *said: replace(sketch(*said), key=7))
    posts = [match(str(number), number, text) for number, text in enumerate(texts)]
    assert folded(*posts).size == 2, why
    memory = folded(*posts, match("copy", 2, texts[1]))
    assert memory.size == 2, "a copy of the later one finds it"
    assert memory.known("x:copy") is memory.known("x:1")


def test_what_is_known_of_a_story() -> None:
    posts = [
        match("1", 5, LEAD, followers=10, writer="a"),
        match("2", 70, LEAD, followers=500, writer="b", platform="mastodon"),
        match("3", 0, LEAD, followers=10, writer="a"),
        match("4", 71, "schlimm", quote_of="1", followers=7, writer="c"),
        match("5", 72, LEAD, author=None),
    ]
    story = only(folded(*posts))
    assert (story.opened, story.first) == ("x:3", minute(0)), "the first post, though it was heard third"
    assert story.spread.platforms == {"x": 4, "mastodon": 1}
    assert story.spread.distinct_authors == 3, "who wrote twice is one, whom nobody names is none"
    assert story.reach == 517, "everybody's followers once; a quote raises it"
    assert list(story.spread.curve.values()) == [2, 3]
    assert story.copies == 5
    assert story.stands == "x:1", "the first that was heard stands for it"


def test_an_edit_and_a_redelivery_update_and_do_not_count() -> None:
    line = Timeline(QUIET)
    line.post(0, LEAD, id="1")
    assert line.post(1, LEAD, id="1").decision is Decision.REDELIVERED
    assert line.post(2, f"{LEAD} korrigiert", id="1", edited=True).decision is Decision.EDITED
    story = only(line.state.memory)
    assert (story.copies, story.spread.platforms) == (1, {"x": 1})
    assert story.quoted is not None
    assert story.quoted.text.endswith("korrigiert")


TEXTS = [LEAD, f"{LEAD} heute", f"{LEAD} heute schon wieder", f"nun {LEAD}", f"{LEAD} 10 min", f"{LEAD} 90 min", ""]
TEXTS += ["👍", "kurz", "etwas ganz anderes ist in ulm geschehen", "das ist ein witz"]
URLS = [None, None, None, "https://a.example/n?fbclid=1", "https://m.a.example/n", "https://b.example/n"]
NAMES = st.integers(0, 15)
POSTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    text=st.sampled_from(TEXTS),
    repost_of=st.none() | st.none() | NAMES.map(str),
    quote_of=st.none() | st.none() | st.none() | NAMES.map(str),
    url=st.sampled_from(URLS),
    platform=st.sampled_from(["x", "x", "web"]),
    writer=st.sampled_from(["a", "b", "c"]),
    followers=st.just(5),
    when=st.integers(0, 300),
)


def known(memory: Memory, posts: list[Match]) -> Any:
    """Return all that is known of the stories but which post stands for each."""
    members: dict[str, set[str]] = {}
    for post in posts:
        found = memory.known(post.mention.id)
        assert found
        members.setdefault(found.id, set()).add(post.mention.id)
    stories = [(memory.stories[name], frozenset(members[name])) for name in memory.stories]
    return {
        ids: (story.first, story.opened, story.copies, story.own, story.reach, story.spread) for story, ids in stories
    }


@settings(deadline=None, max_examples=150)
@given(st.lists(POSTS, min_size=2, max_size=14), st.data())
def test_the_order_of_arrival_does_not_matter(posts: list[dict[str, Any]], data: st.DataObject) -> None:
    matches = [match(str(number), post.pop("when"), **post) for number, post in enumerate(posts)]
    other = data.draw(st.permutations(matches))
    memories = [Memory(), Memory()]
    for at_, order in enumerate((matches, other)):
        for post in order:
            memories[at_], _ = place(memories[at_], post, minute(300))
    assert known(memories[0], matches) == known(memories[1], matches)


@settings(deadline=None, max_examples=60)
@given(st.lists(POSTS, min_size=1, max_size=14))
def test_a_restored_memory_folds_on_in_the_same_way(posts: list[dict[str, Any]]) -> None:
    straight, restarted = Timeline(QUIET), Timeline(QUIET)
    for number, post in enumerate(posts):
        one = match(str(number), post.pop("when"), **post)
        straight.take(one)
        restarted.take(one)
        restarted.state = WatchState.restore(restarted.state.rows())
    assert straight.state.rows() == restarted.state.rows()
    assert [one.story for one in straight.receipts] == [one.story for one in restarted.receipts]


def test_segments_of_joined_stories_stay_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "HASHES", 3)
    line = Timeline(QUIET)
    for number in range(7):
        line.post(number, LEAD, id=f"a{number}")
        line.post(number, "ganz anders", id=f"b{number}", repost_of="root")
    assert line.state.memory.size == 2
    line.post(8, LEAD, id="both", repost_of="root")
    story = only(line.state.memory)
    assert (story.copies, line.state.memory.size) == (15, 1)
    assert all(line.state.memory.known(f"x:{letter}{number}") for letter in "ab" for number in range(7))
    assert WatchState.restore(line.state.rows()) == line.state
    memory = expire(line.state.memory, NOON + timedelta(days=30))
    left = memory.tables
    assert not any((left.members, left.leads, left.texts, left.roots, left.segments, memory.size))


def test_all_that_a_story_remembers_is_bounded() -> None:
    memory = Memory()
    for number in range(400):
        words = f"{LEAD} {'x' * (number % 40 + 1)}"
        about = {"repost_of": f"r{number}", "writer": f"w{number}", "followers": number, "platform": "x"}
        memory, _ = place(memory, match(str(number), 60 * number, words, **about), minute(60 * number))
    story = only(memory)
    assert story.copies == 400
    assert (len(story.wordings), len(story.links)) == (join.WORDINGS, join.LINKS)
    assert (len(story.spread.authors), len(story.spread.read)) == (AUTHORS, READ)
    assert len(story.spread.curve) == HOURS
    assert story.reach == sum(range(400 - READ, 400))


def test_many_authors_are_estimated() -> None:
    spread = Spread()
    for name in range(2_000):
        spread = spread.take("x", 1, number_of(f"x:{name}"), None)
    assert 1_200 < spread.distinct_authors < 3_200
    again = spread.take("x", 1, number_of("x:7"), None)
    assert again.distinct_authors == spread.distinct_authors


def test_whom_one_may_not_remember_is_no_author_and_an_erased_one_is_forgotten() -> None:
    line = Timeline(QUIET)
    line.post(0, LEAD, id="1", writer="eva", followers=3)
    line.post(1, LEAD, id="2", platform="linkedin", author=Author(id="urn:1", name="Max", followers=7))
    story = only(line.state.memory)
    assert (story.spread.distinct_authors, story.reach) == (1, 10)
    line.delete("eva", author=True)
    story = only(line.state.memory)
    assert (story.spread.distinct_authors, story.copies) == (0, 2)
    assert len(story.spread.read) == 1
    line.delete("1")
    assert only(line.state.memory).opened == ""


def test_of_stories_that_are_one_the_one_heard_first_stands() -> None:
    page = "https://example.org/a"
    memory = folded(match("1", 0, LEAD), match("2", 1, "ganz anders gesagt als bisher", url=page))
    first, second = memory.known("x:1"), memory.known("x:2")
    assert first is not None
    assert second is not None
    assert first.id != second.id
    memory = folded(match("3", 2, LEAD, url=page), memory=memory)
    assert only(memory).id == first.id
    assert only(memory).copies == 3


def test_an_address_that_says_only_which_post_it_is_leads_nowhere() -> None:
    said = {"id": "1234567", "url": "https://x.com/anna/status/1234567"}
    assert join.links_of(match(said["id"], 0, LEAD, url=said["url"]).mention) == ()
    assert join.links_of(match(said["id"], 0, LEAD, url=said["url"], platform="web").mention)
    assert join.links_of(match("7654321", 0, LEAD, url=said["url"]).mention), "of another post it does"


def test_a_reader_counts_once_with_the_most_followers_an_author_was_seen_with() -> None:
    for many in ((10, 5), (5, 10)):
        spread = Spread()
        for followers in many:
            spread = spread.take("x", 1, 7, (followers, 7))
        assert (spread.reach, spread.distinct_authors) == (10, 1)
