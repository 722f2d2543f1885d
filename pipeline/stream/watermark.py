"""How far a partition may be committed: the end of the longest acknowledged prefix of delivered batches.

Faust's own bookkeeping takes offsets one by one, does not understand batches, and can commit past an event in flight
(faust issue 606). This one knows nothing of Faust or Kafka.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Delivered:
    """A batch that was handed out: `end` is the offset after its last record."""

    end: int
    acknowledged: bool = False


@dataclass(slots=True)
class Watermark:
    """The delivered batches of one partition, oldest first, and how far they are done.

    `end` is the next offset to read after a restart, None as long as nothing is known.
    """

    end: int | None = None
    committed: int | None = None
    _waiting: deque[Delivered] = field(default_factory=deque)

    def deliver(self, end: int) -> Delivered:
        """Note that the records before offset `end` are handed out; the result is what to acknowledge later."""
        batch = Delivered(end)
        self._waiting.append(batch)
        return batch

    def acknowledge(self, batch: Delivered) -> None:
        """Note that `batch` is done. One that was handed out before a `clear` has no effect any more."""
        batch.acknowledged = True
        while self._waiting and self._waiting[0].acknowledged:
            self.end = self._waiting.popleft().end

    def clear(self) -> None:
        """Forget everything: the partition was revoked, or reading goes on from another offset."""
        self._waiting.clear()
        self.end = self.committed = None

    @property
    def waits(self) -> bool:
        """Tell whether something that was handed out is not committed yet."""
        return bool(self._waiting) or self.due is not None

    @property
    def due(self) -> int | None:
        """Return the offset that is to be committed now, if any."""
        return None if self.end is None or self.end == self.committed else self.end
