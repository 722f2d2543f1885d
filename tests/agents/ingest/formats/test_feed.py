"""Feeds as they are: in every encoding, without ids, without dates, broken off."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.feed import LONGEST_NAME, Document, read_feed
from agents.ingest.formats.feeddate import read_date
from schemas.errors import SourceError
from schemas.event import Post

SEEN = datetime(2026, 1, 1, tzinfo=UTC)
RSS = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0"><channel><title>Zeitung</title><language>de-DE</language>{items}</channel></rss>"""
ITEM = "<item><title>Zug entgleist – München</title><link>http://a.de/1</link><guid>http://a.de/1</guid></item>"
ATOM = (
    """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry>{entry}</entry></feed>"""
)


def read(body: bytes | str, content_type: str = "application/rss+xml") -> tuple[Post, ...]:
    data = body.encode() if isinstance(body, str) else body
    return read_feed(Document(data, content_type, "http://a.de/feed", "http://home.de/", SEEN), "web").posts


def rss(*items: str, encoding: str = "utf-8") -> str:
    return RSS.format(encoding=encoding, items="".join(items))


@pytest.mark.parametrize(
    ("declared", "written", "content_type", "sentence"),
    [
        ("utf-8", "utf-8", "application/rss+xml", "all agree"),
        ("windows-1252", "windows-1252", "text/xml", "an old system that says so"),
        ("windows-1252", "windows-1252", "text/xml; charset=windows-1252", "and says it twice"),
        ("utf-8", "windows-1252", "application/xml; charset=utf-8", "the bytes are not what they are called"),
        ("iso-8859-1", "utf-8", "application/xml", "the file is called Latin-1 but is UTF-8"),
        ("utf-8", "utf-8", "text/xml; charset=iso-8859-1", "the server calls it Latin-1 but it is UTF-8"),
        ("utf-8", "utf-8", "text/xml", "the server says nothing, which would mean ASCII"),
        ("utf-8", "utf-8-sig", "application/xml", "with a byte order mark"),
        ("utf-16", "utf-16", "application/xml", "two bytes a letter"),
        ("utf-8", "utf-8", "", "no content type at all"),
        ("utf-8", "utf-8", "text/html; charset=utf-8", "called HTML"),
    ],
)
def test_umlauts_survive(declared: str, written: str, content_type: str, sentence: str) -> None:
    [post] = read(rss(ITEM, encoding=declared).encode(written), content_type)
    assert post.text == "Zug entgleist – München", sentence


@pytest.mark.parametrize(
    ("item", "expected", "sentence"),
    [
        ("<guid>http://a.de/1</guid><title>T</title>", "http://a.de/1", "a guid that is an address"),
        ("<guid>tag:a.de,2013:1</guid>", "tag:a.de,2013:1", "a guid that is a tag"),
        ("<guid isPermaLink='false'>17</guid>", "home.de:17", "a bare number is the host's own"),
        ("<guid>" + "http://a.de/" + "x" * 600 + "</guid>", "cf4bdfb0b4a7c9e2", "longer than an id may be"),
        ("<link>http://a.de/2</link><title>T</title>", "link and title", "no guid"),
        ("<description>Text</description>", "text", "neither guid, link nor title"),
    ],
)
def test_every_entry_has_an_id_that_stays(item: str, expected: str, sentence: str) -> None:
    [first], [again] = read(rss(f"<item>{item}</item>")), read(rss(f"<item>{item}</item>"))
    assert first.id == again.id
    assert first.id == expected or len(first.id) == 32, sentence


def test_entries_without_guid_are_told_apart_by_link_and_title() -> None:
    written = "<item><link>http://a.de/{}</link><title>{}</title></item>"
    posts = read(rss(written.format(1, "A"), written.format(2, "A"), written.format(1, "B")))
    assert len({post.id for post in posts}) == 3


