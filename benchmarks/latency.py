"""Seconds from the webhook's 202 to Slack's acceptance, through ingest, worker and delivery on a real Kafka.

    python -m benchmarks.latency [--seconds 60] [--rate 100]

Posts are sent one by one at the given rate; every hundredth is the first that its watch hears and opens an incident
(Slack itself takes one message a second).
Slack is a server on loopback that answers at once, so what is measured is ours.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time
from typing import Any

import aiohttp

from agents.topics import apply_topics
from benchmarks.stream import resident
from benchmarks.workload import write_watches
from cli.broker import free_port
from schemas.settings import load_settings
from tests.broker.brokers import Kafka
from tests.servers.slack import SlackServer, slack_server

EVERY = 100
SECRET = "bench"


def start(name: str, env: dict[str, str], stack: ExitStack) -> tuple[str, int, int]:
    """Start one process and return its name, its pid and the port of its metrics."""
    port = free_port()
    env = env | {"EARSHOT_METRICS_PORT": str(port)}
    command = [sys.executable, "-P", "-m", "cli.main", name]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
    return name, process.pid, port


async def ready(http: aiohttp.ClientSession, port: int) -> None:
    """Wait until a process says it is ready."""
    deadline = monotonic() + 90
    while monotonic() < deadline:
        try:
            async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise SystemExit(f"the process on port {port} is not ready after 90 s")


async def send(http: aiohttp.ClientSession, url: str, number: int, accepted: dict[str, float]) -> None:
    """Send one signed post; note when the 202 came if its watch hears it first."""
    word = f"watchword{number // EVERY}" if number % EVERY == 0 else "nobody asked for this"
    now = datetime.now(UTC).isoformat()
    text = f"Etwas ist passiert, sagt {word}, und es ist Nummer {number}"
    body = json.dumps({"platform": "x", "id": f"{number}", "time": now, "text": text}).encode()
    stamp = str(int(time()))
    signature = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Earshot-Timestamp": stamp, "X-Earshot-Signature": f"v1={signature}"}
    async with http.post(f"{url}/v1/events", data=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        if number % EVERY == 0:
            accepted[f"watch-{number // EVERY}"] = time()


def watched(slack: SlackServer) -> dict[str, float]:
    """Note when each watch's first message is accepted, and return the notes."""
    told: dict[str, float] = {}
    perform = slack.perform

    def noted(method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = perform(method, arguments)
        if method == "chat.postMessage" and answer["ok"]:
            told.setdefault(re.findall(r"watch-\d+", arguments["text"])[0], time())
        return answer

    slack.perform = noted  # type: ignore[method-assign]
    return told


async def drive(url: str, ports: list[int], seconds: int, rate: int) -> dict[str, float]:
    """Send posts at `rate` a second, each on its own time, and return when the causing ones were accepted."""
    accepted: dict[str, float] = {}
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as sending:
        for port in ports:
            await ready(http, port)
        begin = monotonic()
        for number in range(seconds * rate):
            await asyncio.sleep(max(0.0, begin + number / rate - monotonic()))
            sending.create_task(send(http, url, number, accepted))
        while len(accepted) < seconds * rate // EVERY:
            await asyncio.sleep(0.1)
    return accepted


def measure(folder: Path, seconds: int, rate: int) -> None:
    """Run everything once and print the table."""
    with ExitStack() as stack:
        broker = Kafka(folder)
        broker.start()
        stack.callback(broker.stop)
        apply_topics(load_settings(kafka=broker.address, partitions=4))
        words = [f"watchword{number}" for number in range(seconds * rate // EVERY)]
        write_watches(folder / "watches.yml", words, threshold=1)
        (folder / "sources.yml").write_text("sources:\n  - {id: push, kind: webhook}\n", "utf-8")
        slack = stack.enter_context(slack_server())
        slack.channels["C0BENCH"] = "bench"
        told = watched(slack)
        port = free_port()
        env = os.environ | {
            "EARSHOT_KAFKA": broker.address,
            "EARSHOT_WATCHES": str(folder / "watches.yml"),
            "EARSHOT_SOURCES": str(folder / "sources.yml"),
            "EARSHOT_WEBHOOK_PORT": str(port),
            "EARSHOT_WEBHOOK_SECRETS": SECRET,
            "EARSHOT_SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": "xoxb-bench",
        }
        processes = [start(name, env, stack) for name in ("ingest", "worker", "deliver")]
        accepted = asyncio.run(drive(f"http://127.0.0.1:{port}", [found[2] for found in processes], seconds, rate))
        deadline = monotonic() + 60
        while len(told) < len(accepted) and monotonic() < deadline:
            asyncio.run(asyncio.sleep(0.1))
        memory = {name: resident(pid) for name, pid, _ in processes}
    report(accepted, told, memory, rate)


def report(accepted: dict[str, float], told: dict[str, float], memory: dict[str, float], rate: int) -> None:
    """Print the figures for docs/performance.md."""
    took = sorted(told[watch] - accepted[watch] for watch in accepted if watch in told)
    quantiles = statistics.quantiles(took, n=100)
    print(f"{rate} posts a second, {len(accepted)} alerts due, {len(took)} told")
    print(f"202 to Slack: p50 {quantiles[49]:.3f} s, p95 {quantiles[94]:.3f} s, p99 {quantiles[98]:.3f} s")
    print("resident MB: " + ", ".join(f"{name} {size / 1e6:.0f}" for name, size in memory.items()))


def main() -> None:
    """Measure with the given rate and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.seconds, given.rate)


if __name__ == "__main__":
    main()
