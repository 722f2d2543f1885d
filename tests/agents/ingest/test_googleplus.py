"""Archives of Google+, of both kinds: what was public becomes history, and nothing else."""

import json
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from agents.ingest.formats.plusarchive import read_archive
from agents.ingest.platforms.googleplus import posts_in
from cli.main import app
from cli.reading import read_posts
from schemas.errors import ConfigError, InvalidMessage
from schemas.event import Post

FIXTURES = Path(__file__).parent / "fixtures" / "googleplus"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text("utf-8"))


def test_a_post_of_takeout_with_its_comments() -> None:
    post, reply = posts_in(fixture("takeout.json"))
    assert post.key == "googleplus:F97fqZwJESL"
    assert post.time == datetime(2015, 2, 6, 6, 36, 49, tzinfo=UTC), "07:36:49 an hour east of Greenwich"
    assert post.text == "Die Brücke ist wieder zu.\nSeit drei Stunden & kein Wort der Bahn."
    assert post.author is not None
    assert (post.author.id, post.author.name) == ("102817283354809142195", "Eva Muster")
    assert post.metrics == {"likes": 2, "comments": 1, "shares": 1}
    assert (post.media, post.in_reply_to, post.repost_of) == (True, None, None)
    assert (reply.text, reply.in_reply_to) == ("Bei uns auch", "F97fqZwJESL")
    assert reply.id.startswith("F97fqZwJESL#")
    assert reply.time == datetime(2015, 2, 6, 7, 0, 1, tzinfo=UTC)


def test_a_feed_of_activities() -> None:
    post, share = posts_in(fixture("feed.json"))
    assert (post.key, post.text) == ("googleplus:F97fqZwJESL", "Die Brücke ist wieder zu.")
    assert post.metrics == {"likes": 44, "comments": 16, "shares": 1}
    assert (share.text, share.quote_of) == ("Schon wieder!\nDie Brücke ist wieder zu.", "F97fqZwJESL")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"postAcl": {"visibleToStandardAcl": {"circles": [{"type": "CIRCLE_TYPE_YOUR_CIRCLES"}]}}}, "circles"),
        ({"postAcl": {"isLegacyAcl": True}}, "nobody knows"),
        ({"postAcl": {"collectionAcl": {"collection": {}}}}, "a collection"),
        ({"postAcl": {"communityAcl": {"community": {}}}}, "a community"),
        ({"postAcl": {}}, "nothing is said"),
        ({"postAcl": None}, "nothing at all"),
    ],
)
def test_what_was_not_public_is_left_out_with_its_comments(change: dict[str, Any], sentence: str) -> None:
    assert list(posts_in(fixture("takeout.json") | change)) == [], sentence


def test_an_activity_for_some_is_left_out() -> None:
    data = fixture("feed.json")
    for item in data["items"]:
        item["access"] = {"items": [{"type": "circle"}]}
    assert list(posts_in(data)) == []


def test_a_post_without_words_is_what_it_shares() -> None:
    inner = {"content": "<p>Das Original</p>", "url": "https://plus.google.com/1/posts/ABC"}
    [post, _] = posts_in({**fixture("takeout.json"), "content": "", "resharedPost": inner})
    assert (post.text, post.repost_of) == ("Das Original", "ABC")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"a": 1}, "not-googleplus"),
        (5, "not-googleplus"),
        (["x"], "not-googleplus"),
        ({**json.loads((FIXTURES / "takeout.json").read_text()), "creationTime": "yesterday"}, "wrong-type"),
        ({**json.loads((FIXTURES / "takeout.json").read_text()), "creationTime": 5}, "wrong-type"),
    ],
)
def test_what_is_none_is_said(data: Any, reason: str) -> None:
    with pytest.raises(InvalidMessage, match=reason):
        list(posts_in(data))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["kind", "items", "object", "creationTime", "postAcl", "comments", "content", "author"]
                ),
                inner | st.sampled_from(["plus#activity", "plus#activityFeed"]),
                max_size=4,
            )
        ),
    )
)
def test_whatever_is_in_an_archive_is_read_or_refused(data: Any) -> None:
    try:
        assert all(post.platform == "googleplus" for post in posts_in(data))
    except InvalidMessage:
        return


