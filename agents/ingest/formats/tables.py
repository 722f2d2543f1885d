"""Tables of posts as other programs export them: which column says what, and what a row of it is.

Known are the names that twarc, X, Meta, CrowdTangle, Brandwatch, Talkwalker, Meltwater, 4CAT and common scrapers give
their columns, in English and German; of several columns with the same meaning the first in the list counts that says
something. What a table does not name is not there: no id is the address of the post, no platform is told by it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from agents.ingest.formats.weblinks import host_of
from agents.ingest.formats.writtentime import days_first, read_time
from pipeline.normalize import fold

COLUMNS: dict[str, str] = {
    "id": "id tweetid statusid postid beitragsid resourceid mentionid documentid commentid reviewid",
    "time": "time createdat postcreated createdtime createdutc tweetcreated publishedat publisheddate published "
    "publishtime posted datetime date datum timestamp created zeitpunkt zeitstempel veroeffentlichungszeitpunkt "
    "veroeffentlichungszeit veroeffentlichtam erstelltam at uhrzeit",
    "text": "fulltext text content message postmessage tweettext body selftext nachricht inhalt volltext kommentar "
    "hitsentence snippet openingtext description beschreibung caption comment tweet reviewtext review",
    "title": "title headline titel ueberschrift subject betreff",
    "url": "url permalink posturl tweetpermalink tweeturl permanenterlink permalinkurl link",
    "platform": "platform plattform network netzwerk socialnetwork pagetype sourcetype contentsource "
    "contentsourcename source quelle kanal channel",
    "author.name": "authorusername author autor authorname username screenname twitterscreenname "
    "extraauthorattributesname influencer pagename fullname user nutzer nutzername benutzername",
    "author.id": "authorid userid extraauthorattributesid",
    "author.followers": "authorpublicmetricsfollowerscount followers followerscount twitterfollowers userfollowers",
    "author.verified": "authorverified verified twitterverified userverified",
    "author.created": "authorcreatedat usercreatedat",
    "lang": "lang language sprache",
    "country": "countrycode geocountrycode country land",
    "metrics.likes": "publicmetricslikecount likes likecount favoritecount favouritescount twitterlikes facebooklikes",
    "metrics.shares": "publicmetricsretweetcount shares sharecount retweets retweetcount reposts twitterretweets",
    "metrics.comments": "publicmetricsreplycount comments replies replycount commentcount numcomments",
    "metrics.views": "publicmetricsimpressioncount views viewcount impressions",
    "in_reply_to": "referencedtweetsrepliedtoid inreplytostatusid inreplytoid inreplyto parentid",
    "repost_of": "referencedtweetsretweetedid retweetedstatusid repostof retweetof",
    "quote_of": "referencedtweetsquotedid quotedstatusid quoteof",
}
"""What of a post may stand in columns of which names, without signs and in small letters."""

LONGEST_COUNT = 20
MOST_COLUMNS = 20_000
LONGEST_NAME = 100
"""Letters of the name of a column: what is longer is no header."""
_OF_X = frozenset({"tweetid", "edithistorytweetids", "tweettext", "publicmetricsretweetcount", "retweetcount"})
_HOSTS = {
    "x.com": "x", "twitter.com": "x", "facebook.com": "facebook", "instagram.com": "instagram", "tiktok.com": "tiktok",
    "threads.net": "threads", "threads.com": "threads", "linkedin.com": "linkedin", "reddit.com": "reddit",
    "youtube.com": "youtube", "youtu.be": "youtube", "bsky.app": "bluesky", "xing.com": "xing",
    "news.ycombinator.com": "hackernews",
}  # fmt: skip
_NETWORKS = (
    "facebook",
    "instagram",
    "threads",
    "linkedin",
    "reddit",
    "youtube",
    "bluesky",
    "mastodon",
    "tiktok",
    "xing",
)
_LANGUAGES = {"german": "de", "deutsch": "de", "english": "en", "englisch": "en", "french": "fr", "franzoesisch": "fr"}
_LANGUAGES |= {"italian": "it", "italienisch": "it", "spanish": "es", "spanisch": "es", "dutch": "nl", "polish": "pl"}
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_NOTHING = frozenset({"", "-", "N/A", "n/a", "null", "nan", "NaN", "None"})
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?")
_STATUS = re.compile(r"/status(?:es)?/(\d+)")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([.,\u2019' ])\d{3})(?:\1\d{3})*")


class NoPost(ValueError):
    """A row is no post: which `field` of one is wrong, and what to do; nothing is quoted."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(what)
        self.field = field


