"""Pathway: a table of messages, with persistence on disk; its offsets are kept there and not in Kafka."""

import pathway as pw

from benchmarks.runtimes.work import job, work


class Kept(pw.Schema):
    """What is to be written."""

    key: bytes
    value: bytes


@pw.udf(deterministic=True)
def keep(data: bytes) -> tuple[bytes, bytes] | None:
    """Return what `work` does."""
    return work(data)


def main() -> None:
    """Run the table until the process is ended."""
    given = job()
    reads = {"bootstrap.servers": given.address, "group.id": given.group, "auto.offset.reset": "earliest"}
    writes = {"bootstrap.servers": given.address, "enable.idempotence": "true", "acks": "all", "linger.ms": "5"}
    events = pw.io.kafka.read(reads, topic=given.source, format="raw", autocommit_duration_ms=1000, name="events")
    found = events.select(kept=keep(events.data))
    found = found.filter(found.kept.is_not_none())
    found = found.select(key=pw.unwrap(found.kept)[0], value=pw.unwrap(found.kept)[1])
    pw.io.kafka.write(found, writes, given.target, format="raw", key=found.key, value=found.value)
    backend = pw.persistence.Backend.filesystem(given.folder)
    pw.run(
        persistence_config=pw.persistence.Config(backend, snapshot_interval_ms=1000),
        monitoring_level=pw.MonitoringLevel.NONE,
    )


if __name__ == "__main__":
    main()
