"""The worker: the two Faust apps, what they share, and how the process starts, fails and ends."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from functools import cached_property
from pathlib import Path
from traceback import extract_tb
from typing import Any

import faust
import structlog
from confluent_kafka import KafkaException
from faust.types import TP

from agents.logs import configure
from agents.observe import Status, end_when_dead, serve
from agents.watchfolder import names_in
from pipeline.sentiment import Feels
from pipeline.stream.admit import watch_broker
from pipeline.stream.batch import Batch, Schema
from pipeline.stream.boot import Boot, boot
from pipeline.stream.ceiling import TooManyDead
from pipeline.stream.changelog import Changelog
from pipeline.stream.connect import faust_settings
from pipeline.stream.disk import Disk, DiskFailed
from pipeline.stream.ends import follow_ends
from pipeline.stream.flowcontrol import FlowControl
from pipeline.stream.garbage import look_rarely
from pipeline.stream.judge import Judge
from pipeline.stream.listen import Listen, read_models
from pipeline.stream.looking import look_after, tell_size
from pipeline.stream.metrics import timed
from pipeline.stream.quiet import spare_the_log
from pipeline.stream.ticks import write_ticks
from pipeline.stream.transport import FAUST_LOG
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import MENTIONS, RAW_TOPICS

STOP_SECONDS = 10.0
"""How long a stopping worker waits for what is in work."""
log = structlog.get_logger(__name__)


class App(faust.App):
    """A Faust app that needs no directory: the state is in memory and in the changelog."""

    logger = FAUST_LOG

    @cached_property
    def flow_control(self) -> FlowControl:
        """What holds the streams while partitions are handed over."""
        return FlowControl(loop=self.loop)

    def _create_directories(self) -> None:
        """Create none; the worker runs on a read-only file system."""


class Worker:
    """The stages of one process. `failure` is the first error that no stage could deal with."""

    def __init__(self, settings: Settings, begun: Boot, stages: Iterable[str], feels: Feels | None = None) -> None:
        self._settings = settings
        self._begun = begun
        self._outbox = outbox = begun.outbox
        self._listen: Listen | None = None
        # joining may take a session that has to run out first, and one more
        self._patience = max(settings.stuck_after, 2 * settings.session_timeout)
        self._up: set[str] = set()
        self._disk: Disk | None = None
        self._reading: dict[str, Callable[[], Hashable]] = {}
        self.failure: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self.apps: dict[str, Any] = {}
        if "listen" in stages:
            self._listen = Listen(settings, begun.edition, outbox, feels)
            self._add("listen", RAW_TOPICS, self._listen.process)
            _on_revoked(self.apps["listen"], self._listen.forget)
        if "judge" in stages:
            self._add_judge()
        outbox.sure = self._sure

    @property
    def started(self) -> bool:
        """Tell whether every stage has had its partitions and its state."""
        return self._up == self.apps.keys()

    def _mine(self) -> set[TP]:
        """Return the partitions that this worker reads from."""
        consumers = [self.apps[stage].consumer for stage in self._up]
        return {tp for consumer in consumers for tp in consumer.progress({})}

    def _sure(self) -> bool:
        """Tell whether every stage that has partitions still has them for certain."""
        return all(self.apps[stage].consumer.sure() for stage in self._up)

    def _app(self, stage: str) -> Any:
        app = self.apps[stage] = App(self._settings.group(stage), **faust_settings(self._settings))
        _on_revoked(app, self._outbox.forget)
        return app

    def _add(self, stage: str, topics: Iterable[str], process: Callable[[Batch], Awaitable[None]]) -> None:
        """Make the app of a stage, with one agent that takes batches one after the other."""
        app = self.apps.get(stage) or self._app(stage)

        async def take(stream: Any) -> None:
            async for batch in stream:
                with timed(stage):
                    await self._guarded(process, batch)

        app.agent(
            app.topic(*map(self._settings.topic, topics), schema=Schema()), name=f"earshot.{stage}", concurrency=1
        )(take)

    async def _guarded(self, process: Callable[[Batch], Awaitable[None]], batch: Batch) -> None:
        """Process `batch`; an error ends the process, for Faust would take the batch as done and go on."""
        try:
            await process(batch)
        except Exception as error:  # noqa: BLE001 - the seam where any error of a stage becomes the end of the process
            if not self.failure.done():
                self.failure.set_result(error)
            await asyncio.Event().wait()

    def _add_judge(self) -> None:
        app = self._app("judge")
        if self._settings.state_dir:
            self._disk = Disk(Path(self._settings.state_dir), self._settings.state_cache * 2**20)
        changelog = Changelog(self._settings, self._outbox, self._disk)
        judge = Judge(self._outbox, changelog, self._settings.lateness, self._settings.partitions)
        self._reading["judge"] = judge.reading
        self._add("judge", [MENTIONS], judge.process)
        _on_revoked(app, judge.forget)

        async def keep(_app: Any, assigned: Iterable[TP], **_options: Any) -> None:
            judge.keep_only({tp.partition for tp in assigned if tp.topic == self._settings.topic(MENTIONS)})

        app.on_partitions_assigned.connect(keep, weak=False)

    def elected(self) -> bool:
        """Tell whether this worker writes ticks and publishes watches: it owns partition 0 of `earshot.mentions`."""
        judge = self.apps.get("judge")
        return bool(judge and judge.started and not judge.rebalancing and self._owns(judge))

    def _owns(self, judge: Any) -> bool:
        return TP(self._settings.topic(MENTIONS), 0) in judge.consumer.assignment()

    async def run(self, status: Status) -> BaseException:
        """Run the stages until one of them fails, and return why."""
        duties: list[Coroutine[Any, Any, Any]] = [self._ended(), self._start(status)]
        duties.append(watch_broker(self._settings, self._outbox, status))
        ends: dict[TP, int] = {}
        duties.append(follow_ends(self._settings, self._mine, ends))
        duties.append(look_after(self.apps, self._up.__contains__, status, self._patience, ends, self._reading))
        if self._settings.clock == "wall" and "judge" in self.apps:
            duties.append(write_ticks(self._settings, self._outbox, self.elected))
        if self._disk:
            duties.append(tell_size(self._disk))
        begun = self._begun
        duties.append(begun.follower.follow(begun.edition, self._listen.adopt if self._listen else None))
        if begun.publisher and "judge" in self.apps:
            duties.append(begun.publisher.run(self.elected))
        tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(duty) for duty in duties]
        try:
            return await _first_end(tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _start(self, status: Status) -> None:
        """Start the apps and return when each has its partitions and its state."""

        async def one(stage: str) -> None:
            await self.apps[stage].start()
            if not self.apps[stage].should_stop:
                status.ready(stage)
                self._up.add(stage)
                log.info("started", stage=stage)

        await asyncio.gather(*(one(stage) for stage in self.apps))
        look_rarely()

    async def _ended(self) -> BaseException:
        """Return the error when a stage fails or an app crashes."""
        crashes = [asyncio.ensure_future(app.wait_until_stopped()) for app in self.apps.values()]
        await asyncio.wait([self.failure, *crashes], return_when=asyncio.FIRST_COMPLETED)
        if self.failure.done():
            return self.failure.result()
        reasons = [app.crash_reason for app in self.apps.values() if app.crash_reason]
        return reasons[0] if reasons else RuntimeError("a Faust app ended by itself")

    async def stop(self) -> None:
        """Stop the apps; what is in work is finished or will be processed again."""
        await asyncio.gather(*(app.stop() for app in self.apps.values()))
        if self._disk:
            self._disk.close()


def _on_revoked(app: Any, forget: Callable[[], None]) -> None:
    """Call `forget` whenever partitions of `app` are taken away."""

    async def call(*_arguments: Any, **_options: Any) -> None:
        forget()

    app.on_partitions_revoked.connect(call, weak=False)


def run_worker(settings: Settings, stages: tuple[str, ...] = ("listen", "judge")) -> None:
    """Run the stages until SIGTERM or SIGINT.

    Raises:
        ConfigError: the watch file, the broker or its topics do not fit.
        SystemExit: 1, after an error that only a restart can cure; nothing that was not written is acknowledged.
    """
    configure(settings, "worker")
    spare_the_log()
    if settings.watches_from == "file":
        names_in(settings.watches)  # that there is none is better said before a broker is waited for
    status = Status(needs=("broker", *stages))
    server = serve(settings, status)
    end_when_dead(status, settings.stuck_after)
    try:
        error = asyncio.run(_run(settings, stages, status))
    finally:
        server.close()
    if error is not None:
        raise SystemExit(1) from error


async def _run(settings: Settings, stages: tuple[str, ...], status: Status) -> BaseException | None:
    """Run until a signal (then return None) or a failure (then return it)."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    stop = asyncio.create_task(stopped.wait())
    booting = asyncio.create_task(_boot(settings, stages, status))
    await asyncio.wait([stop, booting], return_when=asyncio.FIRST_COMPLETED)
    if not booting.done():
        _end_within(0.5, 0)
        return None
    begun, feels = booting.result()
    worker = Worker(settings, begun, stages, feels)
    work = asyncio.create_task(worker.run(status))
    await asyncio.wait([stop, work], return_when=asyncio.FIRST_COMPLETED)
    error = work.result() if work.done() else None
    if error is not None:
        _tell(error, status)
    log.info("stopping")
    _end_within(STOP_SECONDS if worker.started else 0.5, 0 if error is None else 1)
    await worker.stop()
    return error


