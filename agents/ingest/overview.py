"""How the sources are doing: what their owners stored, laid beside the sources file; and whether each could work."""

from datetime import datetime, timedelta
from typing import Any

from kafka import KafkaConsumer

from agents import clock
from agents.ingest.checkpoints import read_checkpoints
from agents.ingest.source import Source, Step, load_sources
from agents.kafka import connect
from agents.strays import Tell, warn
from schemas.checkpoint import Checkpoint
from schemas.duration import print_duration
from schemas.errors import EarshotError
from schemas.model import Record, UtcTime
from schemas.settings import Settings

SILENT = timedelta(minutes=30)
"""A source that has not answered for so long counts as silent, as in Prometheus' rule."""
UNHEARD = "-"


class Row(Record):
    """One source. `lag` is by how many seconds the latest event was late; what is not known is left out."""

    id: str
    kind: str
    platform: str = ""
    state: str
    trouble: str = ""
    event: UtcTime | None = None
    heard: UtcTime | None = None
    lag: float | None = None
    quota: str = ""
    money: str = ""
    token_expires: str = ""
    owner: str = ""
    facts: dict[str, str | float] = {}

    def cells(self) -> tuple[str, ...]:
        """Return the row as a table shows it."""
        lag = UNHEARD if self.lag is None else print_duration(max(1.0, round(self.lag)))
        texts = (self.id, self.kind, self.platform, self.state, _when(self.event), _when(self.heard), lag)
        rest = (self.quota, self.money, self.token_expires.partition(".")[0], self.owner)
        return (*texts, *(one or UNHEARD for one in rest))


def rows(settings: Settings, tell: Tell = warn) -> tuple[Row, ...]:
    """Return a row for every source of the sources file, in its order; `tell` is told what is no checkpoint.

    Raises:
        ConfigError: the sources file is wrong, or the broker does not answer or refuses us.
        SourceError: what the sources stored cannot be read.
    """
    listed = load_sources(settings)
    stored, now = stored_by(settings, tell), clock.now()
    return tuple(row(source, stored.get(source.config.id), now) for source in listed)


def stored_by(settings: Settings, tell: Tell) -> dict[str, Checkpoint]:
    """Return what the sources of an installation have stored, by their ids.

    Raises:
        ConfigError: the broker does not answer or refuses us.
        SourceError: it cannot be read.
    """
    # says in one line what is wrong, where librdkafka would tell of each attempt
    connect(KafkaConsumer, settings).close()
    return read_checkpoints(settings, tell)


def row(source: Source[Any], stored: Checkpoint | None, now: datetime) -> Row:
    """Return what is known of a source at `now`."""
    platform = str(getattr(source.config, "platform", "") or ", ".join(source.platforms))
    about: dict[str, Any] = {"id": source.config.id, "kind": source.config.kind, "platform": platform}
    if stored is None:
        return Row(**about, state="never run")
    state = str(stored.state)
    if state == "running" and stored.heard is not None and now - stored.heard > SILENT:
        state = "silent"
    facts = dict(stored.facts)
    lag = (stored.event_seen - stored.event).total_seconds() if stored.event and stored.event_seen else None
    return Row(
        **about,
        state=state,
        trouble=stored.trouble,
        event=stored.event,
        heard=stored.heard,
        lag=lag,
        quota=_quota(facts),
        money=_money(facts),
        token_expires=str(facts.get("token_expires", "")),
        owner=stored.owner,
        facts=facts,
    )


async def check(source: Source[Any]) -> list[Step]:
    """Return the steps of the test of a source; one that is not tested says so."""
    steps: list[Step] = []
    try:
        async for step in source.check():
            steps.append(step)  # noqa: PERF401 - those before one that breaks off are told too
    except EarshotError as error:
        steps.append(Step("test", ok=False, detail=str(error)))
    return steps or [Step("configuration", ok=True, detail="this kind has nothing else that could be tried")]


def _quota(facts: dict[str, str | float]) -> str:
    left = facts.get("quota_left")
    if left is None:
        return ""
    resets = str(facts.get("quota_resets", "")).partition(".")[0]
    return f"{left:g} left" if isinstance(left, float | int) and not resets else f"{left} left, resets {resets}"


def _money(facts: dict[str, str | float]) -> str:
    unit = facts.get("spent_unit", "USD")
    spent = [
        f"{facts[name]:g} {unit} this {period}"
        for name, period in (("spent_day", "day"), ("spent_month", "month"))
        if isinstance(facts.get(name), float | int)
    ]
    if isinstance(left := facts.get("budget_left"), float | int):
        spent.append(f"{left:g} left")
    return ", ".join(spent)


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else UNHEARD
