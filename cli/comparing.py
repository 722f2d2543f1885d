"""Two versions of a watch file over the same posts: the table and the page of `earshot backtest --old A --new B`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.compare import Change, Difference
from pipeline.detect import arm
from schemas.alert import Alert
from schemas.errors import ConfigError
from schemas.receipt import Receipt
from schemas.watch import Watch

if TYPE_CHECKING:
    from rich.table import Table

HOUR = 3600
WIDTH, HEIGHT, LEFT, TOP = 1080, 220, 46, 12
_COLOURS = {Change.GAINED: "#b3261e", Change.LOST: "#5f6368", Change.MOVED: "#b06000", Change.SAME: "#1e6e3c"}
_SIGNS = {Change.GAINED: "+", Change.LOST: "−", Change.MOVED: "→", Change.SAME: "="}


@dataclass(slots=True)
class Curve:
    """One watch by hours: mentions, and the least that one of the `hourly` rules of the new version asked for."""

    hourly: frozenset[str] = frozenset()
    mentions: dict[int, int] = field(default_factory=dict)
    limits: dict[int, float] = field(default_factory=dict)

    def hear(self, receipt: Receipt) -> None:
        """Take a receipt of the new version into account."""
        hour = int(receipt.at.timestamp()) // HOUR
        self.mentions[hour] = self.mentions.get(hour, 0) + 1
        limits = [one.threshold for one in receipt.rules or () if one.rule in self.hourly and not one.warming]
        if limits:
            self.limits[hour] = min(limits)


def hourly(watch: Watch) -> frozenset[str]:
    """Return the rules of `watch` whose threshold is a number of mentions an hour: only they can be drawn so."""
    found = set()
    for rule in arm(watch):
        settings: Any = rule.config
        plain = getattr(settings, "per", None) is None and getattr(settings, "distinct", "mentions") == "mentions"
        of_an_hour = rule.kind in {"count", "spike"} and settings.window == HOUR and plain
        if not rule.shadow and (of_an_hour or rule.kind == "unusual-volume"):
            found.add(rule.id)
    return frozenset(found)


def table(found: Iterable[Difference]) -> "Table":
    """Return the differences as a table."""
    from rich import box
    from rich.table import Table

    made = Table("change", "watch", "old", "new", "by", "because", box=box.SIMPLE_HEAD, pad_edge=False)
    for one in found:
        made.add_row(one.change, one.watch, _time(one.old), _time(one.new), _by(one), because(one))
    return made


def because(one: Difference) -> str:
    """Return what tripped in the version that tells."""
    from cli.backtest import say_signal

    told = one.new or one.old
    return say_signal(told.incident.signal) if told else ""


def _time(alert: Alert | None) -> str:
    return f"{alert.at:%Y-%m-%d %H:%M}" if alert else "–"


def _by(one: Difference) -> str:
    if not one.by:
        return ""
    minutes = round(one.by / timedelta(minutes=1))
    size = f"{abs(minutes) // 60} h {abs(minutes) % 60} min" if abs(minutes) >= 60 else f"{abs(minutes)} min"
    return f"{size} {'later' if minutes > 0 else 'sooner'}"


def as_json(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """Return the differences for machines; times are UTC."""
    return [
        {
            "change": one.change.value,
            "watch": one.watch,
            "old": one.old.at.isoformat() if one.old else None,
            "new": one.new.at.isoformat() if one.new else None,
            "seconds": one.by.total_seconds(),
        }
        for one in found
    ]


def write_page(path: Path, curves: Mapping[str, Curve], found: tuple[Difference, ...]) -> None:
    """Write the page: no script, nothing loaded from anywhere.

    Raises:
        ConfigError: it cannot be written.
    """
    parts = [_section(watch, curve, [one for one in found if one.watch == watch]) for watch, curve in curves.items()]
    counts = ", ".join(f"{sum(one.change is change for one in found)} {change}" for change in Change)
    page = _PAGE.format(summary=escape(counts), sections="\n".join(parts))
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _section(watch: str, curve: Curve, found: list[Difference]) -> str:
    rows = "".join(
        f'<tr><td style="color:{_COLOURS[one.change]}">{_SIGNS[one.change]} {one.change}</td><td>{_time(one.old)}</td>'
        f"<td>{_time(one.new)}</td><td>{_by(one)}</td><td>{escape(because(one))}</td></tr>"
        for one in found
    )
    head = "<tr><th>change</th><th>old</th><th>new</th><th>by</th><th>because</th></tr>"
    listed = f"<table>{head}{rows}</table>" if rows else "<p>No alert in either version.</p>"
    return f"<section><h2>{escape(watch)}</h2>{_chart(curve, found)}{listed}</section>"


def _chart(curve: Curve, found: list[Difference]) -> str:
    """Return the curve of a watch as SVG: mentions an hour, what would be enough as a band above, the alerts as
    marks.
    """
    if not curve.mentions:
        return "<p>Nothing was heard.</p>"
    first, last = min(curve.mentions), max(curve.mentions)
    top = max(curve.mentions.values())
    hours = range(first, last + 1)
    step = (WIDTH - LEFT) / max(1, last - first)
    band, limit = [], None
    for hour in hours:
        limit = curve.limits.get(hour, limit)
        if limit is not None:
            band.append((LEFT + (hour - first) * step, _height(min(limit, top * 1.05), top)))
    line = " ".join(
        f"{LEFT + (hour - first) * step:.1f},{_height(curve.mentions.get(hour, 0), top):.1f}" for hour in hours
    )
    marks = "".join(_mark(one, first, step) for one in found)
    shaded = ""
    if band:
        edge = " ".join(f"{x:.1f},{y:.1f}" for x, y in band)
        shaded = f'<polygon class="band" points="{band[0][0]:.1f},{HEIGHT} {edge} {band[-1][0]:.1f},{HEIGHT}"/>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 34}" role="img" aria-label="mentions an hour">{shaded}'
        f'<polyline class="line" points="{line}"/>'
        f'<text x="0" y="{TOP + 4}">{top}</text><text x="0" y="{HEIGHT}">0</text>'
        f'<text x="{LEFT}" y="{HEIGHT + 18}">{_day(first)}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 18}" text-anchor="end">{_day(last)}</text>{marks}</svg>'
    )


def _height(count: float, top: int) -> float:
    return HEIGHT - (HEIGHT - TOP) * count / (top * 1.05)


def _mark(one: Difference, first: int, step: float) -> str:
    x = LEFT + (one.at.timestamp() / HOUR - first) * step
    colour, title = _COLOURS[one.change], f"{one.change} {one.at:%Y-%m-%d %H:%M} UTC {because(one)}"
    return (
        f'<g stroke="{colour}" fill="{colour}"><title>{escape(title)}</title>'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT}" stroke-dasharray="4 3"/>'
        f'<text x="{x + 3:.1f}" y="{TOP + 8}" stroke="none">{_SIGNS[one.change]}</text></g>'
    )


def _day(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * HOUR, UTC):%Y-%m-%d %H:%M} UTC"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Earshot backtest: old and new</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1100px; padding: 0 1rem; color: #1f1f1f; }}
svg {{ width: 100%; }} svg text {{ font-size: 11px; fill: #5f6368; }} svg g text {{ font-size: 14px; fill: inherit; }}
.band {{ fill: #dfe8f6; }} .line {{ fill: none; stroke: #1a4b8c; stroke-width: 1.4; }}
table {{ border-collapse: collapse; width: 100%; }} td, th {{ text-align: left; padding: .25rem .6rem .25rem 0; }}
tr + tr {{ border-top: 1px solid #e0e0e0; }} .key {{ color: #5f6368; }}
</style></head><body>
<h1>Old and new rules over the same posts</h1>
<p>{summary}</p>
<p class="key">Line: mentions an hour. Band: up to what the nearest rule of the new version allows,
where one counts mentions an hour. Marks:
+ gained, − lost, → moved, = the same. Times are UTC.</p>
{sections}
</body></html>
"""
