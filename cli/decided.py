"""What judge has decided and knows, from the topics of a running deployment; looking changes nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.explain import say_rule
from cli.printable import print_table, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.text import Text

    from pipeline.stream.lookup import Known
    from schemas.delivery import Delivery
    from schemas.incident import Incident
    from schemas.receipt import Receipt
    from schemas.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def explain_mention(mention: str, *, json: bool) -> None:
    """Print the receipts of a mention; exit code 1 if none is kept."""
    from rich.console import Console

    from pipeline.stream.lookup import receipts
    from schemas.settings import load_settings

    settings = load_settings()
    found = _as_they_turned_out(settings, receipts(settings, mention))
    if not found:
        typer.echo(f"no receipt of {mention}: no watch asked for it, or it is more than two days ago", err=True)
        raise typer.Exit(1)
    for receipt in found:
        if json:
            typer.echo(receipt.to_bytes())
        else:
            Console(highlight=False).print(*say_receipt(receipt), sep="\n", end="\n\n", soft_wrap=True)


def _as_they_turned_out(settings: "Settings", receipts: "list[Receipt]") -> "list[Receipt]":
    """Return receipts with what delivery has made of what they tell of, where watches share a budget."""
    from pipeline.offline.became import joined
    from pipeline.stream.lookup import deliveries

    alerts = {one.alert for one in receipts if one.alert}
    return joined(receipts, deliveries(settings, alerts)) if alerts else receipts


def say_receipt(receipt: "Receipt") -> "list[Text]":
    """Return for people what was decided, how far each rule was from firing, and what would have changed it."""
    from rich.text import Text

    from pipeline.offline.remedy import remedies, say_held

    decision = (receipt.decision.value, "bold")
    when = f"{receipt.at:%Y-%m-%d %H:%M:%S} UTC"
    lines = [Text.assemble((printable(receipt.mention), "bold"), f"  {receipt.watch}  ", decision, f"  {when}")]
    if receipt.detail:
        lines.append(Text(printable(f"  {receipt.detail}")))
    incident = f"{receipt.incident}{_of_group(receipt.group)}" if receipt.incident else None
    for label, value in (("story", receipt.story), ("incident", incident)):
        if value:
            lines.append(Text(printable(f"  {label} {value}"), "dim"))
    lines += [Text(printable(f"  held back by {say_held(one)}")) for one in receipt.held or ()]
    lines += [Text(printable(f"    {say_rule(one.model_dump(mode='json'))}"), "dim") for one in receipt.rules or ()]
    if changing := remedies(receipt):
        lines += [Text("  what would have changed it:"), *(Text(printable(f"    - {one}")) for one in changing)]
    return lines


def incidents(
    name: Annotated[
        str, typer.Argument(metavar="INCIDENT", help="All that is kept of this one: who was told, and every post.")
    ] = "",
    *,
    json: Json = False,
    everything: Annotated[bool, typer.Option("--all", help="Also the last one of a watch that is over.")] = False,
) -> None:
    """List the incidents that are open, of every watch, as judge knows them now; or show all that is kept of one."""
    if name:
        # what stands behind the point in a message's id is which message of the incident it is
        _everything_of(name.partition(".")[0], json=json)
        return
    from rich import box
    from rich.table import Table

    from pipeline.incidents.incident import known_of

    lives = [life for one in _lives() for life in one.lives]
    found = [(life, known) for life in lives if (everything or life.open) and (known := known_of(life))]
    if json:
        typer.echo("".join(f"{incident.to_bytes().decode()}\n" for _, incident in found), nl=False)
        return
    table = Table("incident", "watch", "state", "severity", "opened", "mentions", "because", box=box.SIMPLE_HEAD)
    for life, incident in found:
        signal = incident.signal
        held = f"; holds back {life.inhibited:,}" if life.inhibited else ""
        table.add_row(
            incident.id,
            printable(f"{incident.watch}{_of_group(incident.group, len(life.crowd))}"),
            printable(_state(incident)),
            incident.severity,
            f"{incident.opened:%Y-%m-%d %H:%M}",
            f"{incident.mentions:,}",
            f"{signal.rule}: {signal.value:g} of {signal.threshold:g}, peak {incident.peak:g}{held}",
        )
    print_table(table if found else "no incident is open")


def _everything_of(name: str, *, json: bool) -> None:
    """Print what is known of an incident, whom it was told, and what was decided about each post.

    The exit code is 1 if nothing is kept of it.
    """
    from pipeline.incidents.incident import known_of
    from pipeline.stream.lookup import deliveries, receipts
    from schemas.settings import load_settings

    settings = load_settings()
    open_or_last = (known_of(life) for one in _lives() for life in one.lives)
    known = next((one for one in open_or_last if one and one.id == name), None)
    told = [one for some in deliveries(settings, {name}).values() for one in some]
    told.sort(key=lambda one: one.requested)
    heard = receipts(settings, incident=name)
    if not (known or told or heard):
        typer.echo(f"nothing is kept of {name}: there is no such incident, or it was over two days ago", err=True)
        raise typer.Exit(1)
    if json:
        typer.echo("\n".join(as_json(known, told, heard)))
        return
    _print_all(name, known, told, heard)


def as_json(known: "Incident | None", told: "Iterable[Delivery]", heard: "Iterable[Receipt]") -> "Iterator[str]":
    """Yield the records of an incident, a line each; `type` says whether it is an incident, a delivery or a receipt."""
    from json import dumps, loads

    kinds = {"incident": (known,) if known else (), "delivery": told, "receipt": heard}
    for kind, records in kinds.items():
        for record in records:
            yield dumps({"type": kind} | loads(record.to_bytes()), ensure_ascii=False)


def _print_all(name: str, known: "Incident | None", told: "list[Delivery]", heard: "list[Receipt]") -> None:
    from schemas.duration import print_duration

    lines = [name]
    if known:
        signal, span = known.signal, print_duration(known.signal.window)
        lines = [
            f"{name}  {known.watch}  {_state(known)}  {known.severity}, since {known.opened:%Y-%m-%d %H:%M:%S} UTC",
            f"  {known.mentions:,} mentions, {known.stories:,} stories, {known.negative:,} negative",
            f"  {signal.rule}: {signal.value:g} of {signal.threshold:g} in {span}, peak {known.peak:g}",
        ]
    lines.append("  told:" if told else "  told: in no message of its own yet")
    lines += [
        f"    {one.at:%Y-%m-%d %H:%M:%S}  message {one.alert.rpartition('.')[2]}  {one.channel} {one.to}  {one.state}"
        f"{f': {one.error}' if one.error else ''}"
        for one in told
    ]
    lines.append(f"  heard since it began, as far as receipts are kept: {len(heard):,}")
    lines += [f"    {one.at:%Y-%m-%d %H:%M:%S}  {one.mention}  {one.decision}  {one.detail}" for one in heard]
    for line in lines:
        typer.echo(printable(line))


def _of_group(group: "Mapping[str, str] | None", others: int = 0) -> str:
    """Return whose incident it is, where a watch tells them apart."""
    if others:
        return f" ({others:,} groups that there was no room for)"
    return f" ({', '.join(f'{label} {value}' for label, value in group.items())})" if group else ""


def _state(incident: "Incident") -> str:
    if incident.state.value != "acknowledged":
        return incident.state.value
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
        said = (hush.id, one.watch, of, begins, until, hush.by, hush.reason, f"{hush.held:,}")
        table.add_row(*map(printable, said))
    print_table(table if found else "nothing is silenced")


def _lives() -> "Iterable[Known]":
    from pipeline.stream.lookup import lives
    from schemas.settings import load_settings

    return lives(load_settings())
