"""Faust as its guide has it: an agent that takes events one by one and sends one by one."""

import asyncio
import logging
from typing import Any

import faust

from benchmarks.runtimes.work import job, work


async def main() -> None:
    """Run one agent until the process is ended."""
    given = job()
    logging.disable(logging.WARNING)
    app = faust.App(
        given.group,
        broker=f"kafka://{given.address}",
        store="memory://",
        datadir=given.folder,
        web_enabled=False,
        broker_session_timeout=10,
        broker_heartbeat_interval=2,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        producer_linger=0.005,
    )
    source = app.topic(given.source, value_type=bytes, value_serializer="raw")
    target = app.topic(given.target, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def keep(stream: Any) -> None:
        async for value in stream:
            if kept := work(value):
                await target.send(key=kept[0], value=kept[1])

    app.agent(source)(keep)
    await app.start()
    await app.wait_until_stopped()


if __name__ == "__main__":
    asyncio.run(main())
