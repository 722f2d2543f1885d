"""What holds the streams while partitions are handed over, without losing what was read meanwhile."""

from mode.utils.queues import FlowControlEvent


class FlowControl(FlowControlEvent):
    """Lets flow what has been read; Faust's own throws it away at the end of a rebalance, though it is not read again.

    Queues are emptied at the beginning of a rebalance, and then nothing gets into them until it is over.
    """

    def resume(self) -> None:
        """Let flow, and empty nothing."""
        self._suspend.clear()
        self._resume.set()
