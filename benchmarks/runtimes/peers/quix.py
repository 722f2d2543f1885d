"""Quix Streams: a streaming data frame, at least once, with a checkpoint a second."""

from typing import Any

from quixstreams import Application
from quixstreams.models import Serializer

from benchmarks.runtimes.work import job, work


class Value(Serializer):
    """Writes the second part of what `work` returned."""

    def __call__(self, value: Any, ctx: Any) -> Any:  # noqa: ARG002
        return value[1]


def main() -> None:
    """Run the data frame until the process is ended."""
    given = job()
    app = Application(
        broker_address=given.address,
        consumer_group=given.group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        processing_guarantee="at-least-once",
        producer_extra_config={"acks": "all", "enable.idempotence": True, "linger.ms": 5},
        state_dir=given.folder,
        loglevel="WARNING",
    )
    source = app.topic(given.source, value_deserializer="bytes")
    target = app.topic(given.target, key_serializer="bytes", value_serializer=Value())
    frame = app.dataframe(source).apply(work).filter(lambda kept: kept is not None)
    frame.to_topic(target, key=lambda kept: kept[0])
    app.run()


if __name__ == "__main__":
    main()
