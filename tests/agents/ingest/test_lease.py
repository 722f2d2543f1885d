"""A lease without a broker: whoever waits for one is not frozen, and what counts as a proof."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic

import pytest
from confluent_kafka import KafkaError, TopicPartition

from agents.ingest.lease import Leases
from agents.ingest.membership import Membership
from cli.broker import free_port
from schemas.settings import load_settings

WAITS = """
import asyncio
from agents.ingest import lease
from schemas.settings import load_settings

lease.SESSION = 2.0

async def main():
    leases = lease.Leases(load_settings(session_timeout=1.0))
    leases.start()
    await asyncio.sleep(3 * leases.session)
    await leases.close()
    print("alive")

asyncio.run(main())
"""


def test_a_process_that_waits_for_its_broker_is_not_ended_as_a_frozen_one() -> None:
    # ended, it would say nothing and leave nobody to tell the senders of webhooks to come back
    environment = {"EARSHOT_KAFKA": f"127.0.0.1:{free_port()}"}
    done = subprocess.run(
        [sys.executable, "-c", WAITS], check=False, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-500:]


@pytest.mark.parametrize("turns", range(5), ids=lambda turns: f"{turns} turns later")
async def test_who_waits_for_a_change_can_be_stopped_in_the_moment_of_one(turns: int) -> None:
    """Two sources that ended together once kept a process up for as long as it had their leases."""
    leases = Leases(load_settings(kafka=f"127.0.0.1:{free_port()}"))
    leases._mine = frozenset(range(leases._partitions))
    leases._good_until = monotonic() + 60
    losing = asyncio.create_task(leases.lost("a source"))
    await asyncio.sleep(0.01)
    leases.released("another source")
    for _ in range(turns):
        await asyncio.sleep(0)
    losing.cancel()
    await asyncio.wait({losing}, timeout=2)
    assert losing.cancelled()


class Heard:
    """An owner of leases that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def assigned(self, partitions: frozenset[int]) -> None:
        self.told.append(("assigned", set(partitions)))

    def revoked(self, partitions: frozenset[int]) -> None:
        self.told.append(("revoked", set(partitions)))

    def proved(self, asked: float) -> None:
        self.told.append(("proved", asked))


@pytest.fixture
def heard() -> Iterator[tuple[Heard, Membership]]:
    owner = Heard()
    member = Membership(load_settings(kafka=f"127.0.0.1:{free_port()}"), 9.0, owner)
    yield owner, member
    member.leave()


def place(number: int, asked: str) -> TopicPartition:
    return TopicPartition("leases", number, 0, metadata=asked)


def test_an_answer_proves_no_more_than_when_it_was_asked_for(heard: tuple[Heard, Membership]) -> None:
    owner, member = heard
    member.prove(frozenset({0}), 12.5)
    # frozen for longer than a session, it asks again before it hears what was answered the first time
    member.prove(frozenset({0}), 40.0)
    member._proved(None, [place(0, "12.5")])
    assert owner.told == [("proved", 12.5)]


@pytest.mark.parametrize(
    ("sentence", "error", "asked"),
    [
        ("the coordinator knows another generation", KafkaError.ILLEGAL_GENERATION, "12.5"),
        ("it knows no such member", KafkaError.UNKNOWN_MEMBER_ID, "12.5"),
        ("nobody here has asked", None, ""),
    ],
)
def test_what_proves_nothing(heard: tuple[Heard, Membership], sentence: str, error: int | None, asked: str) -> None:
    owner, member = heard
    member._proved(None if error is None else KafkaError(error), [place(0, asked)])
    assert owner.told == [], sentence


def test_a_client_that_was_replaced_tells_nothing_more(heard: tuple[Heard, Membership]) -> None:
    owner, member = heard
    member._assigned(member._consumer, [place(0, "")])
    member.leave()
    member._proved(None, [place(0, "12.5")])
    member._assigned(member._consumer, [place(1, "")])
    member._revoked(member._consumer, [place(0, "")])
    assert owner.told == [("assigned", {0})]
