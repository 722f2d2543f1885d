"""A loop that reads through aiokafka and writes through librdkafka."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer
from confluent_kafka import KafkaException, Producer

from benchmarks.runtimes.work import job, work


async def main() -> None:
    """Consume, work, produce, flush, commit."""
    given = job()
    consumer = AIOKafkaConsumer(
        given.source,
        bootstrap_servers=given.address,
        group_id=given.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = Producer({"bootstrap.servers": given.address, "enable.idempotence": True, "acks": "all", "linger.ms": 5})
    refused: list[Any] = []

    def report(error: Any, _message: Any) -> None:
        if error is not None:
            refused.append(error)

    await consumer.start()
    while True:
        batches = await consumer.getmany(timeout_ms=500, max_records=2000)
        for records in batches.values():
            for record in records:
                if kept := work(record.value):
                    producer.produce(given.target, kept[1], kept[0], on_delivery=report)
        if batches:
            await asyncio.to_thread(producer.flush)
            if refused:
                raise KafkaException(refused[0])
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main())
