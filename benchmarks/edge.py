"""What it costs to hear the whole of Bluesky and keep what the watches ask for: CPU of one reader of a full stream.

    .venv/bin/python -m benchmarks.edge                              # the texts of the example, 100 watches
    .venv/bin/python -m benchmarks.edge texts.jsonl.gz --watches 1000 --rate 2000 --seconds 30

A process of its own sends posts as Jetstream's second wire does, so many a second; this one reads them with the source
as ingest runs it, and only its own CPU time is counted. Nothing is written to a broker: what is wanted is counted.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

from agents.ingest.asks import Asks
from agents.ingest.source import parse_sources
from benchmarks.bench_match import read_texts
from benchmarks.match_watches import make_watches
from benchmarks.workload import EXAMPLE
from schemas.event import Event
from schemas.settings import load_settings

SLOT = 0.02
"""Seconds between two bursts: a full stream does not come post by post either."""
POSTS = "app.bsky.feed.post"


def frame(number: int, text: str, began: datetime) -> str:
    """Return a post as a frame of the second wire."""
    moment = f"{began + timedelta(milliseconds=number / 2):%Y-%m-%dT%H:%M:%S.%fZ}"
    record = {"$type": POSTS, "text": text, "createdAt": moment, "langs": ["de"]}
    commit = {"rev": f"3l{number:011d}", "operation": "create", "collection": POSTS, "rkey": f"3k{number:011d}"}
    about = {"seq": number, "did": f"did:plc:{number % 50_000:024d}", "time": moment, "witnessedAt": moment}
    kind = {"$type": "network.bsky.jetstream.subscribeEvents#commit"}
    payload = kind | about | commit | {"cid": "bafyrei" + "a" * 52, "record": record}
    return json.dumps({"$type": "message", "payload": payload}, ensure_ascii=False)


def send(told: Connection, texts: list[str], rate: int, seconds: float) -> None:
    """Serve the stream to whoever connects, once."""

    async def stream(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("xrpc.v1.json",))
        await socket.prepare(request)
        began, number, burst = time.monotonic(), 0, int(rate * SLOT)
        late = 0.0
        while number < rate * seconds:
            for _ in range(burst):
                number += 1
                await socket.send_str(frames[number % len(frames)].replace('"seq": 0,', f'"seq": {number},', 1))
            ahead = began + number / rate - time.monotonic()
            late = max(late, -ahead)
            await asyncio.sleep(max(0.0, ahead))
        told.send((number, time.monotonic() - began, late))
        await socket.close()
        return socket

    now = datetime.now(UTC)
    frames = [frame(0, text, now + timedelta(milliseconds=place)) for place, text in enumerate(texts)]

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/xrpc/network.bsky.jetstream.subscribeEvents", stream)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.send(runner.addresses[0][1])
        await asyncio.sleep(seconds + 60)

    asyncio.run(serve())


async def read(port: int, watches: int) -> tuple[int, float]:
    """Read the stream to its end, and return how many posts were wanted and the CPU seconds that took."""
    text = f"sources: [{{id: sky, kind: bluesky, hosts: ['ws://127.0.0.1:{port}']}}]"
    [source] = parse_sources(text, load_settings())
    source.asks = Asks(make_watches(watches))
    source.prepare()
    wanted, began = 0, time.process_time()
    async with aclosing(source.run(None)) as readings:
        try:
            async for reading in readings:
                wanted += isinstance(reading.item, Event)
        except Exception as ended:  # noqa: BLE001 - the source says that the stream has ended as an error
            print(f"  ({ended})")
    return wanted, time.process_time() - began


def main() -> None:
    """Measure, and print a line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("texts", type=Path, nargs="?", default=EXAMPLE)
    arguments.add_argument("--watches", type=int, default=100)
    arguments.add_argument("--rate", type=int, default=2000)
    arguments.add_argument("--seconds", type=float, default=20.0)
    given = arguments.parse_args()
    texts = read_texts(given.texts, 20_000)
    ours, theirs = multiprocessing.Pipe()
    sender: Any = multiprocessing.get_context("spawn").Process(
        target=send, args=(theirs, texts, given.rate, given.seconds), daemon=True
    )
    sender.start()
    wanted, cpu = asyncio.run(read(ours.recv(), given.watches))
    sent, took, late = ours.recv()
    sender.terminate()
    sender.join()
    print(
        f"{sent} posts in {took:.1f} s ({sent / took:.0f} a second, {late:.2f} s late at most), {given.watches} "
        f"watches, {wanted} wanted: {cpu / took:.0%} of a core, {1e6 * cpu / sent:.0f} µs a post"
    )


if __name__ == "__main__":
    main()
