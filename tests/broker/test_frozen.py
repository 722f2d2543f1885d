"""A worker and a delivery process that stood still for minutes, longer than any session, join or transaction lasts.

On Kafka that takes two minutes and more, nearly all of it waiting, so it is left out unless EARSHOT_TEST_ALL wants all.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from cli.broker import stop
from schemas.settings import Settings
from schemas.topics import ALERTS, JUDGE_CHANGELOG, RECEIPTS
from tests.broker.brokers import ROOT, Broker
from tests.broker.crisis import alerts_of, posts
from tests.broker.test_delivery import slack, until
from tests.broker.test_stream_replay import alerts, ends
from tests.broker.test_stuck import FREEZES, commits
from tests.broker.worker import WATCHES, Feed, Worker, provision, reading
from tests.servers.slack import SlackServer

FROZEN_SECONDS = float(os.environ.get("EARSHOT_TEST_FROZEN") or 120)
OUTLIVED_SECONDS = 45.0
"""Nothing on the embedded broker lasts longer: no session, no join, no transaction."""
SECONDS = 240.0
"""How long anything else may take, on a machine that has a lot to do."""
pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(
        not os.environ.keys() & {"EARSHOT_TEST_ALL", "EARSHOT_TEST_FROZEN"},
        reason=f"processes stand still for {FROZEN_SECONDS:.0f} s: EARSHOT_TEST_ALL=1 runs it",
    ),
]
__all__ = ["slack"]

# half of the lease is for the call, which on a machine with a lot to do takes seconds
DELIVERS = """
from agents.alert.delivery import run_delivery
from agents.alert.ledger import Pace
from schemas.settings import load_settings
run_delivery(load_settings(), Pace(first=0.2, longest=1.0, give_up=600.0, lease=12.0))
"""
FREEZES_WHILE_SENDING = """
import os, signal, threading
from pathlib import Path
from agents.alert.channels.slack import Slack
post, frozen, once = Slack._post, Path({frozen!r}), threading.Lock()
def freeze(self, *arguments, **options):
    if once.acquire(blocking=False):
        frozen.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    return post(self, *arguments, **options)
Slack._post = freeze
"""


@contextmanager
def deliver(settings: Settings, slack: SlackServer, log: Path, before: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    """Run delivery as a process of its own; `before` is code that runs first."""
    environment = os.environ | {
        "EARSHOT_KAFKA": settings.kafka,
        "EARSHOT_SESSION_TIMEOUT": "6",
        "SLACK_BOT_TOKEN": "xoxb-test",
        "EARSHOT_SLACK_API_URL": slack.api_url,
    }
    with log.open("wb") as file:
        command = [sys.executable, "-c", before + DELIVERS]
        found = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
    try:
        yield found
    finally:
        found.send_signal(signal.SIGCONT)
        stop(found, 30)


def told(slack: SlackServer) -> Counter[str]:
    """Return how often Slack has been told of each alert."""
    return Counter(message["metadata"]["event_payload"]["alert"] for message in slack.messages["C0PRESSE"])


@pytest.mark.timeout(1800)
def test_who_stood_still_for_minutes_writes_nothing_of_it_and_tells_nothing_twice(
    fresh_broker: Broker, tmp_path: Path, slack: SlackServer
) -> None:
    """The worker has a batch in hand, the delivery a message: others have long done both when they are revived."""
    settings = provision(
        fresh_broker, tmp_path, watches=WATCHES.replace("{channel: console}", "{channel: slack, to: '#presse'}")
    )
    feed, made = Feed(settings), posts(400)
    still = FROZEN_SECONDS if fresh_broker.name == "kafka" else min(OUTLIVED_SECONDS, FROZEN_SECONDS)
    writes, sends = tmp_path / "a-worker-is-frozen", tmp_path / "a-delivery-is-frozen"
    with (
        reading(settings, ALERTS, RECEIPTS, JUDGE_CHANGELOG) as reader,
        Worker(settings, tmp_path / "one", FREEZES.format(frozen=str(writes))) as one,
        deliver(settings, slack, tmp_path / "first", FREEZES_WHILE_SENDING.format(frozen=str(sends))) as first,
    ):
        feed.replay(made[:200])
        reader.until(writes.exists, SECONDS, one)
        with Worker(settings, tmp_path / "other") as other:
            feed.replay(made[200:300])
            reader.until(lambda: sends.exists() and {post.key for post in made[:300]} <= reader.judged, SECONDS, other)
            frozen = monotonic()
            with deliver(settings, slack, tmp_path / "second") as second:
                until(lambda: set(alerts(reader)) <= told(slack).keys(), SECONDS)
                reader.until(lambda: monotonic() > frozen + still, still + SECONDS, other)
                for process in (one.process, first):
                    process.send_signal(signal.SIGCONT)
                feed.replay(made[300:])
                reader.until(lambda: ends(reader), SECONDS, other)
                until(lambda: set(alerts(reader)) <= told(slack).keys(), SECONDS)
                assert one.stop() == 0
                assert other.stop() == 0
                assert stop_politely(first) == 0
                assert stop_politely(second) == 0
        reader.read(1.0)
        expected = {name: (found.reason, found.incident.mentions) for name, found in alerts_of(made).items()}
        assert {name: (found.reason, found.incident.mentions) for name, found in alerts(reader).items()} == expected
        assert reader.judged == {post.key for post in made}
        for partition, applied in commits(reader).items():
            assert applied == sorted(applied), f"partition {partition} was written over by the past"
    assert set(told(slack).values()) == {1}, "and nobody is told twice"
    assert told(slack).keys() == expected.keys()


def stop_politely(process: "subprocess.Popen[bytes]") -> int:
    process.terminate()
    return process.wait(SECONDS)
