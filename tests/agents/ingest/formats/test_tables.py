"""Tables of posts as other programs export them: the columns are theirs, the rows made up."""

import gzip
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import LARGEST_LIST, Unread, open_file, read_file
from agents.ingest.formats.tables import COLUMNS, plain_name
from agents.ingest.formats.writtentime import days_first, read_time
from schemas.errors import ConfigError
from schemas.event import Author, Post

PACKED = "is packed in a way that is not read (unpack it first, or use gzip)"
AT = datetime(2026, 11, 27, 13, 5, tzinfo=UTC)


def posts(path: Path) -> list[Post]:
    found = [one.post for one in read_file(path)]
    assert not [one for one in found if isinstance(one, InvalidPost)]
    return [one for one in found if isinstance(one, Post)]


def table(folder: Path, text: str, encoding: str = "utf-8", name: str = "export.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


TWARC = (
    "id,conversation_id,referenced_tweets.replied_to.id,referenced_tweets.retweeted.id,referenced_tweets.quoted.id,"
    "author_id,created_at,text,lang,source,public_metrics.reply_count,public_metrics.retweet_count,"
    "public_metrics.like_count,edit_history_tweet_ids,author.id,author.created_at,author.username,author.name,"
    "author.public_metrics.followers_count,author.verified,geo.country_code,__twarc.retrieved_at\n"
    '17,16,16,,15,7,2026-11-27T13:05:00.000Z,"Die Bahn,\nwieder",de,Instagram,1,2,3,"[""17""]",7,'
    "2010-01-02T03:04:05.000Z,eva,Eva M.,1200,True,DE,2026-11-28T00:00:00Z\n"
)
BRANDWATCH = (
    'Report:,"Bulk Mentions Download"\nBrand:,"Bahn"\nFrom:,"Fri Nov 27 00:00:00 UTC 2026"\n\n'
    "Query Id,Query Name,Date,Title,Snippet,Url,Domain,Sentiment,Page Type,Language,Country Code,Author,Full Name,"
    "Full Text,Twitter Followers,Twitter Retweets,Likes,Resource Id\n"
    "1,Bahn,2026-11-27 13:05:00.0,Streik,…kurz…,https://forum.example/t/9,forum.example,negative,forum,de,DE,eva,Eva M,"
    '"Die Bahn streikt ganz","",,4,abc9\n'
)
TALKWALKER = (
    "url,indexed,published,title,content,lang,source_type,post_type,extra_author_attributes.id,"
    "extra_author_attributes.name,engagement,reach\n"
    "https://www.facebook.com/a/posts/9,1795784705000,1795784700000,,Die Bahn,de,SOCIALMEDIA_FACEBOOK,TEXT,ex:1,Eva,"
    "5,77\n"
)
MELTWATER = (
    "Date\tHeadline\tURL\tOpening Text\tHit Sentence\tSource\tInfluencer\tCountry\tLanguage\tReach\tTweet Id\t"
    "Twitter Screen Name\tTwitter Followers\tTime\n"
    "27-Nov-2026 01:05PM\t\thttps://twitter.com/eva/statuses/17\t\tDie Bahn\tTwitter\t@eva\tGermany\tGerman\t9\t"
    '"17"\t@eva\t1.200\t1:05 PM\n'
    "27-Nov-2026 01:05PM\tStreik\thttps://www.zeitung.example/9\tLang\tDie Bahn\tzeitung.example\t\tGermany\tGerman\t"
    "9\t\t\t\t1:05 PM\n"
)
CROWDTANGLE = (
    "Page Name,User Name,Facebook Id,Post Created,Type,Total Interactions,Likes,Comments,Shares,Message,Link,URL\n"
    'Bahnfreunde,bahnfreunde,100,2026-11-27 08:05:00 EST,Link,"1,234","1,000",3,4,Die Bahn,https://a.example/,'
    "https://www.facebook.com/100/posts/9\n"
)
INSIGHTS = (
    "Post ID,Page ID,Page name,Title,Description,Publish time,Permalink,Views,Reactions\n"
    "9,100,Bahnfreunde,,Die Bahn,11/27/2026 13:05,https://www.facebook.com/100/posts/9,50,3\n"
    "10,100,Bahnfreunde,,Zug,11/03/2026 13:05,https://www.facebook.com/100/posts/10,50,3\n"
)
EXCEL = (
    "sep=;\r\nDatum;Uhrzeit;Plattform;Nutzername;Nachricht;Permanenter Link;Sprache\r\n"
    "27.11.2026;14:05;Facebook;Jürgen;Für die Bahn;https://www.facebook.com/100/posts/9;Deutsch\r\n"
)


def one(**fields: Any) -> dict[str, Any]:
    return {"time": AT, "text": "Die Bahn", **fields}


@pytest.mark.parametrize(
    ("written", "encoding", "expected"),
    [
        pytest.param(
            TWARC, "utf-8",
            [one(platform="x", id="17", text="Die Bahn,\nwieder", lang="de", in_reply_to="16", quote_of="15",
                 country="DE", metrics={"likes": 3, "shares": 2, "comments": 1},
                 author=Author(id="7", name="eva", followers=1200, verified=True,
                               created=datetime(2010, 1, 2, 3, 4, 5, tzinfo=UTC)))],
            id="twarc",
        ),
        pytest.param(
            BRANDWATCH, "utf-8",
            [one(platform="web", id="abc9", title="Streik", text="Die Bahn streikt ganz", lang="de", country="DE",
                 url="https://forum.example/t/9", author=Author(name="eva"), metrics={"likes": 4})],
            id="Brandwatch, below what it says of the report",
        ),
        pytest.param(
            TALKWALKER, "utf-8",
            [one(platform="facebook", id="https://www.facebook.com/a/posts/9", lang="de",
                 author=Author(id="ex:1", name="Eva"))],
            id="Talkwalker",
        ),
        pytest.param(
            MELTWATER, "utf-16",
            [one(platform="x", id="17", lang="de", author=Author(name="@eva", followers=1200)),
             one(platform="web", id="https://www.zeitung.example/9", title="Streik", lang="de", author=None)],
            id="Meltwater, in UTF-16 with tabs",
        ),
        pytest.param(
            CROWDTANGLE, "utf-8-sig",
            [one(platform="facebook", id="https://www.facebook.com/100/posts/9",
                 metrics={"likes": 1000, "shares": 4, "comments": 3}, url="https://www.facebook.com/100/posts/9")],
            id="CrowdTangle",
        ),
        pytest.param(
            INSIGHTS, "utf-8",
            [one(platform="facebook", id="9", metrics={"views": 50}),
             one(platform="facebook", id="10", text="Zug", time=AT.replace(day=3))],
            id="Meta, whose other dates tell which is the month",
        ),
        pytest.param(
            EXCEL, "cp1252",
            [one(platform="facebook", text="Für die Bahn", lang="de", author=Author(name="Jürgen"))],
            id="a German spreadsheet in the encoding of Windows, with the clock of Berlin",
        ),
    ],
)  # fmt: skip
def test_an_export_is_read(tmp_path: Path, written: str, encoding: str, expected: list[dict[str, Any]]) -> None:
    found = posts(table(tmp_path, written, encoding))
    assert len(found) == len(expected)
    for post, fields in zip(found, expected, strict=True):
        assert {name: getattr(post, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("written", "reason", "detail"),
    [
        ("date,text,url\n03/04/2026 8:00,a,https://a.example/1\n", "wrong-type", "the day from the month"),
        ("date,text,url\nsoon,a,https://a.example/1\n", "wrong-type", "write 2026-11-27T08:00:00Z"),
        ("date,text,author\n2026-11-27,a,eva\n", "wrong-type", "add a column `platform`"),
        ("tweet id,time,text\n1.23457E+18,2026-11-27,a\n", "wrong-type", "a spreadsheet has rounded it"),
        ("date,text,url\n2026-11-27,,https://a.example/1,more\n", "wrong-type", "4 cells, but the header names 3"),
    ],
)
def test_a_row_that_is_no_post_says_what_to_do(tmp_path: Path, written: str, reason: str, detail: str) -> None:
    good = "2026-11-27,b,https://a.example/2\n" if "url" in written else ""
    found = [one.post for one in read_file(table(tmp_path, written + good))]
    assert isinstance(found[0], InvalidPost)
    assert (found[0].reason, detail in found[0].detail) == (reason, True)
    assert all(isinstance(one, Post) for one in found[1:]), "one bad row holds up no other"


def test_a_rounded_id_is_read_from_the_address(tmp_path: Path) -> None:
    written = "tweet id,time,text,tweet permalink\n1.23457E+18,2026-11-27,a,https://twitter.com/eva/status/1234567890\n"
    assert [post.key for post in posts(table(tmp_path, written))] == ["x:1234567890"]


def test_what_has_neither_id_nor_address_is_known_by_what_it_says(tmp_path: Path) -> None:
    written = "platform,date,comment\nreviews,2026-11-27,Gut\nreviews,2026-11-27,Schlecht\nreviews,2026-11-27,Gut\n"
    first, second, third = posts(table(tmp_path, written))
    assert (first.id == third.id, first.id == second.id, first.platform) == (True, False, "reviews")


def test_a_zip_file_with_one_table_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("__MACOSX/._Export.CSV", "x")
        archive.writestr("Export.CSV", BRANDWATCH)
    assert [post.id for post in posts(tmp_path / "export.zip")] == ["abc9"]


def test_what_is_packed_without_its_name_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(gzip.compress(BRANDWATCH.encode()))
    assert [post.id for post in posts(path)] == ["abc9"]


LIST = '[\n {"platform":"x","id":1,"time":"2026-11-27T08:00:00Z","text":"ä"},\n 3,\n' + (
    ' {"platform":"x","id":2,"time":"2026-11-27T08:00:00Z","text":"b"}\n]\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_json_list_over_many_lines_is_read(tmp_path: Path, name: str, encoding: str) -> None:
    path = table(tmp_path, ("\ufeff" if encoding == "utf-16-le" else "") + LIST, encoding, name)
    found = [
        (one.line, one.post.reason if isinstance(one.post, InvalidPost) else one.post.key) for one in read_file(path)
    ]
    assert found == [(1, "x:1"), (2, "wrong-type"), (3, "x:2")]


def test_a_json_list_is_never_all_of_it_in_memory(tmp_path: Path) -> None:
    """A million empty objects take three megabytes in the file, and took seventy as objects."""
    (tmp_path / "a.json").write_bytes(b"[" + b"{}," * 1_000_000 + b"{}]")
    tracemalloc.start()
    try:
        found = sum(isinstance(one, Unread) for one in open_file(tmp_path / "a.json"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == 1_000_001
    assert most < LARGEST_LIST + 20_000_000


@pytest.mark.parametrize("content", [b"[]", b" [ ] ", b"[\n]\n"])
def test_an_empty_list_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert list(read_file(tmp_path / "a.json")) == []


@pytest.mark.parametrize(
    "content", [b"[1, 2", b"[1 2]", b"[1] 2", b"[,]", b"[1,]", b"[", b"[nothing]", b"[" * 100_000, b"[\xff]"]
)
def test_what_only_begins_like_a_list_is_told_line_by_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    [one] = read_file(tmp_path / "a.json")
    assert isinstance(one.post, InvalidPost)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"PK\x03\x04rest", "is a spreadsheet or an archive (save it as CSV (UTF-8))"),
        ("a.xls", b"\xd0\xcf\x11\xe0rest", "is a spreadsheet or an archive (save it as CSV (UTF-8))"),
        ("a.csv", "date,text,url\n".encode("utf-16-le"), "is no UTF-8, and no mark says what it is (save it as UTF-8)"),
        (
            "a.json",
            b"[" + b" " * LARGEST_LIST,
            "is one list of more than 64 MiB (write one post a line, as jq -c '.[]' does)",
        ),
        ("a.zip", b"PK\x03\x04rest", "is not a whole zip file (copy it again)"),
        ("a.jsonl", b"BZh91AY&SY", PACKED),
        ("a.jsonl.xz", b"\xfd7zXZ\0rest", PACKED),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfdrest", PACKED),
        ("a.7z", b"7z\xbc\xaf\x27\x1crest", PACKED),
        ("a.csv", b"posts.csv".ljust(257, b"\0") + b"ustar\x0000", PACKED),
        ("a.jsonl.gz", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), PACKED),
    ],
)
def test_what_is_no_text_is_one_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        list(read_file(tmp_path / name))
    assert str(refused.value) == f"{tmp_path}/{name}: {message}"


@pytest.mark.parametrize(
    "written",
    ["2026-11-27T13:05:00Z", "2026-11-27 13:05", "2026-11-27 13:05:00.0", "2026-11-27 14:05:00 CET", "1795784700",
     "1795784700000", "Fri Nov 27 13:05:00 +0000 2026", "Fri, 27 Nov 2026 14:05:00 +0100", "27-Nov-2026 01:05PM",
     "Nov 27, 2026 1:05 PM", "Nov 27, 2026, 1:05\u202fPM", "27.11.2026 14:05", "27. November 2026, 14:05 Uhr",
     "27/11/2026 13:05", "11/27/2026 1:05 PM", "2026-11-27 08:05:00 EST", "2026/11/27 13:05", "2026-11-27 13:05 +0000"],
)  # fmt: skip
def test_a_moment_is_the_same_however_it_is_written(written: str) -> None:
    assert read_time(written) == AT


@pytest.mark.parametrize(
    "written", ["", "soon", "2026", "13:05", "99/99/2026", "3/4/2026", "2026-11-27 08:05:00 XYZ", "x" * 99]
)
def test_what_is_no_moment_or_two_is_none(written: str) -> None:
    assert read_time(written) is None


def test_a_clock_of_twelve_hours_is_american() -> None:
    assert read_time("3/4/2026 8:00 PM") == datetime(2026, 3, 4, 20, tzinfo=UTC)
    assert days_first(["3/4/2026 8:00 PM"]) is False


@given(st.text(max_size=70))
def test_whatever_is_written_is_a_moment_or_none(written: str) -> None:
    found = read_time(written)
    assert found is None or found.tzinfo is not None
    assert days_first([written]) in (True, False, None)


def test_no_column_means_two_things() -> None:
    names = [name for known in COLUMNS.values() for name in known.split()]
    assert len(names) == len(set(names))
    assert [plain_name(name) for name in names] == names
