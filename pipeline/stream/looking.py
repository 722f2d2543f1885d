"""Looking after the stages: how far each is behind, whether it gets on, and the end of a process that does not."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from time import monotonic
from typing import Any

from agents.observe import Status
from pipeline.stream import metrics
from pipeline.stream.disk import Disk
from pipeline.stream.standstill import Look, Standstill, step, stuck

_SIZE_SECONDS = 10.0
Place = tuple[str, Any]
"""A group and one of its partitions; None in place of a partition is the group's assignment."""


async def look_after(
    apps: Mapping[str, Any],
    up: Callable[[str], bool],
    status: Status,
    limit: float,
    ends: Mapping[Any, int],
    reading: Mapping[str, Callable[[], Hashable]],
) -> None:
    """Look at the apps every second, tell the metrics and the status, until cancelled.

    `up` tells whether a stage has its partitions. One that has work and gets nowhere for more than `limit` seconds,
    although the broker answers, makes the process not alive. `ends` are where partitions end. A stage in `reading` gets
    on, too, while that tells something new of it: state is being read, which may take minutes, and a rebalance waits.
    """
    standstills: dict[Place, Standstill] = {}
    before = monotonic()
    while True:
        status.alive()
        looks: dict[Place, Look] = {}
        for stage, app in apps.items():
            read = reading[stage]() if stage in reading else None
            if up(stage) and not app.rebalancing:
                metrics.lag(app.conf.id, app.consumer.lags())
                seen = app.consumer.progress(ends)
                looks |= {(app.conf.id, tp): Look(waits, (done, read)) for tp, (waits, done) in seen.items()}
            else:
                looks[app.conf.id, None] = Look(waits=True, done=read)
        now = monotonic()
        standstills = step(standstills, looks, now - before, broker=status.holds("broker"))
        before = now
        status.stuck(stuck(((_name(place), found) for place, found in standstills.items()), limit))
        for app in apps.values():
            ages = {tp: found.seconds for (group, tp), found in standstills.items() if group == app.conf.id and tp}
            metrics.commit_age(app.conf.id, ages)
        await asyncio.sleep(1)


async def tell_size(disk: Disk) -> None:
    """Tell the metrics how much the state on disk takes, until cancelled."""
    while True:
        metrics.state(disk.figures())
        await asyncio.sleep(_SIZE_SECONDS)


def _name(place: Place) -> str:
    group, tp = place
    return f"{group} on {tp.topic}/{tp.partition}" if tp else f"{group}, which waits for its partitions,"
