"""`earshot worker | ingest | deliver`: the three processes of production, one each, in the foreground."""

from enum import StrEnum
from typing import Annotated

import typer


class Stage(StrEnum):
    """A half of the pipeline: they scale apart."""

    LISTEN = "listen"
    JUDGE = "judge"


def worker(
    stage: Annotated[list[Stage] | None, typer.Option(help="Only this half of the pipeline; both by default.")] = None,
) -> None:
    """Filter, fold and judge: the Faust worker between the raw topics and the alerts."""
    from pipeline.stream.garbage import not_looked_at

    with not_looked_at():
        from agents.logs import configure
        from pipeline.stream.app import run_worker
        from schemas.settings import load_settings

    settings = load_settings()
    configure(settings, "worker")
    run_worker(settings, stages=tuple(str(one) for one in stage or Stage))


def ingest() -> None:
    """Read the sources and push what they deliver to the broker."""
    from agents.ingest.runner import run_ingest
    from agents.logs import configure
    from schemas.settings import load_settings

    settings = load_settings()
    configure(settings, "ingest")
    run_ingest(settings)


def deliver() -> None:
    """Tell people: carry the alerts to Slack, mail and the other channels."""
    from agents.alert.delivery import run_delivery
    from agents.logs import configure
    from agents.watchfolder import check_deliverable
    from schemas.settings import load_settings

    settings = load_settings()
    configure(settings, "deliver")
    check_deliverable(settings)
    run_delivery(settings)
