"""`earshot feedback`: what an alert was worth. Judge hears it in its log, so that a replay has learnt the same."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from pipeline.learnt import Learnt
    from schemas.alert import Alert
    from schemas.settings import Settings


class _AlertFirst(TyperGroup):
    """Takes what is no command for the alert that something is said of: `earshot feedback ALERT useful`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["say", *args]
        return super().resolve_command(ctx, args)


feedback = typer.Typer(
    name="feedback",
    cls=_AlertFirst,
    help="Say what an alert was worth (feedback ALERT useful|noise), see what was learnt of that, reset it.",
)
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so.")]
Watch = Annotated[str, typer.Argument(help="The id of the watch.")]
NOBODY = "somebody"


@feedback.command()
def say(
    alert: Annotated[
        str, typer.Argument(help="Incident and number as the message shows them, such as 1f2e3d4c5b6a7980.1.")
    ],
    worth: Annotated[Literal["useful", "noise"], typer.Argument(help="What it was worth.")],
    by: By = NOBODY,
) -> None:
    """Say that an alert was useful, or noise; what is said again takes the place of what was said."""
    from agents import clock
    from agents.access import check_access
    from agents.control import about_alert
    from cli.control import write
    from schemas.settings import load_settings

    settings = load_settings()
    check_access(settings, "feedback")
    found = _find(settings, alert)
    if found is None:
        hint = f"a message shows its incident and its number, as in {alert.partition('.')[0]}.1"
        raise typer.BadParameter(f"there is no alert {alert!r}; {hint}")
    record = about_alert(found, by, clock.now(), useful=worth == "useful")
    write(settings, found.watch, record, "feedback")
    typer.echo(f"{alert} was {worth}; {found.watch} learns from {len(record.posts)} of its posts")


@feedback.command()
def reset(watch: Watch, by: By = NOBODY) -> None:
    """Forget all that feedback has taught about a watch."""
    from agents import clock
    from cli.control import write
    from schemas.control import Unlearn
    from schemas.settings import load_settings

    write(load_settings(), watch, Unlearn(watch=watch, by=by, at=clock.now()), "feedback")
    typer.echo(f"{watch} has forgotten what it was told")


@feedback.command()
def show(
    watch: Watch,
    words: Annotated[int, typer.Option(help="How many words of each side.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what feedback has taught about a watch: what each rule's alerts were worth, and which words tell."""
    from agents.access import check_access
    from schemas.settings import load_settings

    settings = load_settings()
    check_access(settings, "feedback")
    learnt = _learnt(settings, watch)
    typer.echo(as_json(watch, learnt, words) if json else "\n".join(describe(learnt, words)))


def as_json(watch: str, learnt: "Learnt", words: int) -> str:
    """Return what was learnt as a JSON object: what each rule's alerts were worth, the examples, and the words."""
    from json import dumps

    from pipeline.relevance import weigh

    meant = sum(one.us for one in learnt.examples)
    weights = sorted(weigh(learnt.examples).items(), key=lambda one: (-one[1], one[0]))
    tellings = [one for one in weights if one[1] > 0][:words], [one for one in reversed(weights) if one[1] < 0][:words]
    speaks_for, speaks_against = ({word: round(weight, 3) for word, weight in some} for some in tellings)
    return dumps(
        {
            "watch": watch,
            "rules": {rule: {"useful": useful, "noise": noise} for rule, (useful, noise) in learnt.tallies().items()},
            "meant": meant,
            "not_meant": len(learnt.examples) - meant,
            "speaks_for": speaks_for,
            "speaks_against": speaks_against,
        },
        ensure_ascii=False,
    )


def describe(learnt: "Learnt", words: int) -> list[str]:
    """Return what was learnt as lines for people."""
    from cli.printable import counted
    from pipeline.relevance import weigh

    if not learnt.verdicts:
        return ["nobody has given feedback"]
    lines = [f"{rule}: {useful} useful, {noise} noise" for rule, (useful, noise) in learnt.tallies().items()]
    us = sum(one.us for one in learnt.examples)
    lines.append(f"learnt from {counted(us, 'post')} meant and {len(learnt.examples) - us:,} not meant")
    weights = sorted(weigh(learnt.examples).items(), key=lambda one: (-one[1], one[0]))
    if not weights:
        return [*lines, "words tell nothing as long as there is feedback of one kind only"]
    said = ["speaks for:     " + ", ".join(f"{word} {weight:+.2f}" for word, weight in weights[:words] if weight > 0)]
    against = [one for one in reversed(weights) if one[1] < 0][:words]
    said.append("speaks against: " + ", ".join(f"{word} {weight:+.2f}" for word, weight in against))
    return lines + said


def _find(settings: "Settings", name: str) -> "Alert | None":
    from agents.control import history

    return next((one for one in history(settings, name.rpartition(".")[0]) if one.id == name), None)


def _learnt(settings: "Settings", watch: str) -> "Learnt":
    from pipeline.form import LEARNT, learnt_form
    from pipeline.learnt import NOTHING
    from pipeline.stream.rows import row_current
    from schemas.topics import JUDGE_CHANGELOG

    value: bytes | None = None
    with _records(settings, settings.topic(JUDGE_CHANGELOG)) as records:
        for one in records:
            if one.key and one.key.partition(b"/")[2] == f"{watch}/{LEARNT}".encode():
                value = row_current(one.value) if one.value else None
    return learnt_form.validate_json(value) if value else NOTHING


@contextmanager
def _records(settings: "Settings", topic: str) -> "Iterator[Iterator[Any]]":
    from kafka import KafkaConsumer, TopicPartition

    from agents.kafka import connect, read_to_end

    with closing(connect(KafkaConsumer, settings)) as consumer:
        places = [TopicPartition(topic, one) for one in sorted(consumer.partitions_for_topic(topic) or ())]
        yield read_to_end(consumer, places) if places else iter(())