@pytest.mark.parametrize(
    ("field", "expected", "sentence"),
    [
        ("<pubDate>Sun, 01 Dec 2013 07:20:00 -0500</pubDate>", datetime(2013, 12, 1, 12, 20, tzinfo=UTC), "RFC 822"),
        (
            "<dc:date xmlns:dc='http://purl.org/dc/elements/1.1/'>2013-12-01T12:20:00Z</dc:date>",
            datetime(2013, 12, 1, 12, 20, tzinfo=UTC),
            "ISO 8601",
        ),
        ("", SEEN, "no date: when it was seen"),
        ("<pubDate>gestern</pubDate>", SEEN, "no date that can be read"),
        ("<pubDate>Mon, 99 Dec 99999 99:99:99 GMT</pubDate>", SEEN, "no date that exists"),
    ],
)
def test_the_time_of_an_entry(field: str, expected: datetime, sentence: str) -> None:
    [post] = read(rss(f"<item><title>T</title>{field}</item>"))
    assert post.time == expected, sentence


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Kamps &#xD800; auf", "Kamps \ufffd auf"),
        ("Kamps &#56448; auf", "Kamps \ufffd auf"),
        ("Kamps &#x110000; auf", "Kamps \ufffd auf"),
        (f"Kamps &#{'9' * 5000}; auf", "Kamps \ufffd auf"),
        ("Kamps &#x1F6A2;&#8364; auf", "Kamps \U0001f6a2€ auf"),
    ],
)
@pytest.mark.parametrize("field", ["title", "description", "guid", "link", "author", "category"])
def test_a_letter_that_is_none_stops_no_feed(field: str, written: str, text: str) -> None:
    entry = "<title>T</title>" if field == "guid" else ""
    posts = read(rss(f"<item>{entry}<{field}>{written}</{field}></item>", ITEM))
    assert "http://a.de/1" in {post.id for post in posts}, "the others are read"
    if field in ("title", "description"):
        assert text in {post.text for post in posts}
    for post in posts:
        post.model_dump_json()


def test_a_name_that_is_a_book_is_cut_before_it_is_searched() -> None:
    """feedparser looks for an address in it, in time that grows with its square."""
    for field in ("author", "dc:creator xmlns:dc='http://purl.org/dc/elements/1.1/'"):
        [post] = read(rss(f"<item><title>T</title><{field}>{'x' * 20_000}</{field.split()[0]}></item>"))
        assert post.author is not None
        assert post.author.name == "x" * LONGEST_NAME


def test_html_becomes_text_and_plain_text_stays() -> None:
    html = (
        "<item><title>A &amp; B</title><description>&lt;p&gt;Ein &lt;b&gt;Zug&lt;/b&gt;&lt;/p&gt;</description></item>"
    )
    [post] = read(rss(html))
    assert (post.title, post.text) == ("A & B", "Ein Zug")
    [post] = read(ATOM.format(entry="<id>urn:1</id><title type='text'>a &lt;b&gt; c</title>"))
    assert (post.title, post.text) == (None, "a <b> c")
    xhtml = "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Hallo</p><p>Du</p></div></content>"
    [post] = read(ATOM.format(entry=f"<id>urn:1</id><title>T</title>{xhtml}"))
    assert post.text == "Hallo\nDu"


def test_author_language_and_link_are_kept() -> None:
    [post] = read(rss("<item><title>T</title><author>max@a.de (Max M)</author><link>http://a.de/1</link></item>"))
    assert post.author is not None
    assert (post.author.name, post.lang, post.url) == ("Max M", "de-DE", "http://a.de/1")


def test_the_oldest_comes_first() -> None:
    dated = "<item><guid>{0}</guid><pubDate>Sun, 0{1} Dec 2013 07:20:00 GMT</pubDate></item>"
    assert [post.id for post in read(rss(dated.format("c", 3), dated.format("a", 1), dated.format("b", 2)))] == [
        "http://a.de/a",
        "http://a.de/b",
        "http://a.de/c",
    ]
    undated = read(rss("<item><guid>new</guid></item><item><guid>old</guid></item>"))
    assert [post.id for post in undated] == ["http://a.de/old", "http://a.de/new"], "feeds put the newest first"


def test_a_feed_that_breaks_off_gives_what_it_has_and_is_asked_again() -> None:
    whole = rss(ITEM, "<item><guid>2</guid><title>B</title></item>").encode()
    feed = read_feed(Document(whole[:-60], "application/xml", "http://a.de/feed", "http://home.de/", SEEN), "web")
    assert feed.posts[-1].id == "http://a.de/1"
    assert not feed.whole
    assert read_feed(Document(whole, "application/xml", "http://a.de/feed", "http://home.de/", SEEN), "web").whole


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Login</body></html>", b"/etc/hostname", b"http://127.0.0.1:9/", b"\x00\xff" * 50]
)
def test_what_is_no_feed_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(SourceError, match="is no feed but text/html"):
        read(body, "text/html; charset=utf-8")


def test_an_empty_feed_is_one() -> None:
    assert read(rss()) == ()


