"""What lies between the transport and an agent: batches pass undecoded, and what has been read is not thrown away."""

from typing import Any

import faust
from mode.utils.queues import FlowControlEvent


class Schema(faust.Schema[Any, Any]):
    """Hands a batch to the agent as it is; nothing in it is decoded by Faust."""

    def loads_key(self, app: Any, message: Any, **_options: Any) -> None:
        """Return None: a batch has no key."""

    def loads_value(self, app: Any, message: Any, **_options: Any) -> Any:  # noqa: ARG002
        """Return the batch."""
        return message.value


class FlowControl(FlowControlEvent):
    """Lets flow what has been read; Faust's own throws it away at the end of a rebalance, though it is not read again.

    Queues are emptied at the beginning of a rebalance, and then nothing gets into them until it is over.
    """

    def resume(self) -> None:
        """Let flow, and empty nothing."""
        self._suspend.clear()
        self._resume.set()
