"""Services described in the sources file: what may be written, what it means, and what is said when it is wrong."""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import clock
from agents.ingest.formats import jsonpath
from agents.ingest.polling import fill, read_time, write_time
from agents.ingest.source import parse_sources
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError
from schemas.event import Deletion, Edit, Event, Gap, Heartbeat
from schemas.settings import load_settings
from tests.counterparts._json import JsonSite

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("a.b", 1),
        ("a . b", 1),
        ("c[0].d", 2),
        ("c[-1].d", 3),
        ("c[*].d", 2),
        ("c[9].d", None),
        ('"x.y"', 4),
        ("a.missing | a.b", 1),
        ("empty | 'none | at all'", "none | at all"),
        ("a[0]", None),
        ("c.d", None),
    ],
)
def test_places(place: str, expected: Any) -> None:
    data = {"a": {"b": 1}, "c": [{"d": 2}, {"d": 3}], "x.y": 4, "empty": ""}
    assert jsonpath.parse(place).first(data) == expected


@pytest.mark.parametrize("place", ["a[", "a]b", "a['b']", "a[x]", "a..b", ".", "a[1e9]"])
def test_a_place_that_means_nothing_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="means nothing from"):
        jsonpath.parse(place)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(alphabet="ab.[]*0-9|\"' "),
    st.recursive(st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
)
def test_every_place_is_read_or_refused_and_found_or_not(place: str, data: Any) -> None:
    try:
        found = jsonpath.parse(place)
    except ValueError:
        return
    found.all(data)


@pytest.mark.parametrize(
    ("written", "form", "sentence"),
    [
        ("2026-11-27T09:00:00+01:00", "iso", "with its zone"),
        ("2026-11-27T08:00:00Z", "iso", "UTC"),
        ("2026-11-27 08:00", "iso", "without a zone"),
        (1795766400, "unix", "seconds"),
        ("1795766400", "unix", "seconds as a text"),
        (1795766400000, "unix-ms", "milliseconds"),
        ("20261127T080000Z", "%Y%m%dT%H%M%SZ", "as GDELT writes it"),
        ("27 Nov 2026 09:00 +0100", "%d %b %Y %H:%M %z", "a pattern with a zone"),
    ],
)
def test_times(written: Any, form: str, sentence: str) -> None:
    assert read_time(written, form) == NOW, sentence


@pytest.mark.parametrize("form", ["iso", "unix", "unix-ms", "%Y%m%dT%H%M%SZ"])
def test_what_is_written_is_read_back(form: str) -> None:
    assert read_time(write_time(NOW, form), form) == NOW


@pytest.mark.parametrize(
    ("written", "form"), [("soon", "iso"), (1e300, "unix"), ([], "unix"), ("", "%Y"), (None, "iso")]
)
def test_what_is_no_time_is_refused(written: Any, form: str) -> None:
    with pytest.raises(ValueError, match="."):
        read_time(written, form)


def test_a_value_is_never_filled_again() -> None:
    assert fill("{a}-{b}-{c}", {"a": "{b}", "b": "x"}) == "{b}-x-"


