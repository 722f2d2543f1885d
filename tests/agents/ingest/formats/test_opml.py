"""Lists of feeds as feed readers export them, and what hostile ones try."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ingest.formats.opml import Listed, entries, read_opml
from agents.ingest.source import parse_sources
from schemas.errors import ConfigError
from schemas.settings import load_settings

LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Feeds</title></head><body>
 <outline text="Presse">
  <outline type="rss" text="Die Zeitung" title="Die Zeitung &amp; mehr" xmlUrl="https://zeitung.example/feed"/>
  <outline type="rss" text="\xc3\x9cberall" xmlurl="https://www.google.com/alerts/feeds/1/2"/>
 </outline>
 <outline type="link" text="no feed" url="https://a.example"/>
 <outline type="rss" text="twice" xmlUrl="https://zeitung.example/feed"/>
 <outline type="rss" text="local" xmlUrl="file:///etc/passwd"/>
</body></opml>"""


def test_a_list_with_folders() -> None:
    assert read_opml(LIST) == (
        Listed("https://zeitung.example/feed", "Die Zeitung & mehr", ("Presse",)),
        Listed("https://www.google.com/alerts/feeds/1/2", "Überall", ("Presse",)),
    )


def test_it_becomes_entries_that_a_sources_file_may_hold() -> None:
    made = entries(read_opml(LIST), taken={"ueberall"})
    assert [entry["id"] for entry in made] == ["die-zeitung-mehr", "ueberall-2"]
    text = "sources:\n" + "".join(f"  - {{id: {e['id']}, kind: {e['kind']}, url: '{e['url']}'}}\n" for e in made)
    assert len(parse_sources(text, load_settings())) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y">]><opml/>', "f:1: declares a document type"),
        (b'<!DOCTYPE opml SYSTEM "http://127.0.0.1/x"><opml/>', "f:1: declares a document type"),
        (b"<rss/>", "f:1: is no OPML but <rss>"),
        (b"<opml>\n<body>", r"f:2: is not XML"),
        (b"", "f:1: is not XML"),
        (b"<opml><body/></opml>", "f: lists no feed"),
        (b"<opml>" + b"<outline>" * 100, "nested deeper than 50"),
        (b" " * 17_000_000, "larger than"),
        (b"\xff\xfe\x00", "is not XML"),
    ],
)
def test_what_is_none_is_said(data: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_opml(data, "f")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.text(max_size=80), st.sampled_from(["https://a.example", "https://ü.example/x"]))))
def test_ids_are_ids_and_none_twice(feeds: list[tuple[str, str]]) -> None:
    made = entries([Listed(url, title) for title, url in feeds])
    names = [entry["id"] for entry in made]
    assert len(set(names)) == len(names)
    for name in names:
        parse_sources(f"sources: [{{id: '{name}', kind: rss, url: 'https://a.example'}}]", load_settings())
