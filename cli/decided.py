"""What judge has decided and knows, from the topics of a running deployment; looking changes nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.explain import say_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table
    from rich.text import Text

    from pipeline.incident import Life
    from pipeline.stream.lookup import Known
    from schemas.receipt import Receipt

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def explain_mention(mention: str, *, json: bool) -> None:
    """Print the receipts of a mention; exit code 1 if none is kept."""
    from rich.console import Console

    from pipeline.stream.lookup import receipts
    from schemas.settings import load_settings

    found = receipts(load_settings(), mention)
    if not found:
        typer.echo(f"no receipt of {mention}: no watch asked for it, or it is more than two days ago", err=True)
        raise typer.Exit(1)
    for receipt in found:
        if json:
            typer.echo(receipt.to_bytes())
        else:
            Console(highlight=False).print(*say_receipt(receipt), sep="\n", end="\n\n", soft_wrap=True)


def say_receipt(receipt: "Receipt") -> "list[Text]":
    """Return for people what was decided, how far each rule was from firing, and what would have changed it."""
    from rich.text import Text

    from pipeline.remedy import remedies

    decision = (receipt.decision.value, "bold")
    when = f"{receipt.at:%Y-%m-%d %H:%M:%S} UTC"
    lines = [Text.assemble((receipt.mention, "bold"), f"  {receipt.watch}  ", decision, f"  {when}")]
    if receipt.detail:
        lines.append(Text(f"  {receipt.detail}"))
    for label, value in (("story", receipt.story), ("incident", receipt.incident)):
        if value:
            lines.append(Text(f"  {label} {value}", "dim"))
    lines += [Text(f"    {say_rule(one.model_dump())}", "dim") for one in receipt.rules or ()]
    if changing := remedies(receipt):
        lines += [Text("  what would have changed it:"), *(Text(f"    - {one}") for one in changing)]
    return lines


def incidents(
    json: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="Also the last one of a watch that is over.")] = False,
) -> None:
    """List the incidents that are open, of every watch, as judge knows them now."""
    from rich import box
    from rich.table import Table

    found = [one for one in _lives() if one.life.incident and (everything or one.life.open)]
    if json:
        typer.echo(
            "".join(f"{one.life.incident.to_bytes().decode()}\n" for one in found if one.life.incident), nl=False
        )
        return
    table = Table("incident", "watch", "state", "severity", "opened", "mentions", "because", box=box.SIMPLE_HEAD)
    for one in found:
        if incident := one.life.incident:
            signal = one.life.signal or incident.signal
            table.add_row(
                incident.id,
                incident.watch,
                _state(one.life),
                incident.severity,
                f"{incident.opened:%Y-%m-%d %H:%M}",
                f"{max(one.life.heard.mentions, incident.mentions):,}",
                f"{signal.rule}: {signal.value:g} of {signal.threshold:g}, peak {one.life.peak:g}",
            )
    _print(table if found else "no incident is open")


def _state(life: "Life") -> str:
    incident = life.incident
    if incident is None or incident.state.value != "acknowledged":
        return incident.state.value if incident else ""
    return f"{incident.state.value} by {incident.acknowledged_by}"


def list_silences(json: Json = False) -> None:
    """List the silences in force or to come: of what, whose, until when, and how much each has held back."""
    from rich import box
    from rich.table import Table

    found = [(one, hush) for one in _lives() for hush in one.life.silences if hush.until > one.at]
    if json:
        from json import dumps

        for one, hush in found:
            about = {"watch": one.watch, "begins": hush.begins.isoformat(), "in_force": hush.covers(one.at)}
            typer.echo(dumps(about | hush.told().model_dump(mode="json"), ensure_ascii=False))
        return
    table = Table("silence", "watch", "of", "from", "until", "by", "reason", "held back", box=box.SIMPLE_HEAD)
    for one, hush in found:
        begins = "now" if hush.covers(one.at) else f"{hush.begins:%Y-%m-%d %H:%M}"
        of = " ".join(map(str, hush.matchers)) or "the whole watch"
        until = f"{hush.until:%Y-%m-%d %H:%M}"
        table.add_row(hush.id, one.watch, of, begins, until, hush.by, hush.reason, f"{hush.held:,}")
    _print(table if found else "nothing is silenced")


def _print(shown: "Table | str") -> None:
    """Print what people have written as it is, and keep what is copied whole; a pipe is as wide as the tables are."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not isinstance(shown, str):
        shown.columns[0].no_wrap = True
    (console if console.is_terminal else Console(highlight=False, markup=False, width=140)).print(shown)


def _lives() -> "Iterable[Known]":
    from pipeline.stream.lookup import lives
    from schemas.settings import load_settings

    return lives(load_settings())
