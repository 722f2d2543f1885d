"""Prove: runs the tests that a watch carries, through the same code as live, and says which fail and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.normalize import normalize
from pipeline.offline.backtest import SOURCE, Bench
from pipeline.offline.replay import with_ticks
from pipeline.query import QueryError, explain, parse
from schemas.alert import Alert, AlertReason
from schemas.errors import ConfigError
from schemas.event import Author, Event, Post
from schemas.located import Path
from schemas.proof import MONDAY, Burst, Example, Said, Scenario
from schemas.receipt import Receipt
from schemas.watch import Watch
from schemas.watchfile import Entry

SHOWN = 60
"""How many characters of a post are repeated in a message: it is the user's own."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A test that failed: where it stands in the watch, and why in a sentence."""

    path: Path
    why: str


def prove(watch: Watch) -> Iterator[Failure]:
    """Yield the tests of `watch` that fail, in the order of the groups they are written in.

    Raises:
        ConfigError: a query of the watch cannot be read.
    """
    tests = watch.tests
    bench = Bench.of((watch,)) if tests.must_match or tests.must_not_match else None
    for group, wanted in (("must_match", True), ("must_not_match", False)):
        for number, example in enumerate(getattr(tests, group) if bench else ()):
            if bench and (why := _example(watch, bench, example, wanted=wanted)):
                yield Failure(("tests", group, number), why)
    for group, wanted in (("must_alert", True), ("must_not_alert", False)):
        for number, scenario in enumerate(getattr(tests, group)):
            if why := _scenario(watch, scenario, wanted=wanted):
                yield Failure(("tests", group, number), why)


def failing(entry: Entry) -> list[ConfigError]:
    """Return the tests of a watch that fail, as findings in its file."""
    return [entry.place.at(*one.path).error(one.why) for one in prove(entry.good)] if entry.good else []


def count(watch: Watch) -> int:
    """Return how many tests `watch` carries."""
    tests = watch.tests
    return sum(map(len, (tests.must_match, tests.must_not_match, tests.must_alert, tests.must_not_alert)))


def _example(watch: Watch, bench: Bench, example: Example, *, wanted: bool) -> str:
    """Return why an example fails, nothing where it does not."""
    if example.entity not in watch.queries:
        return f"is about {example.entity!r}, but the entities of the watch are {', '.join(watch.queries)}"
    event = _event(example, "1", MONDAY)
    found = bench.matcher.match(normalize(event))
    about = [entity for match in found for entity in match.entities if entity.entity == example.entity]
    if bool(about) is wanted:
        return ""
    shown = _short(example.text)
    if wanted:
        return f"does not match: {shown}; {_blame(watch, example.entity, event)}"
    terms = ", ".join(dict.fromkeys(span.term for span in about[0].spans))
    return f"matches: {shown}; {f'because of {terms}' if terms else 'although nothing in its text asks for it'}"


def _blame(watch: Watch, entity: str, event: Event) -> str:
    """Return which part of the query of an entity an event does not satisfy."""
    try:
        return str(explain(parse(watch.queries[entity], watch.lists), normalize(event))).removeprefix("no match: ")
    except QueryError as error:
        return str(error)


def _scenario(watch: Watch, scenario: Scenario, *, wanted: bool) -> str:
    """Return why a timeline fails, nothing where it does not."""
    alerts, last = _play(watch, scenario)
    opened = next((alert for alert in alerts if alert.reason is AlertReason.OPENED), None)
    if not wanted:
        return f"alerts {_after(scenario, opened.at)} ({_figures(opened)})" if opened else ""
    if opened is None:
        return (
            f"does not alert: {last.detail or last.decision}" if last else "does not alert: none of its posts matches"
        )
    if scenario.by is not None and (opened.at - scenario.begin).total_seconds() > scenario.by:
        return f"alerts only {_after(scenario, opened.at)} ({_figures(opened)})"
    return ""


def _play(watch: Watch, scenario: Scenario) -> tuple[list[Alert], Receipt | None]:
    """Return the alerts of a timeline, and what was decided about its last match."""
    bench = Bench.of((watch,))
    alerts: list[Alert] = []
    last: Receipt | None = None
    for item in with_ticks(posts(scenario)):
        for verdict in bench.step(item):
            alerts += verdict.alerts
            last = verdict.receipts[-1] if verdict.receipts else last
    return alerts, last


def posts(scenario: Scenario) -> list[Post]:
    """Return the posts of a timeline in the order of their times."""
    made = [
        (scenario.begin + timedelta(seconds=burst.at + (burst.over or 0.0) * number / burst.posts), burst, number + 1)
        for burst in scenario.timeline
        for number in range(burst.posts)
    ]
    made.sort(key=lambda one: one[0])
    return [_post(burst, f"{index}", at, number) for index, (at, burst, number) in enumerate(made)]


def _post(said: Said, name: str, at: datetime, number: int = 1) -> Post:
    text = said.text.replace("{n}", str(number)) if isinstance(said, Burst) else said.text
    author = Author(name=said.author, followers=said.followers) if said.author or said.followers else None
    return Post(
        platform=said.platform,
        id=name,
        time=at,
        text=text,
        title=said.title,
        lang=said.lang,
        author=author,
        url=said.url,
        metrics=said.metrics,
    )


def _event(said: Said, name: str, at: datetime) -> Event:
    post = _post(said, name, at)
    return Event.model_validate({**dict(post), "source": SOURCE, "seen": at})


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= SHOWN else line[: SHOWN - 1] + '…'}”"


def _after(scenario: Scenario, at: datetime) -> str:
    minutes, seconds = divmod(round((at - scenario.begin).total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if value]
    return f"{''.join(parts) or '0s'} after its beginning"


def _figures(alert: Alert) -> str:
    signal = alert.incident.signal
    return f"{signal.rule}: {signal.value:g}, {signal.threshold:g} is enough"
