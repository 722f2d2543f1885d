"""Counts on file: `timestamp,value` in, `timestamp,value,anomaly_score` out, for `earshot backtest --counts`."""

import csv
import gzip
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.detect import Armed
    from pipeline.offline.counts import Scored

WANTED = ("timestamp", "value")
MOST = 10**12
"""More mentions at once than this are a mistake in the file."""
_GERMAN = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y")
_ENTRY = re.compile(r"\A((?:\s*(?:#.*)?\n)*[ ]*)-[ ]")
_YEARS = range(1970, 9000)
"""Between these years an hour more or less is always a time, in every zone."""


def read_rule(path: Path) -> "Armed":
    """Return the one rule that a file holds, as it would stand in a watch.

    Raises:
        ConfigError: the file cannot be read, or is no rule.
    """
    from pipeline.detect import arm_rule, detectors
    from pipeline.offline.counts import wants_posts
    from schemas.findings import Place, fit, nearest
    from schemas.located import locate
    from schemas.watch import Rule
    from schemas.watchfile import EXAMPLES

    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: it is not UTF-8 text", hint="save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    # as it stands in a watch it is an entry of a list
    located = locate(_ENTRY.sub(r"\1  ", text, count=1), str(path))
    here = Place(located.name, located.line_of, (), EXAMPLES)
    rule, wrong = fit(Rule, located.data, here)
    if rule is None:
        raise wrong[0]
    if rule.kind not in detectors():
        known = nearest(rule.kind, detectors(), "the kinds are")
        raise here.at("kind").error(f"is {rule.kind!r}, which is no kind of rule", known)
    if wrong := fit(detectors()[rule.kind].Config, rule.settings, here)[1]:
        raise wrong[0]
    armed = arm_rule(rule, rule.id)
    if wants_posts(armed):
        raise here.error("looks at posts, and counts say only how many there were", "try it with --watches and --input")
    return armed


def read_counts(path: Path) -> Iterator[tuple[str, datetime, int]]:
    """Yield the rows of a file, plain or `.gz`: the time as written, the time (UTC where no zone is told), the count.

    Columns are separated by commas, or by semicolons or tabs as spreadsheets write them.

    Raises:
        ConfigError: the file cannot be read, or a row is none; the text names the line.
    """
    try:
        with _open(path) as lines:
            names = lines.readline()
            between = next((sign for sign in ";\t" if sign in names), ",")
            columns = [name.strip().lower() for name in next(csv.reader([names], delimiter=between), [])]
            if not set(WANTED) <= set(columns):
                raise ConfigError(f"{path} has no columns {' and '.join(WANTED)}; its first line must name them")
            rows = csv.DictReader(lines, columns, delimiter=between)
            for row in rows:
                if not any(row.values()):  # a spreadsheet's empty last line
                    continue
                yield _row(row, f"{path}:{rows.line_num + 1}")
    except csv.Error as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or 'it is no gzip file'}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} cannot be read: it is not UTF-8 text") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def _row(row: dict[str, str], where: str) -> tuple[str, datetime, int]:
    try:
        time, written = _time(row["timestamp"].strip()), row["value"].strip()
        count = float(written.replace("_", "x"))
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        raise ConfigError(f"{where}: is no time and count; write 2026-01-31 12:00:00,17") from error
    if not (0 <= count <= MOST and count == int(count)):
        raise ConfigError(f"{where}: {written[:40]} is no count of mentions")
    return row["timestamp"], time, int(count)


def _time(written: str) -> datetime:
    """Return an instant, in UTC where no zone is told: as ISO 8601 has it, or a German day and time.

    Raises:
        ValueError: it is none, or too far away to be one.
        OverflowError: it is none in UTC.
    """
    time = _german(written) or datetime.fromisoformat(written)
    if time.year not in _YEARS:
        raise ValueError("the year is too far away")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _german(written: str) -> datetime | None:
    for form in _GERMAN if "." in written[:3] else ():
        with suppress(ValueError):
            return datetime.strptime(written, form)  # noqa: DTZ007 - such a time tells no zone
    return None


def write_scores(path: Path, rows: Iterable[tuple[str, "Scored"]]) -> list["Scored"]:
    """Write a score for each row, 1.0 where an alert would start and else 0.0; return the starts.

    Raises:
        ConfigError: the file cannot be written.
    """
    starts = []
    try:
        with path.open("w", encoding="utf-8", newline="") as lines:
            out = csv.writer(lines)
            out.writerow([*WANTED, "anomaly_score"])
            for written, one in rows:
                out.writerow([written, one.count, "1.0" if one.starts else "0.0"])
                if one.starts:
                    starts.append(one)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return starts