@pytest.mark.parametrize(
    ("written", "meant", "sentence"),
    [
        ("Fr, 27 Nov 2026 10:00:00 +0100", "2026-11-27T09:00", "a German day of the week"),
        ("Do, 10 Dez 2020 10:00:00 +0100", "2020-12-10T09:00", "a German month: an entry of 2020 is not of today"),
        ("Di, 10 Mär 2020 10:00 +0100", "2020-03-10T09:00", "with an umlaut"),
        ("Freitag, 1. Mai 2026 08:30 Uhr", "2026-05-01T06:30", "written out, of Berlin in summer"),
        ("27.11.2026 10:00", "2026-11-27T09:00", "figures only, of Berlin in winter"),
        ("27.11.2026", "2026-11-26T23:00", "a day"),
        ("Fri, 27 Nov 2026 10:00:00 CET", "2026-11-27T09:00", "a zone by its name"),
        ("Fri, 31 Jul 2026 10:00:00 MESZ", "2026-07-31T08:00", "by its German name"),
        ("Fri, 27 Nov 2026 10:00:00 GMT", "2026-11-27T10:00", "English dates are read as ever"),
        ("Fri, 27 Nov 2026 10:00:00", "2026-11-27T10:00", "also without a zone"),
        ("Fri, 27 Nov 2026 10:00:00 -0500", "2026-11-27T15:00", "and with a far one"),
        ("Fr, 31 Feb 2026 10:00:00 +0100", "2026-01-01T00:00", "what is no day is the time it was seen"),
        ("Fr, 27 Nov 2026 10:00:00 +9900", "2026-01-01T00:00", "what is no zone, too"),
    ],
)
def test_dates_of_german_sites_are_read(written: str, meant: str, sentence: str) -> None:
    [post] = read(rss(f"<item><title>T</title><link>http://a.de/1</link><pubDate>{written}</pubDate></item>"))
    assert post.time.isoformat()[:16] == meant, sentence


@given(st.text(max_size=70) | st.from_regex(r"\d{1,2}\. ?(\d{1,2}\.|Dez) ?\d{4} \d{1,2}:\d{2} (MEZ|[+-]\d{4})"))
def test_no_date_stops_a_feed(written: str) -> None:
    found = read_date(written)
    assert found is None or found.tzinfo is UTC


def test_entities_neither_explode_nor_read_files() -> None:
    bomb = "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(8))
    doctype = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">{bomb}<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    body = (
        f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel><item><title>&i;|&f;</title></item></channel></rss>'
    )
    [post] = read(body)
    assert len(post.text) < 100


def test_a_result_of_google_alerts_is_known_by_the_page_it_leads_to() -> None:
    body = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Google Alert - Bahn</title><entry>'
        b"<id>tag:google.com,2013:googlealerts/feed:1</id><title type='html'>Die &lt;b&gt;Bahn&lt;/b&gt;</title>"
        b"<link href='https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://news.example/a%3Fb%3D1&amp;ct=ga'/>"
        b"<published>2025-11-08T12:00:00Z</published><content type='html'>zu sp\xc3\xa4t</content></entry></feed>"
    )
    address = "https://www.google.com/alerts/feeds/1/2"
    [post] = read_feed(Document(body, "application/atom+xml", address, address, SEEN), "web").posts
    assert (post.url, post.id) == ("https://news.example/a?b=1", "https://news.example/a?b=1")
    assert (post.title, post.text) == ("Die Bahn", "zu spät")


@pytest.mark.parametrize(("ttl", "seconds"), [("60", 3600.0), ("0", 0.0), ("soon", 0.0), ("-1", 0.0), ("9" * 30, 0.0)])
def test_how_long_a_feed_wants_to_be_left_alone(ttl: str, seconds: float) -> None:
    body = f'<rss version="2.0"><channel><ttl>{ttl}</ttl><item><guid>a:b</guid></item></channel></rss>'.encode()
    assert read_feed(Document(body, "", "http://a", "http://a", SEEN), "web").ttl == seconds


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "aaaaaaaaaa">' + "".join(f'<!ENTITY {c} "{f"&{p};" * 10}">' for p, c in pairwise("abcdefghij")),
        '<!ENTITY j SYSTEM "file:///etc/passwd">',
        '<!ENTITY j "' + "x" * 100_000 + '">',
    ],
    ids=["a laugh a billion times over", "a file", "a quadratic one"],
)
def test_entities_do_not_unfold(declared: str) -> None:
    items = f"<item><guid>a:b</guid><title>{'&j;' * 1000}</title></item>"
    body = f'<!DOCTYPE r [{declared}]><rss version="2.0"><channel>{items}</channel></rss>'
    try:
        posts = read_feed(Document(body.encode(), "", "http://a", "http://a", SEEN), "web").posts
    except SourceError:
        return
    assert all(len(post.text) < 10_000 and "root:" not in post.text for post in posts)