@dataclass(frozen=True, slots=True)
class Table:
    """Which columns of a table say what (places from 0, those that count most first), and how it writes its dates."""

    places: Mapping[str, tuple[int, ...]]
    of_x: bool = False
    day_first: bool | None = None

    def dated(self, rows: Sequence[Sequence[str]]) -> "Table":
        """Return the table with what its first `rows` tell of how days and months stand."""
        return replace(self, day_first=days_first(self._date(row) for row in rows))

    def post(self, row: Sequence[str]) -> dict[str, Any]:
        """Return what a row says, as the fields of a post.

        Raises:
            NoPost: it is none.
        """
        url, text, title = self._cell(row, "url"), self._cell(row, "text"), self._cell(row, "title")
        time = self._time(row)
        platform = self._platform(row, url)
        fields: dict[str, Any] = {
            "platform": platform,
            "time": time,
            "text": text or title,
            "title": title if text and title and title != text else None,
            "url": url or None,
        }
        author: dict[str, Any] = {}
        metrics: dict[str, float] = {}
        for name in self.places:
            value = self._value(row, name)
            outer, _, inner = name.rpartition(".")
            if value is not None and name not in fields and name != "id":
                {"author": author, "metrics": metrics}.get(outer, fields)[inner or name] = value
        fields |= {"author": author or None, "metrics": metrics or None}
        return fields | {"id": self._identity(row, fields)}

    def _cells(self, row: Sequence[str], name: str) -> list[str]:
        cells = (row[place].strip() for place in self.places.get(name, ()) if place < len(row))
        return [cell for cell in cells if cell not in _NOTHING]

    def _cell(self, row: Sequence[str], name: str) -> str:
        return next(iter(self._cells(row, name)), "")

    def _date(self, row: Sequence[str]) -> str:
        """Return when a row is of, with the clock from a column of its own where that of the day has none."""
        clocks: list[str] = []
        days: list[str] = []
        for cell in self._cells(row, "time"):
            (clocks if _CLOCK.fullmatch(cell) else days).append(cell)
        day = next(iter(days), "")
        return f"{day} {clocks[0]}" if clocks and day and ":" not in day else day

    def _time(self, row: Sequence[str]) -> datetime:
        written = self._date(row)
        if (time := read_time(written, day_first=self.day_first)) is not None:
            return time
        known = "/" not in written or days_first([written]) is not None
        what = "this is no time" if known else "nobody can tell the day from the month here"
        raise NoPost("time", f"{what}: write 2026-11-27T08:00:00Z")

    def _value(self, row: Sequence[str], name: str) -> Any:
        cell = self._cell(row, name)
        if name == "author.created":
            return read_time(cell, day_first=self.day_first)
        kind = "metrics" if name.startswith("metrics.") else name
        return _MEANING.get(kind, str)(cell) if cell else None

    def _platform(self, row: Sequence[str], url: str) -> str:
        """Return where a post stands: by its address, else by what the table says, else by whose table it is."""
        host = host_of(url)
        known = next((name for site, name in _HOSTS.items() if f".{host}".endswith(f".{site}")), "")
        if known or (self.of_x and not host):
            return known or "x"
        said = self._cell(row, "platform").lower()
        known = next((name for name in _NETWORKS if name in said), "x" if "twitter" in said or said == "x" else "")
        if known or host:
            return known or "web"
        if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", said):
            return said
        raise NoPost("platform", "neither a column nor an address says where it stands: add a column `platform`")

    def _identity(self, row: Sequence[str], fields: Mapping[str, Any]) -> str:
        written, url = self._cell(row, "id"), fields["url"] or ""
        if written and not _ROUNDED.fullmatch(written):
            return written.strip("'\"")
        if fields["platform"] == "x" and (found := _STATUS.search(url)):
            return found[1]
        if written and not url:
            raise NoPost("id", "a spreadsheet has rounded it: export again, and import the column as text")
        author = (fields["author"] or {}).get("name", "")
        told = url or f"{fields['time'].isoformat()}\n{author}\n{fields['text']}"
        return told if url and len(url) <= 500 else hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


def table_of(header: Sequence[str]) -> Table | None:
    """Return what the columns of `header` say, or nothing where it names no time or no text."""
    if len(header) > MOST_COLUMNS:
        return None
    names = [plain_name(name) if len(name) <= LONGEST_NAME else "" for name in header]
    standing: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        standing.setdefault(name, []).append(place)
    places = {
        field: tuple(place for name in _names(field, known) for place in standing.get(name, ()))
        for field, known in COLUMNS.items()
    }
    found = {field: where for field, where in places.items() if where}
    if "time" not in found or not {"text", "title"} & found.keys():
        return None
    return Table(found, of_x=not _OF_X.isdisjoint(names))


def _names(field: str, known: str) -> Iterable[str]:
    """Yield how columns of a field are called: as others do, and as we do."""
    return dict.fromkeys([*known.split(), plain_name(field)])


def plain_name(name: str) -> str:
    """Return the name of a column without its signs.

    >>> plain_name("Veröffentlichungszeitpunkt (UTC)"), plain_name("public_metrics.like_count")
    ('veroeffentlichungszeitpunkt', 'publicmetricslikecount')
    """
    return re.sub(r"[^a-z0-9]", "", fold(re.sub(r"\(.*?\)", "", name)))


def _count(cell: str) -> float | None:
    """Return a number as tables write it, thousands apart or not.

    >>> _count("1.234"), _count("12.0"), _count("3,456,789"), _count("0.125"), _count("viele")
    (1234.0, 12.0, 3456789.0, 0.125, None)
    """
    if len(cell) <= LONGEST_COUNT and _GROUPED.fullmatch(cell):
        return float(re.sub(r"\D", "", cell))
    return float(cell) if re.fullmatch(r"\d{1,15}(?:\.\d{1,3})?", cell) else None


def _language(cell: str) -> str | None:
    known = _LANGUAGES.get(fold(cell))
    return known or (cell.lower() if re.fullmatch(r"[A-Za-z]{2,3}(?:[-_]\w{2,4})?", cell) else None)


_MEANING: Mapping[str, Callable[[str], Any]] = {
    "lang": _language,
    "country": lambda cell: cell.upper() if re.fullmatch("[A-Za-z]{2}", cell) else None,
    "author.verified": lambda cell: cell.lower() in ("true", "1", "yes", "ja", "wahr"),
    "author.followers": lambda cell: None if (found := _count(cell)) is None else int(found),
    "metrics": _count,
}
"""What the cells of some columns mean; those of others are texts."""
