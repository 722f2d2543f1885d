"""Named points in the code at which a process can be killed or frozen; and how a process is started that has them.

    python -m tests.faults.points worker|ingest|deliver

The file that `FAULTS_TRAP` names arms one point: it holds the name of a signal and that of the point. Whoever reaches
the point takes the file away, leaves `<file>.sprung`, and sends the signal to itself.
"""

import asyncio
import faulthandler
import functools
import gc
import importlib
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.clocks import leaping
from tests.faults.disk import MEMTABLE_BYTES

Condition = Callable[..., bool]


def _always(*_arguments: Any, **_options: Any) -> bool:
    return True


def _is_commit(_outbox: Any, records: Any, *_rest: Any, **_options: Any) -> bool:
    """Tell whether what is delivered is judge's commit record: alone, and with a key that names no row."""
    return len(records) == 1 and records[0].topic == "earshot.judge" and records[0].key.isdigit()


class Every:
    """True once in so many calls: in the middle of something that is done for every record."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._count = 0

    def __call__(self, *_arguments: Any, **_options: Any) -> bool:
        self._count += 1
        return self._count % self._calls == 0


@dataclass(frozen=True, slots=True)
class Point:
    """A call of `where` (`module:Class.function`), before it begins or `after` it has succeeded."""

    where: str
    after: bool = False
    when: Condition = _always


_ONE_AT_A_TIME = threading.Lock()
_STREAM, _ALERT, _INGEST = "pipeline.stream", "agents.alert", "agents.ingest"
POINTS: dict[str, dict[str, Point]] = {
    "worker": {
        "listen has a batch": Point(f"{_STREAM}.listen:Listen.process"),
        "listen is through with a batch": Point(f"{_STREAM}.listen:Listen.process", after=True),
        "judge has a batch": Point(f"{_STREAM}.judge:Judge.process"),
        "judge has judged and not written": Point(f"{_STREAM}.judge:Judge._write"),
        "a record is handed to the producer": Point(f"{_STREAM}.producer:Outbox._hand_over", after=True),
        "a write was allowed and not begun": Point(f"{_STREAM}.producer:Outbox._attempt"),
        "a write is acknowledged": Point(f"{_STREAM}.producer:Outbox._attempt", after=True),
        "alerts and rows are written, the commit record is not": Point(
            f"{_STREAM}.producer:Outbox.deliver", when=_is_commit
        ),
        "the commit record is written, the batch is not acknowledged": Point(
            f"{_STREAM}.judge:Judge._write", after=True
        ),
        "before offsets are committed": Point(f"{_STREAM}.transport:ConsumerThread._commit"),
        "after offsets are committed": Point(f"{_STREAM}.transport:ConsumerThread._commit", after=True),
        "partitions are revoked": Point(f"{_STREAM}.transport:Consumer.on_partitions_revoked"),
        "partitions are assigned": Point(f"{_STREAM}.transport:Consumer.on_partitions_assigned"),
        "a partition's state is about to be read": Point(f"{_STREAM}.changelog:Changelog._read"),
        "a partition's state is half read": Point(f"{_STREAM}.changelog:_Copy.apply", when=Every(7)),
        "a partition's state is restored": Point(f"{_STREAM}.judge:Partition.__init__", after=True),
    },
    "ingest": {
        "a request has arrived": Point(f"{_INGEST}.web.door:Pushed.take"),
        "a request is written and not answered": Point(f"{_INGEST}.web.door:Pushed.take", after=True),
        "a record is handed to the producer": Point(f"{_INGEST}.writer:Writer.write", after=True),
        "an acknowledgement has come": Point(f"{_INGEST}.writer:Writer._answered"),
        "before a checkpoint is stored": Point(f"{_INGEST}.keeper:Keeper.store"),
        "after a checkpoint is handed over": Point(f"{_INGEST}.keeper:Keeper.store", after=True),
    },
    "deliver": {
        "partitions are dealt out": Point("kafka.coordinator.consumer:ConsumerCoordinator._on_join_complete_async"),
        "a partition is let go": Point(f"{_ALERT}.partition:Partition.close"),
        "a partition is opened": Point(f"{_ALERT}.partition:Partition.open"),
        "the ledger is read": Point(f"{_ALERT}.partition:Partition.open", after=True),
        "before a transaction": Point(f"{_ALERT}.partition:Partition.write"),
        "after a transaction": Point(f"{_ALERT}.partition:Partition.write", after=True),
        "the ledger says sending, nothing is sent": Point(f"{_ALERT}.delivery:make"),
        "Slack is about to be told": Point(f"{_ALERT}.channels.slack:Slack._post"),
        "Slack was told, the ledger does not know": Point(f"{_ALERT}.channels.slack:Slack._post", after=True),
        "the mail server has it, the ledger does not know": Point(f"{_ALERT}.channels.email:Email.send", after=True),
    },
}


def reach(trap: Path, name: str) -> None:
    """Die or freeze, if the point `name` is armed."""
    with _ONE_AT_A_TIME:  # who was frozen with the trap in hand would take the next one that is laid for this one
        _reach(trap, name)


def _reach(trap: Path, name: str) -> None:
    try:
        armed = trap.read_text()
    except FileNotFoundError:
        return
    how, _, point = armed.partition(" ")
    if point != name:
        return
    try:
        trap.rename(f"{trap}.sprung")
    except FileNotFoundError:  # it was taken away
        return
    os.kill(os.getpid(), signal.Signals[how])


def install(kind: str, trap: Path) -> None:
    """Put the points of a kind of process into its code.

    Raises:
        AttributeError: a point is no longer where it was.
    """
    for name, point in POINTS[kind].items():
        module, _, path = point.where.partition(":")
        *owners, attribute = path.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        setattr(owner, attribute, _with_point(getattr(owner, attribute), name, point, trap))


def _with_point(call: Any, name: str, point: Point, trap: Path) -> Any:
    @functools.wraps(call)
    async def later(*arguments: Any, **options: Any) -> Any:
        here = point.when(*arguments, **options)
        if here and not point.after:
            reach(trap, name)
        result = await call(*arguments, **options)
        if here and point.after:
            reach(trap, name)
        return result

    @functools.wraps(call)
    def now(*arguments: Any, **options: Any) -> Any:
        here = point.when(*arguments, **options)
        if here and not point.after:
            reach(trap, name)
        result = call(*arguments, **options)
        if here and point.after:
            reach(trap, name)
        return result

    return later if inspect.iscoroutinefunction(call) else now


def _worker() -> None:
    from pipeline.stream import disk
    from pipeline.stream.app import run_worker
    from schemas.settings import load_settings

    disk.MEMTABLE_BYTES = MEMTABLE_BYTES
    run_worker(load_settings())


def _ingest() -> None:
    from agents.ingest.runner import run_ingest
    from agents.logs import configure
    from schemas.settings import load_settings

    settings = load_settings()
    configure(settings, "ingest")
    run_ingest(settings)


def _deliver() -> None:
    from agents.alert.delivery import run_delivery
    from agents.alert.ledger import Pace
    from agents.logs import configure
    from schemas.settings import load_settings

    settings = load_settings()
    configure(settings, "deliver")
    run_delivery(settings, Pace(first=0.2, longest=1.0, give_up=3600.0, lease=4.0))


def show(_number: int, _frame: object) -> None:
    """Write down where every thread and every task stands: asked for when the work stands still."""
    faulthandler.dump_traceback()
    for task in [found for found in gc.get_objects() if isinstance(found, asyncio.Task) and not found.done()]:
        task.print_stack(limit=8)


if __name__ == "__main__":
    leaping()
    _kind = sys.argv[1]
    signal.signal(signal.SIGUSR1, show)
    install(_kind, Path(os.environ["FAULTS_TRAP"]))
    {"worker": _worker, "ingest": _ingest, "deliver": _deliver}[_kind]()
