"""Looking after the stages: how far each is behind, whether it gets on, and the end of a process that does not."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from agents.observe import Status
from pipeline.stream import metrics
from pipeline.stream.standstill import Look, Standstill, step, stuck

Place = tuple[str, Any]
"""A group and one of its partitions; None in place of a partition is the group's assignment."""


async def look_after(
    apps: Mapping[str, Any], up: Callable[[str], bool], status: Status, limit: float, ends: Mapping[Any, int]
) -> None:
    """Look at the apps every second, tell the metrics and the status, until cancelled.

    `up` tells whether a stage has its partitions and its state. One that has work and gets nowhere for more than
    `limit` seconds, although the broker answers, makes the process not alive. `ends` are where partitions end.
    """
    standstills: dict[Place, Standstill] = {}
    before = monotonic()
    while True:
        status.alive()
        looks: dict[Place, Look] = {}
        for stage, app in apps.items():
            if up(stage) and not app.rebalancing:
                metrics.lag(app.conf.id, app.consumer.lags())
                looks |= {(app.conf.id, tp): Look(*seen) for tp, seen in app.consumer.progress(ends).items()}
            else:
                looks[app.conf.id, None] = Look(waits=True, done=_recovered(app))
        now = monotonic()
        standstills = step(standstills, looks, now - before, broker=status.holds("broker"))
        before = now
        status.stuck(stuck(((_name(place), found) for place, found in standstills.items()), limit))
        for app in apps.values():
            ages = {tp: found.seconds for (group, tp), found in standstills.items() if group == app.conf.id and tp}
            metrics.commit_age(app.conf.id, ages)
        await asyncio.sleep(1)


def _recovered(app: Any) -> int:
    """Return a number that grows while the state of an app is being recovered."""
    return sum(offset or 0 for offset in app.tables.recovery.active_offsets.values())


def _name(place: Place) -> str:
    group, tp = place
    return f"{group} on {tp.topic}/{tp.partition}" if tp else f"{group}, which waits for its partitions or their state,"