async def _boot(settings: Settings, stages: tuple[str, ...], status: Status) -> tuple[Boot, Feels | None]:
    """Boot, and meanwhile read what languages and sentiment are judged by."""
    if "listen" not in stages:
        return await boot(settings, status), None
    reading = asyncio.ensure_future(asyncio.to_thread(read_models, settings))
    return await boot(settings, status), await reading


def _tell(error: BaseException, status: Status) -> None:
    """Say why the stream ends."""
    if isinstance(error, TooManyDead | ConfigError | DiskFailed):
        log.critical("failed", reason=str(error))
        status.failed(str(error))
        return
    # where and what, but not the message nor the values: those may quote a post
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
    reason = error.args[0].name() if isinstance(error, KafkaException) else None
    log.critical("failed", error=type(error).__name__, reason=reason, frames=frames)
    status.failed(f"{type(error).__name__} ended the stream")


def _end_within(seconds: float, code: int) -> None:
    """End the process after `seconds` at the latest: threads of the clients may wait for a broker much longer.

    Whatever they wait for is not acknowledged, so that it will be processed again.
    """
    timer = threading.Timer(seconds, os._exit, [code])
    timer.daemon = True
    timer.start()


async def _first_end(tasks: list[asyncio.Future[Any]]) -> BaseException:
    """Return what the first of `tasks` returns, or the error of whichever raises before."""
    pending = set(tasks)
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if error := task.exception():
                return error
            if task is tasks[0]:
                return task.result()  # type: ignore[no-any-return]
