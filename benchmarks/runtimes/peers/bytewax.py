"""Bytewax: Kafka's source and sink in batches, with recovery; its offsets are kept on disk and not in Kafka."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from benchmarks.runtimes.work import job, work


def keep(batch: list[Any]) -> Iterator[Any]:
    """Yield what is to be written."""
    for message in batch:
        if kept := work(message.value):
            yield KafkaSinkMessage(*kept)


def main() -> None:
    """Run the flow until the process is ended."""
    given = job()
    flow = Dataflow("bench")
    read = op.input("read", flow, KafkaSource([given.address], [given.source], batch_size=2000))
    kept = op.flat_map_batch("keep", read, keep)
    settings = {"enable.idempotence": "true", "acks": "all", "linger.ms": "5"}
    op.output("write", kept, KafkaSink([given.address], given.target, add_config=settings))
    folder = Path(given.folder)
    init_db_dir(folder, 1)
    cli_main(flow, epoch_interval=timedelta(seconds=1), recovery_config=RecoveryConfig(folder))


if __name__ == "__main__":
    main()
