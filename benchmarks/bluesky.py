"""What it costs to filter Bluesky: frames of posts through the reading and the matching that the source does.

    python -m benchmarks.bluesky [--events 100000] [--watches 100]

Prints the CPU time an event takes, and the share of one core at 2,000 events a second: once without the socket, and
once read from a server on loopback, whose own work is in another process and not counted.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Event as Ready
from typing import Any

from aiohttp import web

from agents.ingest.asks import Asks
from agents.ingest.platforms.bluesky import Seen, read_frame
from agents.ingest.source import parse_sources
from benchmarks.match_watches import make_watches, watch_for
from schemas.errors import SourceError
from schemas.settings import load_settings
from tests.counterparts.bluesky import CID, POSTS, Jetstream, post, tid

RATE = 2000
WORDS = "the a of train late again sun coffee game team music photo today love never really think people work".split()
"""Ordinary words; one post in fifty holds what a watch asks for, which is far more than in the network itself."""


def frames(count: int) -> list[str]:
    """Return so many posts of different length, a tenth of them replies, as the second wire carries them."""
    pick = random.Random(7)
    made = []
    for number in range(count):
        words = pick.choices(WORDS, k=pick.randint(3, 45))
        record = post(" ".join([*words, "acme"] if number % 50 == 0 else words))
        if number % 10 == 0:
            parent = {"uri": f"at://did:plc:abc/{POSTS}/{tid(number)}", "cid": CID}
            record |= {"reply": {"root": parent, "parent": parent}}
        body = {"rev": tid(number), "operation": "create", "collection": POSTS, "rkey": tid(number)}
        event = {"seq": number + 1, "micros": 1_790_000_000_000_000 + number, "did": f"did:plc:{number % 5000:024d}"}
        made.append(
            Jetstream.frame(event | {"kind": "commit", "body": body | {"cid": CID, "record": record}}, second=True)
        )
    return made


def without_socket(made: list[str], asks: Asks) -> tuple[float, int]:
    """Return the CPU seconds for all frames, and how many were wanted."""
    seen = Seen("sky", datetime.now(UTC))
    began, wanted = time.process_time(), 0
    for frame in made:
        item = read_frame(frame, seen).item
        wanted += item is not None and asks.wants(item)  # type: ignore[arg-type]
    return time.process_time() - began, wanted


def serve(made: list[str], port: Any, ready: Ready) -> None:
    """Send all frames to whoever comes, as fast as they are taken."""

    async def subscribe(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in made:
            await socket.send_str(frame)
        await socket.send_str(json.dumps({"$type": "error", "error": "Done"}))
        await socket.close()
        return socket

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", subscribe)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.value = runner.addresses[0][1]
        ready.set()
        await asyncio.Event().wait()

    asyncio.run(run())


async def with_socket(port: int, asks: Asks) -> float:
    """Return the CPU seconds that the source takes for all frames."""
    [source] = parse_sources(
        f"sources: [{{id: sky, kind: bluesky, hosts: ['ws://127.0.0.1:{port}']}}]", load_settings()
    )
    source.prepare()
    source.asks = asks
    began = time.process_time()
    try:
        async for _reading in source.run(None):
            pass
    except SourceError as error:
        if "Done" not in str(error):
            raise
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--watches", type=int, default=100)
    options = parser.parse_args()
    made, asks = frames(options.events), Asks([*make_watches(options.watches), watch_for(options.watches, "acme")])
    size = sum(map(len, made)) / len(made)
    print(f"{options.events} posts of {size:.0f} bytes, {options.watches} watches")
    seconds, wanted = without_socket(made, asks)
    tell("reading and matching", seconds, options.events)
    print(f"  wanted: {wanted}")
    port, ready = multiprocessing.Value("i", 0), multiprocessing.Event()
    server = multiprocessing.Process(target=serve, args=(made, port, ready), daemon=True)
    server.start()
    ready.wait()
    tell("the source, socket and all", asyncio.run(with_socket(port.value, asks)), options.events)
    server.terminate()


def tell(name: str, seconds: float, events: int) -> None:
    """Print one figure."""
    each = seconds / events
    print(f"{name}: {each * 1e6:.1f} µs an event, {100 * each * RATE:.1f} % of a core at {RATE} events a second")


if __name__ == "__main__":
    main()
