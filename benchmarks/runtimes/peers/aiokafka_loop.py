"""A loop with aiokafka on both sides."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.runtimes.work import job, work


async def main() -> None:
    """Consume, work, produce, await the acknowledgements, commit."""
    given = job()
    consumer = AIOKafkaConsumer(
        given.source,
        bootstrap_servers=given.address,
        group_id=given.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(bootstrap_servers=given.address, enable_idempotence=True, acks="all", linger_ms=5)
    await consumer.start()
    await producer.start()
    while True:
        batches = await consumer.getmany(timeout_ms=500, max_records=2000)
        sends = [
            await producer.send(given.target, kept[1], key=kept[0])
            for records in batches.values()
            for record in records
            if (kept := work(record.value))
        ]
        if batches:
            await asyncio.gather(*sends)
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(main())
