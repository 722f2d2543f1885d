"""Partitions that are being opened, each in a thread of its own, while the loop goes on and keeps us in the group.

One takes a quarter of a second, mostly spent waiting for the broker; one after the other they held up what came first.
"""

from collections.abc import Set
from concurrent.futures import Future

import structlog

from agents.alert.partition import Partition, in_background
from schemas.settings import Settings

_log = structlog.get_logger("deliver")


class Opening:
    """What is being opened. A partition that is taken from us meanwhile is closed, and not handed out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._under_way: dict[int, tuple[Partition, Future[None]]] = {}

    def __bool__(self) -> bool:
        return bool(self._under_way)

    def turn(self, wanted: Set[int]) -> list[Partition]:
        """Open what is `wanted`, let go of what no longer is, and return those that have become open.

        Raises:
            KafkaError: one could not be opened.
        """
        for number in self._under_way.keys() - wanted:
            self._under_way.pop(number)[0].close()
        for number in sorted(wanted - self._under_way.keys()):
            partition = Partition(self._settings, number)
            self._under_way[number] = partition, in_background(partition.open, f"open-{number}")
        opened = []
        for number, (partition, future) in sorted(self._under_way.items()):
            if future.done():
                future.result()
                del self._under_way[number]
                opened.append(partition)
                _log.info("partition opened", partition=number, waiting=len(partition.ledger.waiting))
        return opened

    def close(self) -> None:
        """Let go of all."""
        for partition, _future in self._under_way.values():
            partition.close()
        self._under_way.clear()
