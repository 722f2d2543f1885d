"""What must be there, computed from what was said and from the documentation alone: slowly, simply, and a second time.

Nothing of the product is used here. The rule is the one of `world.watches`: five posts within half an hour open an
incident; people are told again when the number has doubled, a quarter of an hour later at the earliest; an hour after
the last post it is over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.faults.world import Said

THRESHOLD = 5
WINDOW = timedelta(minutes=30)
PATIENCE = timedelta(minutes=15)
QUIET = timedelta(minutes=60)
APART = timedelta(hours=2)
"""Posts that are further apart belong to different waves."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One revision of an incident; `opened` and the watch tell incidents apart."""

    watch: str
    opened: datetime
    revision: int
    reason: str
    at: datetime
    mentions: int
    stories: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What one watch must lead to: its posts in their order, the decision about each, and the alerts."""

    watch: str
    posts: list[Said]
    decisions: dict[str, str]
    alerts: list[Alert]


def expect(watch: str, lane: Iterable[Said], *, ticks_after: bool) -> Expected:
    """Return what the watch for the word `watch` must lead to; a post that is said again changes nothing.

    An incident is over when time passes: at a later post, or, with `ticks_after`, also after the last one.
    """
    posts = list({said.key: said for said in lane if watch in said.text.split()}.values())
    found = Expected(watch, posts, {}, [])
    for wave in _waves(posts):
        _judge(found, wave, over=ticks_after or wave[-1] is not posts[-1])
    return found


def _waves(posts: list[Said]) -> Iterator[list[Said]]:
    wave: list[Said] = []
    for said in posts:
        if wave and said.time - wave[-1].time > APART:
            yield wave
            wave = []
        wave.append(said)
    if wave:
        yield wave


def _judge(found: Expected, wave: list[Said], *, over: bool) -> None:
    """Add what one wave leads to; `over`: something is said after it, so that time passes."""
    alerts: list[Alert] = []
    told = 0
    for index, said in enumerate(wave):
        heard = wave[: index + 1]
        value = sum(1 for one in heard if one.time > said.time - WINDOW)
        stories = len({one.text for one in heard})
        if not alerts and value >= THRESHOLD:
            decision, told = "opened", value
            alerts.append(Alert(found.watch, said.time, 1, "opened", said.time, value, stories))
        elif alerts and value >= 2 * told and said.time >= alerts[-1].at + PATIENCE:
            decision, told = "updated", value
            alerts.append(Alert(found.watch, alerts[0].opened, len(alerts) + 1, "grew", said.time, len(heard), stories))
        elif alerts:
            decision = "in-incident"
        else:
            decision = "folded" if said.text in {one.text for one in wave[:index]} else "below-threshold"
        found.decisions[said.key] = decision
    if alerts and over:
        opened, rest = alerts[0].opened, wave[-1].time
        at = rest + max(QUIET, (rest - opened) / 2)
        stories = len({one.text for one in wave})
        alerts.append(Alert(found.watch, opened, len(alerts) + 1, "resolved", at, len(wave), stories))
    found.alerts.extend(alerts)