GOOD = "url: 'http://a.example', fields: {id: id, time: at, text: body}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("url: 'http://a.example'", "`sources[0].fields` is missing"),
        ("url: 'http://a.example', fields: {id: id, text: body}", "`fields` must say where the time of a post is"),
        (f"{GOOD[:-1]}, autor.name: x}}", "`autor.name` is no field of a post: did you mean `author.name`?"),
        (f"{GOOD[:-1]}, title: 'a['}}", "'a[' means nothing from '[' on"),
        (f"{GOOD}, params: {{q: '{{snice}}'}}", "{snice} stands for nothing: did you mean `since`?"),
        (f"{GOOD}, headers: {{A: '{{secret.key}}'}}", "{secret.key} stands for nothing"),
        (f"{GOOD}, headers: {{A: x}}, secrets: {{key: hunter2}}", "must say where the secret is"),
        (f"{GOOD}, pages: {{next: a, start: 1}}", "say exactly one of `next`, `token` and `start`"),
        (f"{GOOD}, every: often", "write a duration"),
    ],
)
def test_what_is_wrong_is_said_so_that_it_can_be_mended(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_sources(f"sources: [{{id: a, kind: poller, {text}}}]", load_settings())
    assert message in str(caught.value)


class Gdelt(JsonSite):
    """A list of articles, as GDELT's DOC 2.0 gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.articles: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []

    @property
    def entry(self) -> str:
        return (
            f"{{id: gdelt, kind: poller, url: '{self.url}/api/v2/doc/doc', every: 15m, pause: 0.01, "
            "params: {query: '\"Deutsche Bahn\"', mode: artlist, format: json, maxrecords: '250', sort: datedesc, "
            "startdatetime: '{since}'}, since_format: '%Y%m%d%H%M%S', overlap: 1h, items: articles, "
            "without_items: none, time_format: '%Y%m%dT%H%M%SZ', "
            "fields: {id: url, url: url, time: seendate, text: title, "
            "author.name: domain, lang: language}}"
        )

    def add(self, number: int, at: datetime) -> None:
        about = {
            "url": f"https://news.example/{number}",
            "seendate": at.strftime("%Y%m%dT%H%M%SZ"),
            "domain": "n.example",
        }
        self.articles.insert(0, about | {"title": f"Title {number}", "language": "German"})

    def answer(self, request: web.Request) -> Any:
        self.asked.append(dict(request.query))
        return {"articles": self.articles} if self.articles else {}


async def poll(entry: str, cursor: Mapping[str, str] | None = None) -> tuple[list[Any], dict[str, str]]:
    [source] = parse_sources(f"sources: [{entry}]", load_settings())
    source.prepare()
    checkpoint = Checkpoint(source="a", cursor=dict(cursor), at=clock.now()) if cursor else None
    told: list[Any] = []
    async with aclosing(source.run(checkpoint)) as readings:
        async for reading in readings:
            if isinstance(reading.item, Heartbeat):
                assert reading.cursor is not None
                return told, dict(reading.cursor)
            told.append(reading.item)
    raise AssertionError("a service is never finished")


async def test_the_example_of_gdelt_in_the_docs_works() -> None:
    async with Gdelt() as site:
        now = clock.now().replace(microsecond=0)
        site.add(1, now - timedelta(minutes=30))
        site.add(2, now - timedelta(minutes=15))
        told, cursor = await poll(site.entry)
        assert [event.url for event in told] == ["https://news.example/1", "https://news.example/2"], "the oldest first"
        assert (told[0].author.name, told[0].lang, told[0].time) == ("n.example", "German", now - timedelta(minutes=30))
        assert "{since" not in str(site.asked)
        site.articles.clear()
        site.add(3, now)
        told, cursor = await poll(site.entry, cursor)
        assert [event.text for event in told] == ["Title 3"], "who is asked with {since} leaves no gap"
        since = site.asked[-1]["startdatetime"]
        assert since == (now - timedelta(minutes=75)).strftime("%Y%m%d%H%M%S"), "the newest post less `overlap`"


class Pages(JsonSite):
    """Three pages with one item each, told in each of the ways in use."""

    def answer(self, request: web.Request) -> Any:
        number = int(request.query.get("token") or request.query.get("page") or 1)
        items = [{"id": number, "at": f"2026-11-0{number}T00:00:00Z", "body": "x"}] if number <= 3 else []
        following = {"next": f"{self.url}/?page={number + 1}", "token": str(number + 1)} if number < 3 else {}
        return {"data": items, **following}


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ("pages: {next: next}", ["1", "2", "3"]),
        ("params: {token: '{token}'}, pages: {token: token}", ["1", "2", "3"]),
        ("params: {page: '{page}'}, pages: {start: 1}", ["1", "2", "3"]),
        ("params: {page: '{page}'}, pages: {start: 1, most: 2}", ["1", "2"]),
        ("params: {page: '{page}'}, pages: {start: 1, step: 2}", ["1", "3"]),
        ("first: 1d", ["1"]),
    ],
)
async def test_pages(pages: str, expected: list[str]) -> None:
    async with Pages() as site:
        fields = "items: data, fields: {id: id, time: at, text: body}"
        told, _ = await poll(f"{{id: a, kind: poller, url: '{site.url}/', pause: 0.01, {pages}, {fields}}}")
    assert [event.id for event in told] == expected


class One(JsonSite):
    """A service that answers what it is told to, whatever it is asked."""

    items: list[Any] = []

    def answer(self, request: web.Request) -> Any:  # noqa: ARG002 - it is not listened to
        return self.items

    @property
    def entry(self) -> str:
        return f"{{id: a, kind: poller, url: '{self.url}/', edits: true, fields: {{id: id, time: at, text: body}}}}"


def item(number: int, body: Any = "x") -> dict[str, Any]:
    return {"id": number, "at": "2026-11-01T00:00:00Z", "body": body}


async def test_edits_gaps_and_what_is_no_post_are_told_once() -> None:
    async with One() as site:
        site.items = [item(1), item(2)]
        told, cursor = await poll(site.entry)
        assert [type(one) for one in told] == [Event, Event]
        site.items = [item(1, "changed"), item(2), {"id": 5}]
        told, cursor = await poll(site.entry, cursor)
        assert [(type(one).__name__, getattr(one, "text", "")) for one in told] == [("Edit", "changed"), ("Dead", "")]
        assert isinstance(told[0], Edit)
        assert (await poll(site.entry, cursor))[0] == []
        site.items = [item(8), item(9)]
        told, _ = await poll(site.entry, cursor)
        assert [type(one) for one in told] == [Gap, Event, Event]


async def test_an_item_that_says_it_is_gone_is_a_deletion() -> None:
    async with One() as site:
        entry = site.entry[:-1] + ", deleted: gone | state.removed}"
        site.items = [item(1)]
        _, cursor = await poll(entry)
        site.items = [{"id": 1, "state": {"removed": "yesterday"}}]
        [told], cursor = await poll(entry, cursor)
        assert isinstance(told, Deletion)
        assert told.key == "web:1"
        assert (await poll(entry, cursor))[0] == []