def pack(folder: Path, kind: str) -> Path:
    """Pack what Takeout packs: the posts, and what else there is."""
    posts = {"a.json": fixture("takeout.json"), "b.json": {"a": 1}}
    tree = folder / "Takeout" / "Google+ Stream"
    (tree / "Posts").mkdir(parents=True)
    (tree / "Circles").mkdir()
    (tree / "Circles" / "friends.json").write_text("{}")
    for name, data in posts.items():
        (tree / "Posts" / name).write_text(json.dumps(data))
    (tree / "Posts" / "photo.jpg").write_bytes(b"\xff")
    if kind == "folder":
        return folder
    packed = folder / f"takeout.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(tree.rglob("*.*")):
                archive.write(path, path.relative_to(folder))
    else:
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(folder / "Takeout", "Takeout")
    return packed


@pytest.mark.parametrize("kind", ["folder", "zip", "tgz"])
def test_however_it_is_packed(tmp_path: Path, kind: str) -> None:
    posts, faults = read_archive(pack(tmp_path, kind))
    assert [post.id.partition("#")[0] for post in posts] == ["F97fqZwJESL"] * 2
    assert [fault.why.reason for fault in faults] == ["not-googleplus"]


def test_a_bomb_and_a_broken_archive_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.ingest.formats.plusarchive.LARGEST_FILE", 1000)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Takeout/Google+ Stream/Posts/x.json", b" " * 5_000_000)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    (tmp_path / "broken.tgz").write_bytes(b"\x1f\x8b")
    posts, faults = read_archive(tmp_path)
    assert posts == []
    assert sorted(fault.why.reason for fault in faults) == ["not-archive", "not-archive", "too-large"]


def test_recorded_posts_in_a_file_called_json_stay_recorded_posts(tmp_path: Path) -> None:
    (tmp_path / "posts.json").write_text('{"platform": "x", "id": "1", "time": "2026-11-27T00:00:00Z", "text": "a"}')
    (tmp_path / "plus.json").write_text(json.dumps(fixture("feed.json")))
    assert [post.key for post in read_posts(str(tmp_path / "posts.json")) if isinstance(post, Post)] == ["x:1"]
    assert len(list(read_posts(str(tmp_path / "plus.json")))) == 2


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither a folder nor a file"):
        read_archive(tmp_path / "nothing.zip")


@pytest.mark.parametrize("kind", ["w", "w:gz"])
def test_an_archive_of_something_else_is_refused(tmp_path: Path, kind: Any) -> None:
    (tmp_path / "posts.jsonl").write_text("{}")
    with tarfile.open(tmp_path / "posts.tgz", kind) as archive:
        archive.add(tmp_path / "posts.jsonl", "posts.jsonl")
    with pytest.raises(ConfigError, match=r"unpack it, and name a file of posts"):
        read_archive(tmp_path / "posts.tgz")


def test_a_backtest_reads_it(tmp_path: Path) -> None:
    watches = tmp_path / "watches.yml"
    watches.write_text(
        "watches: [{id: bahn, purpose: {goal: reputation, measure: x}, query: Brücke, owner: Presse, "
        "rules: [{kind: count, threshold: 1, window: 1h}], routes: [{channel: console}]}]"
    )
    packed = pack(tmp_path / "plus", "zip")
    said = CliRunner().invoke(app, ["backtest", "-w", str(watches), "-i", str(packed), "--json"])
    told = json.loads(said.stdout)
    assert (told["heard"], told["matched"], len(told["incidents"])) == (2, 1, 1)
    assert said.exit_code == 1, "one file of it is no post"
    assert "b.json: not-googleplus" in said.output + said.stderr
