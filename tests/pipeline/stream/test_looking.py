"""Looking after the stages: what counts as getting on before a batch is committed."""

import asyncio
from collections.abc import Callable, Hashable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from agents.observe import Status
from pipeline.stream import looking
from pipeline.stream.looking import look_after

PARTITION = TP("earshot.mentions", 0)


class Ended(Exception):
    """So many looks were enough."""


def app(rebalancing: bool) -> Any:
    """Return an app that has a batch in hand all the time, of which nothing is ever committed."""
    consumer = SimpleNamespace(lags=dict, progress=lambda _: {PARTITION: (True, None)})
    return SimpleNamespace(conf=SimpleNamespace(id="earshot-judge"), rebalancing=rebalancing, consumer=consumer)


async def looks(
    number: int, read: Callable[[], Hashable], monkeypatch: pytest.MonkeyPatch, *, rebalancing: bool = False
) -> str:
    """Return why the process is not alive after so many looks, a second apart."""
    now = 0.0

    async def pass_by(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now >= number:
            raise Ended

    monkeypatch.setattr(looking, "monotonic", lambda: now)
    monkeypatch.setattr(asyncio, "sleep", pass_by)
    status = Status()
    with pytest.raises(Ended):
        await look_after({"judge": app(rebalancing)}, lambda _: True, status, 10.0, {}, {"judge": read})
    monkeypatch.undo()
    return status.not_alive()


@pytest.mark.parametrize("rebalancing", [False, True], ids=["in peace", "while a rebalance waits for it"])
async def test_a_stage_that_reads_its_state_gets_on(rebalancing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten million rows take minutes: a worker that was ended for it would begin anew for ever."""
    rows = iter(range(0, 10**6, 10_000))
    assert await looks(60, lambda: next(rows), monkeypatch, rebalancing=rebalancing) == ""


async def test_one_that_stands_still_while_it_reads_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has work and has got nowhere" in await looks(60, lambda: 7, monkeypatch)
