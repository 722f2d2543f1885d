"""What other readers of feeds are tried with, each in a small feed of the same shape."""

from datetime import UTC, datetime

import pytest

from agents.ingest.formats.feed import Document, read_feed
from schemas.event import Author, Post

SEEN = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = (
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)


def only(body: str) -> Post:
    document = Document(body.encode(), "application/xml", "https://a.example/feed", "https://a.example/feed", SEEN)
    (post,) = read_feed(document, "web").posts
    return post


def item(inside: str) -> Post:
    return only(f'<rss version="2.0" {NAMES}><channel><title>Z</title><item>{inside}</item></channel></rss>')


def test_a_link_that_counts_readers_gives_way_to_the_page_it_leads_to() -> None:
    counted = "<link>http://feedproxy.example/~r/Z/~3/1/</link>"
    page = "<feedburner:origLink>https://zeitung.example/bahn</feedburner:origLink>"
    assert item(f"<title>Bahn</title>{counted}{page}").url == "https://zeitung.example/bahn"
    assert item(f"<title>Bahn</title>{counted}").url == "http://feedproxy.example/~r/Z/~3/1/"


def test_the_id_stays_what_it_was_when_a_page_is_told_besides() -> None:
    counted = "<title>Bahn</title><link>http://feedproxy.example/~r/Z/~3/1/</link>"
    page = "<feedburner:origLink>https://zeitung.example/bahn</feedburner:origLink>"
    assert item(counted + page).id == item(counted).id


@pytest.mark.parametrize(
    ("inside", "text", "sentence"),
    [
        ("<description>kurz</description><content:encoded>lang</content:encoded>", "lang", "the longer one first"),
        (
            "<description>kurz</description><content:encoded></content:encoded>",
            "kurz",
            "an empty content hides nothing",
        ),
        (
            "<description>kurz</description><content:encoded><![CDATA[<p> </p>]]></content:encoded>",
            "kurz",
            "nor a blank",
        ),
        ("<content:encoded><![CDATA[<p>a &amp; b</p><p>c</p>]]></content:encoded>", "a & b\nc", "markup in CDATA"),
        ("<itunes:summary>Folge eins</itunes:summary>", "Folge eins", "a podcast"),
        ("<description>&amp;lt;b&amp;gt; ist ein Tag</description>", "<b> ist ein Tag", "markup that is spoken of"),
    ],
)
def test_the_text_is_the_first_that_says_something(inside: str, text: str, sentence: str) -> None:
    assert item(f"<title>T</title><guid>1</guid>{inside}").text == text, sentence


def test_an_episode_without_a_page_is_where_it_is_heard() -> None:
    heard = '<enclosure url="https://a.example/1.mp3" type="audio/mpeg"/>'
    post = item(f'<title>Folge 1</title><guid isPermaLink="false">1</guid>{heard}')
    assert (post.url, post.media) == ("https://a.example/1.mp3", True)
    other = item(
        '<title>T</title><link>https://a.example/</link><enclosure url="https://a.example/1.pdf" type="a/pdf"/>'
    )
    assert (other.url, other.media) == ("https://a.example/", None)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("<pubDate>Fri,24 Nov 2023 18:28:36 -0000</pubDate>", "no space behind the weekday"),
        ("<pubDate>Fr.,24. November 2023, 19:28 Uhr</pubDate>", "the same in German"),
        ("<dcterms:created>2023-11-24T18:28:36Z</dcterms:created>", "only when it was made"),
        ("<pubDate>Fri, 24 Nov 2023 13:28:36 EST</pubDate>", "a zone by name"),
        ("<pubDate>24 Nov 23 18:28 GMT</pubDate>", "two digits of the year, no seconds"),
    ],
)
def test_a_date_is_found(written: str, sentence: str) -> None:
    found = item(f"<title>T</title><guid>1</guid>{written}").time
    assert found.replace(second=0) == datetime(2023, 11, 24, 18, 28, tzinfo=UTC), sentence


def test_an_entry_of_atom_without_an_author_is_by_that_of_the_feed() -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>Z</title><author><name>Eva</name></author>'
        "<entry><title>T</title><id>urn:1</id><updated>2023-11-24T18:28:36Z</updated>{}</entry></feed>"
    )
    assert only(atom.format("")).author == Author(name="Eva")
    assert only(atom.format("<author><name>Max</name></author>")).author == Author(name="Max")


def test_an_item_of_rss_is_not_by_whom_the_channel_names() -> None:
    editor = "<managingEditor>a@b.example (Chef)</managingEditor>"
    feed = f'<rss version="2.0"><channel>{editor}<item><title>T</title></item></channel></rss>'
    assert only(feed).author is None
