"""How the sources are doing, as a table shows it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from agents.ingest.overview import check, row
from agents.ingest.source import Entry, Readings, Source, Step, parse_sources
from schemas.checkpoint import Checkpoint, SourceState
from schemas.errors import ConfigError
from schemas.settings import load_settings

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HEARD = NOW - timedelta(seconds=20)


def stored(**about: object) -> Checkpoint:
    return Checkpoint.model_validate({"source": "news", "at": NOW, "heard": HEARD} | about)


@pytest.mark.parametrize(
    ("checkpoint", "state", "sentence"),
    [
        (None, "never run", "nobody has stored anything"),
        (stored(), "running", "heard a moment ago"),
        (stored(heard=NOW - timedelta(hours=1)), "silent", "it says that it runs, and nobody has heard of it"),
        (stored(state=SourceState.FAILING, trouble="the service answers 503"), "failing", "it is tried again"),
        (stored(state=SourceState.ENDED, heard=NOW - timedelta(days=9)), "ended", "long ago"),
        (stored(state=SourceState.LEFT), "left", "its process has stopped"),
    ],
)
def test_the_state(checkpoint: Checkpoint | None, state: str, sentence: str) -> None:
    [source] = parse_sources("sources: [{id: news, kind: rss, url: 'http://a.example/'}]", load_settings())
    found = row(source, checkpoint, NOW)
    assert (found.id, found.kind, found.platform, found.state) == ("news", "rss", "web", state), sentence
    assert len(found.cells()) == 11


def test_what_a_source_costs_and_is_allowed() -> None:
    [source] = parse_sources("sources: [{id: news, kind: rss, url: 'http://a.example/'}]", load_settings())
    facts: dict[str, str | float] = {
        "quota_left": 12.0,
        "quota_resets": "2026-11-28T08:00:00+00:00",
        "spent_day": 1.25,
        "spent_month": 20.0,
        "budget_left": 3.75,
        "token_expires": "2027-01-01T00:00:00+00:00",
    }
    found = row(source, stored(facts=facts, owner="a", event=NOW - timedelta(seconds=80), event_seen=NOW), NOW)
    cells = found.cells()
    assert cells[6:] == (
        "80s",
        "12.0 left, resets 2026-11-28T08:00:00+00:00",
        "1.25 USD this day, 20 USD this month, 3.75 left",
        "2027-01-01T00:00:00+00:00",
        "a",
    )
    assert "secret" not in str(row(source, stored(kept={"refresh_token": "secret"}), NOW))


class Halting(Source[Entry]):
    """Finds that something is missing."""

    Config = Entry

    async def run(self, checkpoint: Checkpoint | None) -> Readings:  # noqa: ARG002
        return
        yield

    async def check(self) -> AsyncIterator[Step]:
        yield Step("token", ok=True)
        raise ConfigError("the permission tweet.read is missing")


async def test_a_test_that_breaks_off_is_a_step_that_failed() -> None:
    source = Halting(Entry(id="a", kind="tested"), load_settings())
    assert [(step.name, step.ok) for step in await check(source)] == [("token", True), ("test", False)]


async def test_a_kind_that_tests_nothing_says_so() -> None:
    [source] = parse_sources("sources: [{id: push, kind: webhook}]", load_settings(webhook_secrets="s"))
    [step] = await check(source)
    assert step.ok
    assert "nothing else" in step.detail
