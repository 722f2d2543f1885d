"""Keeps a client that lost its broker from writing fifty lines a second: one of a kind in half a minute is enough."""

import logging
from time import monotonic

EVERY_SECONDS = 30.0
_TALKATIVE = ("aiokafka", "librdkafka", "faust", "mode")


class Sparing(logging.Filter):
    """Lets a message of a Kafka client pass once in `EVERY_SECONDS`, whatever is filled into it."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written."""
        if not record.name.startswith(_TALKATIVE):
            return True
        kind = (record.pathname, record.lineno)
        if monotonic() - self._passed.get(kind, -EVERY_SECONDS) < EVERY_SECONDS:
            return False
        self._passed[kind] = monotonic()
        return True


def spare_the_log() -> None:
    """Apply `Sparing` to everything this process logs."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(Sparing())
