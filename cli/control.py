"""`earshot acknowledge` and `earshot silence`: what people tell judge, in its log, so that a replay hears it too."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.alert import Alert
    from schemas.control import Silence
    from schemas.matcher import Matcher
    from schemas.model import Record
    from schemas.settings import Settings
    from schemas.watch import Watch as WrittenWatch

silence = typer.Typer(
    name="silence", help="Do not tell people for a while: add a silence, see what it would hold, end it."
)


def _said(written: str) -> str:
    if not written.strip():
        raise typer.BadParameter("is empty; others have to know")
    return written.strip()


By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.", callback=_said)]
Watch = Annotated[str, typer.Argument(help="The id of the watch.")]
Matchers = Annotated[
    list[str] | None,
    typer.Argument(
        help="What is silenced, such as platform=x,web or author!=bot; all must fit. Without: the whole watch."
    ),
]


def acknowledge(
    watch: Watch,
    incident: Annotated[str, typer.Argument(help="The id of the incident, as the message shows it.")],
    by: By,
    release: Annotated[
        bool, typer.Option("--release", help="Give it back: nobody takes care of it, and reminders begin anew.")
    ] = False,
) -> None:
    """Take care of an incident: nobody is reminded or escalated, and people are told again only when it gets worse."""
    from agents import clock, control
    from schemas.control import Acknowledge
    from schemas.settings import load_settings

    settings = load_settings()
    _in_force(settings, watch)
    _must_be_open(settings, watch, incident)
    record = Acknowledge(watch=watch, incident=incident, at=clock.now(), by=by, released=release)
    control.write(settings, watch, record)
    typer.echo(f"{incident} is {'open again: nobody takes care of it' if release else f'taken care of by {by}'}")
    typer.echo("messages in Slack say so in a moment; elsewhere the next one does")


@silence.command()
def add(  # noqa: PLR0913 - one option each
    watch: Watch,
    matchers: Matchers = None,
    *,
    by: By,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.", callback=_said)],
    during: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, such as 2h or 3d.")],
    begin: Annotated[
        datetime | None,
        typer.Option(
            "--from", metavar="TIME", help="When it begins, such as 2026-03-02T06:00:00 (UTC); now by itself."
        ),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Show what it would have held back of these posts (.jsonl), and change nothing."
        ),
    ] = None,
    watches: Annotated[Path | None, typer.Option(metavar="FILE", help="The watch file for --preview.")] = None,
) -> None:
    """Silence a watch, or what the matchers fit, for a while; everything is still counted."""
    from schemas.settings import load_settings

    settings = load_settings()
    record = _silence(watch, matchers or [], (by, reason), during, begin)
    if preview:
        _preview(record, preview, watches or settings.watches)
        return
    write(settings, watch, record)
    of = ", ".join(map(str, record.matchers)) or "the whole watch"
    typer.echo(f"{record.id}: {of} is silenced until {record.until:%Y-%m-%d %H:%M} UTC")


@silence.command()
def end(watch: Watch, name: Annotated[str, typer.Argument(help="The id that `silence add` showed.")], by: By) -> None:
    """End a silence now."""
    from agents import clock, control
    from pipeline.stream.current import silences
    from schemas.control import Silence
    from schemas.errors import ConfigError
    from schemas.findings import nearest
    from schemas.settings import load_settings

    settings = load_settings()
    _in_force(settings, watch)
    known = {hush.id: hush for hush in silences(settings, watch)}
    if name not in known:
        hint = nearest(name, known, "in force or to come are") if known else "none is in force or to come"
        raise ConfigError(f"{watch} has no silence {name}, and nothing was changed", hint=hint)
    now = clock.now()
    control.write(settings, watch, Silence(watch=watch, at=now, until=now, by=by, id=name))
    typer.echo(f"{name} is over")


def _silence(watch: str, written: list[str], said: tuple[str, str], during: str, begin: datetime | None) -> "Silence":
    from datetime import UTC
    from hashlib import sha256

    from agents import clock
    from schemas.control import Silence
    from schemas.duration import parse_duration

    try:
        seconds = parse_duration(during)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    now = clock.now()
    begins = begin.replace(tzinfo=UTC) if begin else now
    try:
        until = begins + timedelta(seconds=seconds)
    except OverflowError:
        raise typer.BadParameter("that is too far away", param_hint="--from") from None
    if until <= now:
        raise typer.BadParameter(f"it would be over since {until:%Y-%m-%d %H:%M} UTC", param_hint="--from")
    by, reason = said
    matchers = tuple(map(read_matcher, written))
    named = sha256("\n".join([watch, by, begins.isoformat(), *map(str, matchers)]).encode()).hexdigest()[:8]
    return Silence(watch=watch, at=now, begins=begins, until=until, by=by, reason=reason, id=named, matchers=matchers)


def read_matcher(written: str) -> "Matcher":
    """Return the matcher that `label=value,value` or `label!=value` stands for.

    Raises:
        typer.BadParameter: it is none.
    """
    from schemas.findings import nearest
    from schemas.matcher import LABELS
    from schemas.matcher import read_matcher as read
    from schemas.severity import SEVERITIES

    try:
        found = read(written, LABELS)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    for value in found.values if found.label == "severity" else ():
        if value.lower() not in SEVERITIES:
            hint = nearest(value, SEVERITIES, "there are")
            raise typer.BadParameter(f"there is no severity {value!r}, so that nothing would be silenced ({hint})")
    return found


def _preview(record: "Silence", posts: Path, watches: Path) -> None:
    """Play posts with and without the silence in force, and show which alerts it would have held back."""
    from cli.check import read_watches

    found = [watch for watch in read_watches(watches) if watch.id == record.watch]
    if not found:
        raise typer.BadParameter(f"{watches} has no watch {record.watch!r}")
    told, left = (_played(found[0], posts, one) for one in (None, record))
    held = [alert for name, alert in told.items() if name not in left]
    for alert in held:
        typer.echo(f"{alert.at:%Y-%m-%d %H:%M}  {alert.reason:<10} {alert.incident.mentions} mentions")
    typer.echo(f"{len(held)} of {len(told)} alerts would have been held back; nothing was changed")


def _played(watch: "WrittenWatch", posts: Path, record: "Silence | None") -> "dict[str, Alert]":
    """Return the alerts over recorded posts by their ids, with a silence in force all the time if there is one."""
    from datetime import UTC

    from cli.explain import feeling, noting
    from cli.reading import read_posts
    from pipeline.offline.backtest import Bench
    from pipeline.offline.replay import with_ticks
    from schemas.event import Post

    bench = Bench.of((watch,), feels=feeling())
    if record:
        always = {"begins": datetime.min.replace(tzinfo=UTC), "until": datetime.max.replace(tzinfo=UTC)}
        bench.tell(record.model_copy(update=always), watch.id)
    history = (post for post in noting(read_posts(str(posts)), []) if isinstance(post, Post))
    return {alert.id: alert for item in with_ticks(history) for verdict in bench.step(item) for alert in verdict.alerts}


def _must_be_open(settings: "Settings", watch: str, incident: str) -> None:
    """See that there is such an incident, and that it is not over.

    Raises:
        ConfigError: there is none, or nobody can take care of it any more.
    """
    from agents.control import history
    from pipeline.stream.current import Named, lives_of, named
    from schemas.errors import ConfigError
    from schemas.findings import nearest

    lives = lives_of(settings, watch)
    if named(watch, incident, lives) is Named.OPEN:
        return
    # what people were told a moment ago may not be part of the state yet
    told = history(settings, incident)
    found = named(watch, incident, lives, told)
    if found is Named.OPEN:
        return
    opened = [one.id for life in lives if (one := life.open)]
    hint = nearest(incident, opened, "open are") if opened else f"no incident of {watch} is open"
    said = {
        Named.OVER: f"incident {incident} of {watch} is over",
        Named.ELSEWHERE: f"{incident} is an incident of {told[-1].watch if told else 'another watch'}, not of {watch}",
        Named.UNKNOWN: f"{watch} has no incident {incident}",
    }
    raise ConfigError(f"{said[found]}, and nothing was changed", hint=hint)


def _in_force(settings: "Settings", watch: str, process: str = "control") -> None:
    """See that a watch is in force; `process` names the rights that are at hand.

    Raises:
        ConfigError: it is not, so that nobody would heed what is said of it.
    """
    from agents.access import check_access
    from pipeline.stream.follow import Follower
    from schemas.errors import ConfigError
    from schemas.findings import nearest

    check_access(settings, process)
    in_force = Follower(settings).catch_up().watches
    if watch not in in_force:
        hint = nearest(watch, in_force, "in force are") if in_force else "start a worker, or run: earshot watches apply"
        raise ConfigError(f"no watch {watch} is in force, and nothing was changed", hint=hint)


def write(settings: "Settings", watch: str, record: "Record", process: str = "control") -> None:
    """Write a record to judge's log, and return once the broker has it; `process` names the rights that it takes.

    Raises:
        ConfigError: no such watch is in force, so that nobody would heed it.
        SourceError: the broker does not take it.
    """
    from agents import control

    _in_force(settings, watch, process)
    control.write(settings, watch, record)
