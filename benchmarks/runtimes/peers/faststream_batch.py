"""FastStream on aiokafka: a subscriber that takes batches, publishes what it keeps, and then acknowledges."""

import asyncio
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker

from benchmarks.runtimes.work import job, work


async def raw(message: Any) -> list[bytes]:
    """Hand the values over as they are: `work` decodes them."""
    return [record.value for record in message.raw_message]


async def main() -> None:
    """Run one subscriber until the process is ended."""
    given = job()
    broker = KafkaBroker(
        given.address, acks="all", enable_idempotence=True, linger_ms=5, apply_types=False, logger=None
    )

    @broker.subscriber(
        given.source,
        group_id=given.group,
        auto_offset_reset="earliest",
        batch=True,
        max_records=2000,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=raw,
    )
    async def keep(values: list[bytes]) -> None:
        sends = [
            await broker.publish(kept[1], given.target, key=kept[0], no_confirm=True)
            for value in values
            if (kept := work(value))
        ]
        await asyncio.gather(*sends)

    await FastStream(broker, logger=None).run()


if __name__ == "__main__":
    asyncio.run(main())
