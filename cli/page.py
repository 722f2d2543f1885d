"""The page of `earshot backtest --old A --new B --html`: a curve for each watch, with what is usual, and the alerts.

It holds all that it shows: no script, nothing loaded from anywhere. What has to keep its size whatever the width of the
window (figures, dates, marks) is text of the page, and only the curve, the band and the limit are drawn.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from cli.comparing import HOUR, Curve, because, say_by, say_time
from pipeline.offline.compare import Change, Difference
from schemas.errors import ConfigError

WIDTH, HEIGHT, TICKS = 1000, 200, 5
_SIGNS = {Change.GAINED: "+", Change.LOST: "−", Change.MOVED: "→", Change.SAME: "="}


def write_page(path: Path, curves: Mapping[str, Curve], found: tuple[Difference, ...]) -> None:
    """Write the page.

    Raises:
        ConfigError: it cannot be written.
    """
    parts = [section(watch, curve, [one for one in found if one.watch == watch]) for watch, curve in curves.items()]
    counts = ", ".join(f"{sum(one.change is change for one in found)} {change}" for change in Change)
    css = Path(__file__).with_name("page.css").read_text("utf-8")
    marks = "".join(f'<li class="{change}">{sign} {change}</li>' for change, sign in _SIGNS.items())
    page = _PAGE.format(css=css, summary=escape(counts), marks=marks, sections="\n".join(parts))
    try:
        path.write_text(page, "utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def section(watch: str, curve: Curve, found: list[Difference]) -> str:
    """Return what the page says about one watch."""
    rows = "".join(
        f'<tr><td class="{one.change}">{_SIGNS[one.change]} {one.change}</td>'
        f'<td class="when" data-label="old">{say_time(one.old)}</td>'
        f'<td class="when" data-label="new">{say_time(one.new)}</td>'
        f"{_cell('by', say_by(one))}{_cell('because', because(one))}</tr>"
        for one in found
    )
    head = "<thead><tr><th>change<th>old<th>new<th>by<th>because</tr></thead>"
    listed = f"<table>{head}<tbody>{rows}</tbody></table>" if rows else "<p>No alert in either version.</p>"
    return f"<section><h2>{escape(watch)}</h2>{_chart(curve, found)}{listed}</section>"


def _cell(label: str, said: str) -> str:
    return f'<td data-label="{label}">{escape(said)}</td>' if said else "<td></td>"


def _chart(curve: Curve, found: list[Difference]) -> str:
    """Return the curve of a watch: mentions an hour, the baseline as a band, what is enough, the alerts as marks."""
    if not curve.mentions:
        return "<p>Nothing was heard.</p>"
    first, last = min(curve.mentions), max(curve.mentions)
    top, span = max(1, *curve.mentions.values()), max(1, last - first)
    hours = range(first, last + 1)
    line = " ".join(f"{_x(hour, first, span):.1f},{_y(curve.mentions.get(hour, 0), top):.1f}" for hour in hours)
    days = [first + round(span * at / (TICKS - 1)) for at in range(TICKS)]
    dates = "".join(f"<span>{_date(hour)}</span>" for hour in dict.fromkeys(days))
    marks = "".join(_mark(one, first, span) for one in found)
    return (
        f'<div class="chart"><div class="scale"><span>{top}</span><span>0</span></div><div class="plot">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="mentions an hour">'
        f"{_band(curve, top, span)}{_limit(curve, hours, top, span)}"
        f'<line class="grid" x1="0" x2="{WIDTH}" y1="{HEIGHT / 2}" y2="{HEIGHT / 2}"/>'
        f'<polyline class="line" points="{line}"/></svg>{marks}</div><div class="days">{dates}</div></div>'
    )


def _band(curve: Curve, top: int, span: int) -> str:
    """Return the band from what was usual up to what would have been enough; above the chart it is cut off.

    It is known for hours in which something was heard, and straight between them.
    """
    first, known = min(curve.mentions), sorted(curve.usual.items())
    if not known:
        return ""
    if len(known) == 1:  # an hour of its own is still seen
        known.append((known[0][0] + 1, known[0][1]))
    upper = [_point(hour - first, min(enough, top), span, top) for hour, (_, enough) in known]
    lower = [_point(hour - first, min(mean, top), span, top) for hour, (mean, _) in reversed(known)]
    return f'<polygon class="band" points="{" ".join(upper + lower)}"/>'


def _limit(curve: Curve, hours: range, top: int, span: int) -> str:
    """Return the line of what would have been enough, as it was known last; none where it lies above the chart."""
    points, limit = [], None
    for hour in hours:
        limit = curve.limits.get(hour, limit)
        if limit is not None:
            points.append(_point(hour - hours.start, min(limit, 1.01 * top), span, top))
    return f'<polyline class="limit" points="{" ".join(points)}"/>' if points else ""


def _point(hour: int, count: float, span: int, top: int) -> str:
    return f"{_x(hour, 0, span):.1f},{_y(count, top):.1f}"


def _x(hour: float, first: int, span: int) -> float:
    return WIDTH * (hour - first) / span


def _y(count: float, top: int) -> float:
    return HEIGHT - HEIGHT * count / top


def _mark(one: Difference, first: int, span: int) -> str:
    left = 100 * min(1.0, max(0.0, (one.at.timestamp() / HOUR - first) / span))
    title = f"{one.change} {one.at:%Y-%m-%d %H:%M} UTC {because(one)}"
    return (
        f'<span class="mark {one.change}" style="left:{left:.2f}%" title="{escape(title)}">{_SIGNS[one.change]}</span>'
    )


def _date(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * HOUR, UTC):%Y-%m-%d %H:%M}"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Earshot backtest: old and new</title>
<style>
{css}</style></head><body>
<h1>Old and new rules over the same posts</h1>
<p>{summary}. Times are UTC.</p>
<ul class="key"><li><i class="curve"></i>mentions an hour</li>
<li><i></i>from what is usual to what is enough, where a rule of the new version keeps a baseline</li>
<li><i class="limit"></i>what is enough for the nearest rule that counts mentions an hour</li>{marks}</ul>
{sections}
</body></html>
"""
