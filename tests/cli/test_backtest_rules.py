"""`earshot backtest` with counts, and with two watch files."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.comparing import Curve, hourly
from cli.counting import read_counts, read_rule
from cli.main import app
from cli.page import section
from pipeline.offline.compare import Change, Difference
from schemas.errors import ConfigError
from schemas.receipt import Decision, Measured, Receipt
from tests.pipeline.timeline import NOON, Timeline, watch

EXAMPLES = Path(__file__).parents[2] / "examples"
RULE = str(EXAMPLES / "rules" / "unusual-volume.yml")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["backtest", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def counts(path: Path, rows: list[int]) -> str:
    lines = [f"2026-01-{1 + hour // 24:02d} {hour % 24:02d}:00:00,{count}" for hour, count in enumerate(rows)]
    path.write_text("\n".join(["timestamp,value", *lines]), "utf-8")
    return str(path)


def test_an_alert_starts_where_the_score_is_one(tmp_path: Path) -> None:
    rows = [3 + hour % 2 for hour in range(240)]
    rows[200:203] = [60, 70, 60]
    out = tmp_path / "out.csv"
    run("--counts", counts(tmp_path / "in.csv", rows), "--rule", RULE, "--scores", str(out))
    scored = out.read_text("utf-8").splitlines()
    assert scored[0] == "timestamp,value,anomaly_score"
    assert [line for line in scored if line.endswith(",1.0")] == ["2026-01-09 08:00:00,60,1.0"], "once, not each hour"
    assert len(scored) == 241


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,n\n", "timestamp and value"),
        ("timestamp,value\n2026-01-01 00:00:00,x\n", ":2"),
        ("timestamp,value\n2026-01-01 00:00:00,-1\n", ":2"),
        ("timestamp,value\n2026-01-01 00:00:00,inf\n", ":2: inf is no count"),
        ("timestamp,value\n2026-01-01 00:00:00,1e300\n", ":2: 1e300 is no count"),
        ("timestamp,value\n2026-01-01 00:00:00,1_000\n", ":2: is no time and count"),
        ("timestamp;value\n01.02.2026 08:00;1,5\n", ":2: is no time and count"),
        ("timestamp,value\n9999-12-31T23:59:59-12:00,1\n", ":2: is no time and count"),
        (f"timestamp,value\n2026-01-01 00:00:00,{'1' * 200_000}\n", "field larger|:2: 1{40} is no count"),
    ],
)
def test_a_wrong_file_is_told_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        list(read_counts(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# ours\n  - {kind: count, threshold: 3, window: 1h}\n", ""),
        ("\ufeffkind: count\r\nthreshold: 3\r\nwindow: 1h\r\n", ""),
        ("- kind: count\n  threshold: 3\n  window: 1h\n", ""),
        (
            "kind: cuont\nthreshold: 3\n",
            "rule.yml:1: `kind` is 'cuont', which is no kind of rule (did you mean `count`?)",
        ),
        ("kind: count\ntreshold: 3\nwindow: 1h\n", "rule.yml:2: `treshold` is not a field here (did you mean"),
        ("kind: count\n\tthreshold: 3\n", "rule.yml:2: is indented with a tab (use spaces)"),
        ("kind: count\nthreshold: 3\nwindow: 1 Tag\n", "rule.yml:3: `window` is wrong: write a duration"),
        ("", "rule.yml:1: the file is empty"),
        ("rules: []\n", "rule.yml:1: `kind` is missing"),
        (
            "{kind: negative-share, window: 6h, share: 0.4}\n",
            "rule.yml:1: looks at posts, and counts say only how many",
        ),
        ("{kind: count, threshold: 3, window: 1h, per: author}\n", "rule.yml:1: looks at posts"),
        ("{kind: count, threshold: 3, window: 1h, distinct: stories}\n", "rule.yml:1: looks at posts"),
        ("kind: composite\nany_of: [{kind: influencer, followers: 5}]\n", "rule.yml:1: looks at posts"),
        ("kind: composite\nany_of: [{kind: silence, window: 12h}]\n", ""),
    ],
)
def test_a_rule_is_read_as_in_a_watch_and_a_mistake_is_told_like_there(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rule.yml"
    path.write_text(text, "utf-8", newline="")
    if not said:
        read_rule(path)
        return
    with pytest.raises(ConfigError) as caught:
        read_rule(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scores_are_not_written_over_what_they_are_made_of(tmp_path: Path) -> None:
    path = counts(tmp_path / "in.csv", [1, 2])
    result = CliRunner().invoke(app, ["backtest", "--counts", path, "--rule", RULE, "--scores", path])
    assert result.exit_code == 2
    assert Path(path).read_text("utf-8").startswith("timestamp,value\n")


def test_counts_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        "\ufeffTimestamp; Value\n24.12.2026 08:30;3\n25.12.2026;4\n2026-12-26T01:00+01:00;5.0\n;\n", "utf-8"
    )
    assert [(f"{time:%m-%d %H:%M}", count) for _, time, count in read_counts(path)] == [
        ("12-24 08:30", 3),
        ("12-25 00:00", 4),
        ("12-26 00:00", 5),
    ]


def test_counts_in_any_order_are_scored_in_that_of_their_times(tmp_path: Path) -> None:
    rows = [3 + hour % 2 for hour in range(240)]
    rows[200:203] = [60, 70, 60]
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    counts(path, rows)
    head, *lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([head, *reversed(lines)]), "utf-8")
    assert "240 counts, 1 alert:" in run("--counts", str(path), "--rule", RULE, "--scores", str(out))
    scored = out.read_text("utf-8").splitlines()
    assert [line for line in scored if line.endswith(",1.0")] == ["2026-01-09 08:00:00,60,1.0"]
    assert [line.rpartition(",")[0] for line in scored[1:]] == lines[::-1]


def test_two_watch_files_are_compared(tmp_path: Path) -> None:
    old, new, page = EXAMPLES / "crises" / "watches.yml", tmp_path / "new.yml", tmp_path / "page.html"
    new.write_text(old.read_text("utf-8").replace("threshold: 10", "threshold: 5"), "utf-8")
    posts = tmp_path / "some.jsonl"
    posts.write_text("\n".join((EXAMPLES / "crises" / "crises.jsonl").read_text("utf-8").splitlines()[:300]), "utf-8")
    said = run("--old", str(old), "--new", str(new), "--input", str(posts), "--html", str(page))
    assert "sooner" in said
    written = page.read_text("utf-8")
    assert "<svg" in written
    assert "://" not in written, "nothing is loaded from anywhere"
    assert '<meta name="viewport" content="width=device-width' in written, "a phone shows it as wide as it is"
    assert "prefers-color-scheme: dark" in written
    assert written.count('class="mark moved"') == written.count('<td class="moved">') > 0


def test_a_chart_ends_where_its_posts_do_and_says_what_a_mark_is() -> None:
    alerts = Timeline(watch({"kind": "count", "threshold": 1, "window": "1h"}, group_by=("story",)))
    alerts.posts(0, 600)
    told = [alert for alert in alerts.alerts if alert.reason == "opened"]
    curve = Curve(frozenset())
    for receipt in alerts.receipts:
        curve.hear(receipt)
    lost, gained = Difference("acme", Change.LOST, told[0], None), Difference("acme", Change.GAINED, None, told[1])
    drawn = section("<acme>", curve, [lost, gained])
    assert 'class="mark lost" style="left:0.00%"' in drawn
    assert 'class="mark gained" style="left:100.00%"' in drawn
    assert "&lt;acme&gt;" in drawn
    assert section("acme", Curve(), []).endswith(
        "<p>Nothing was heard.</p><p>No alert in either version.</p></section>"
    )


def test_a_chart_counts_what_rules_count() -> None:
    line = Timeline(watch({"kind": "count", "threshold": 9, "window": "1h"}))
    line.post(0, "one two three", id="own")
    line.post(1, "one two three", id="copy")
    line.post(2, "one two three", id="copy")
    line.post(3, entities=("Bolt",))
    curve = Curve(frozenset())
    for receipt in line.receipts:
        curve.hear(receipt)
    assert list(curve.mentions.values()) == [2], "no competitor, and no post twice"
    rivals = Curve(frozenset())
    rivals.hear(line.receipts[-1])
    assert '<div class="scale"><span>1</span>' in section("acme", rivals, [])


@pytest.mark.parametrize(
    ("rule", "drawn"),
    [
        ({"kind": "count", "threshold": 3, "window": "1h"}, True),
        ({"kind": "unusual-volume"}, True),
        ({"kind": "count", "threshold": 3, "window": "6h"}, False),
        ({"kind": "count", "threshold": 3, "window": "1h", "per": "author"}, False),
        ({"kind": "negative-share", "window": "1h", "share": 0.5}, False),
        ({"kind": "count", "threshold": 3, "window": "1h", "shadow": True}, False),
    ],
)
def test_only_what_is_mentions_an_hour_is_drawn_over_them(rule: dict[str, Any], *, drawn: bool) -> None:
    made = watch(rule)
    curve = Curve(hourly(made))
    near = Measured(rule=made.rules[0].id, value=1, threshold=3)
    curve.hear(Receipt(mention="x:1", watch="acme", at=NOON, decision=Decision.BELOW_THRESHOLD, rules=(near,)))
    assert bool(curve.limits) is drawn
    assert len(curve.mentions) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "yesterday"], "'yesterday' is no time"),
        (["--from", "2026"], "'2026' is no time"),
        (["--from", "1d", "--to", "2d"], "there is no time from"),
        (["--from", "2026-03-02", "--to", "2026-03-02T00:00+01:00"], "there is no time from 2026-03-02 00:00 UTC"),
        (["--from", "1d", "--input", "posts.jsonl"], "write --watches and --input"),
        (["--to", "1d", "--counts", "a.csv", "--rule", RULE, "--scores", "b.csv"], "write --watches and --input"),
    ],
)
def test_a_wrong_span_of_time_is_told_before_anybody_is_asked(options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["backtest", "--watches", "watches.yml", *options])
    assert result.exit_code != 0
    assert said in f"{result.exception} {result.output}"


def test_the_page_draws_the_baseline_as_a_band_from_what_is_usual_to_what_is_enough() -> None:
    """Ten quiet days of two an hour, then a burst: the band lies at two, not at nothing, and ends at the limit."""
    made = watch({"kind": "unusual-volume"})
    line, curve = Timeline(made), Curve(hourly(made))
    for hour in range(24 * 10):
        line.posts(60 * hour, 60 * hour + 30)
    line.posts(*(60 * 240 + at for at in range(20)))
    for receipt in line.receipts:
        curve.hear(receipt)
    mean, enough = curve.usual[max(curve.usual)]
    assert 1.5 <= mean <= 2.5 < enough < 20
    [signal] = [alert.incident.signal for alert in line.alerts if alert.reason == "opened"]
    assert (mean, enough) == pytest.approx((signal.expected, signal.threshold), abs=0.2)
    assert len(curve.usual) == 24 * 9 + 1, "each hour that is heard, from the second day on"
    drawn = section("acme", curve, [])
    [band] = re.findall(r'<polygon class="band" points="([^"]+)"', drawn)
    heights = [float(point.split(",")[1]) for point in band.split()]
    upper, lower = heights[: len(heights) // 2], heights[len(heights) // 2 :]
    assert (upper[-1], lower[0]) == pytest.approx((200 - 200 * enough / 20, 200 - 200 * mean / 20), abs=0.1)
    assert '<polyline class="limit"' in drawn


def test_without_a_baseline_there_is_no_band_and_still_a_limit() -> None:
    made = watch({"kind": "count", "threshold": 3, "window": "1h"})
    line, curve = Timeline(made), Curve(hourly(made))
    line.posts(0, 1, 2, 200)
    for receipt in line.receipts:
        curve.hear(receipt)
    drawn = section("acme", curve, [])
    assert 'class="band"' not in drawn
    assert 'class="limit"' in drawn
