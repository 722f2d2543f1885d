"""The broker as a witness of the time: a process whose clock differs does not begin; one whose clock leaps says so.

The broker stamps what it appends. Each process writes a record that means nothing to anybody and compares.
"""

import logging
import os
from threading import Thread
from time import sleep
from typing import Any

import structlog
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Producer

from agents.clock import TOLERANCE, look, seconds
from agents.kafka import confluent_config
from agents.observe import Status, gauge
from schemas.errors import ConfigError
from schemas.metrics import CLOCK_LEAP
from schemas.settings import Settings
from schemas.tick import EPOCH, Tick
from schemas.topics import CHECKPOINTS, DELIVERIES, MENTIONS

ANSWER_SECONDS = 10.0
_RECORDS: dict[str, tuple[str, bytes, bytes | None]] = {
    # time only moves forward, and nobody has a checkpoint or a delivery of that name to be deleted
    "worker": (MENTIONS, b"tick", Tick(at=EPOCH).to_bytes()),
    "ingest": (CHECKPOINTS, b"clock", None),
    "deliver": (DELIVERIES, b"clock", None),
}
"""What each process writes to learn the broker's time: topic, key and value."""
_log = structlog.get_logger("clock")


class Witness:
    """The broker, asked by one process (`worker`, `ingest` or `deliver`)."""

    def __init__(self, settings: Settings, process: str, status: Status) -> None:
        self._settings = settings
        self._process = process
        self._status = status
        self._heard = False
        self._watched = False
        self._leapt = False

    def compare(self) -> None:
        """Compare our time with the broker's, unless that was done; blocks, at most `ANSWER_SECONDS`.

        A broker that does not answer is asked again by `watch`; one that keeps the senders' times is no witness.

        Raises:
            ConfigError: they differ by more than `TOLERANCE`.
        """
        if self._heard or (ahead := self._ask()) is None:
            return
        if abs(ahead) > TOLERANCE:
            raise ConfigError(
                f"it is {_apart(ahead)} the broker's here",
                where="this machine's clock",
                hint="whichever is wrong, every decision about time would be: set it, best by NTP",
            )
        self._heard = True

    def _ask(self) -> float | None:
        """Return by how many seconds we are ahead of the broker, 0 where that does not tell, None if it is away."""
        told: list[float] = []

        def note(error: Any, message: Any) -> None:
            if error is None:
                kind, stamp = message.timestamp()
                told.append(seconds() - stamp / 1000 if kind == TIMESTAMP_LOG_APPEND_TIME else 0.0)

        topic, key, value = _RECORDS[self._process]
        config = confluent_config(self._settings) | {"message.timeout.ms": int(1000 * ANSWER_SECONDS), "linger.ms": 0}
        producer = Producer(config, logger=logging.getLogger("librdkafka"))
        producer.produce(self._settings.topic(topic), value, key, partition=0, on_delivery=note)
        producer.flush(ANSWER_SECONDS)
        return told[0] if told else None

    def watch(self) -> None:
        """From now on, if not before, look at the clock every second, in a thread of its own."""
        if not self._watched:
            self._watched = True
            Thread(target=self._watch, name="clock", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.turn()
            if not self._heard:
                self._end_if_wrong()
            sleep(1)

    def turn(self) -> None:
        """Look once; say what is wrong when it begins and when it ends."""
        ahead = look()
        gauge(CLOCK_LEAP).set(ahead)
        leapt = abs(ahead) > TOLERANCE
        if leapt and not self._leapt:
            _log.error("clock-leapt", seconds=round(ahead), hint="it is not followed; correct it, or start anew")
        elif self._leapt and not leapt:
            _log.info("clock-is-back", seconds=round(ahead, 1))
        self._leapt = leapt
        self._status.remark("clock", f"this machine's clock has leapt {_apart(ahead)} ours" if leapt else "")

    def _end_if_wrong(self) -> None:
        """End the process, as by kill -9, if it has begun without a broker and the broker has another time."""
        try:
            self.compare()
        except ConfigError as error:
            _log.critical("failed", reason=str(error))
            os._exit(1)


def _apart(ahead: float) -> str:
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
