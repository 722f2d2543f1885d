"""`earshot up`: all processes of Earshot against a given Kafka, as one foreground command.

Nothing is restarted here: a process that ends takes the others with it, and whatever started `earshot up` (systemd, a
container engine) starts it again.
"""

import signal
from contextlib import contextmanager
from time import sleep
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from cli.children import Children
    from schemas.settings import Settings

PROCESSES = ("deliver", "worker", "ingest")
"""In the order they are started: who receives comes before who sends. They are stopped the other way round."""
READY_SECONDS = 90.0


class Terminated(BaseException):
    """Somebody asked this command to end by SIGTERM; not an error, and nothing may swallow it."""


@contextmanager
def until_terminated() -> "Iterator[None]":
    """Turn SIGTERM into `Terminated`, so that children are stopped as they are on Ctrl-C."""

    def end(_number: int, _frame: "FrameType | None") -> Any:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def up() -> None:
    """Run ingest, worker and delivery against the Kafka of EARSHOT_KAFKA until Ctrl-C."""
    from agents.watchfolder import check_deliverable
    from cli.children import children
    from schemas.settings import load_settings

    settings = load_settings()
    check_deliverable(settings)  # what is missing is better said here than in a child's log
    _check_topics(settings)
    try:
        with until_terminated(), children(settings.state / "logs", {}) as group:
            for number, name in enumerate(PROCESSES):
                group.start(name, settings.metrics_port and settings.metrics_port + number, finite=name == "ingest")
            _follow(group)
    except (KeyboardInterrupt, Terminated):
        typer.echo("stopped", err=True)


def _check_topics(settings: "Settings") -> None:
    from agents.topics import check_topics
    from schemas.errors import ConfigError

    if findings := check_topics(settings):
        more = f" and {len(findings) - 1} more" if len(findings) > 1 else ""
        raise ConfigError(f"{findings[0]}{more}", where=settings.kafka, hint="earshot topics apply")


def _follow(group: "Children") -> None:
    """Pass on what the children log, each line with the name of its process, until one of them ends."""
    for child in group.running:
        typer.echo(f"{child.name:<8}| {child.url}/metrics, log in {child.log}", err=True)
    for _ in group.waiting(READY_SECONDS):
        _pass_on(group)
    typer.echo("all processes are ready", err=True)
    while True:
        _pass_on(group)
        group.check()
        sleep(0.2)


def _pass_on(group: "Children") -> None:
    for child in group.running:
        for line in child.new_lines():
            typer.echo(f"{child.name:<8}| {line}", err=True)
