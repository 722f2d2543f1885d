"""The layout: for how many partitions keys and state lie where they are. The one record of `earshot.layout`."""

from schemas.model import Record


class Layout(Record):
    """Written by the first worker, changed by `earshot topics raise`, compared by whoever has state at start."""

    partitions: int
