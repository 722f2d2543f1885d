"""Static membership: a worker that is back in time has its partitions, and nobody else is disturbed."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from schemas.receipt import Receipt
from schemas.settings import Settings
from schemas.topics import MENTIONS, RECEIPTS
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker
from tests.broker.crisis import posts
from tests.broker.test_stream_replay import ends
from tests.broker.worker import Feed, Worker, provision, reading

pytestmark = pytest.mark.broker

TELLS = """
from pipeline.stream import transport
perform = transport.Consumer.perform_seek
async def perform_seek(self):
    mine = sorted(tp.partition for tp in self.assignment() if tp.topic == {mentions!r})
    print(f"assigned {{self.app.conf.id}} generation {{self.app.consumer_generation_id}} {{mine}}", flush=True)
    await perform(self)
transport.Consumer.perform_seek = perform_seek
"""


def named(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"instance": name, "session_timeout": 20.0})


def assignments(worker: Worker) -> list[str]:
    return re.findall(r"assigned earshot-judge generation .*", worker.log)


def until_started(worker: Worker, times: int = 1) -> None:
    deadline = monotonic() + 60
    while worker.log.count("started") < 2 * times:
        assert monotonic() < deadline
        assert worker.process.poll() is None
        sleep(0.1)


@pytest.mark.needs(Ability.NAMES)
@pytest.mark.timeout(200)
@pytest.mark.parametrize("politely", [True, False], ids=["stopped", "killed"])
def test_a_restart_within_the_session_disturbs_nobody(fresh_broker: Broker, tmp_path: Path, politely: bool) -> None:
    settings = provision(fresh_broker, tmp_path)
    feed, made = Feed(settings), posts(300)
    tells = TELLS.format(mentions=MENTIONS)
    with (
        reading(settings, RECEIPTS) as reader,
        Worker(named(settings, "one"), tmp_path / "one", tells) as one,
        Worker(named(settings, "two"), tmp_path / "two", tells) as two,
    ):
        until_started(one)
        until_started(two)
        feed.replay(made[:100])
        reader.until(lambda: len(reader.judged) >= 100, 60, one)
        before, mine = assignments(one), assignments(two)[-1]
        assert before[-1].split(" [")[0] == mine.split(" [")[0], "both are in one generation"
        if politely:
            assert two.stop() == 0
        else:
            two.kill()
        feed.replay(made[100:200])
        two.start()
        until_started(two, times=2)
        feed.replay(made[200:])
        reader.until(lambda: ends(reader), 60, one)
        assert assignments(one) == before, "the other worker was not interrupted"
        assert assignments(two)[-1] == mine, "the restarted one has what it had, in the same generation"
        assert reader.judged == {post.key for post in made}
        reader.read(1.0)
        if politely:
            receipts = map(Receipt.from_bytes, reader.values(RECEIPTS))
            judged = Counter((receipt.mention, receipt.watch) for receipt in receipts)
            assert max(judged.values()) == 1, "nothing is judged twice"
        assert one.stop() == 0


def owned(worker: Worker) -> set[int]:
    """Return the partitions that a worker has told last."""
    return set(json.loads(assignments(worker)[-1].rpartition("generation")[2].partition(" ")[2].partition(" ")[2]))


@pytest.mark.timeout(200)
def test_who_joins_takes_what_it_needs_and_the_others_keep_the_rest(fresh_broker: Broker, tmp_path: Path) -> None:
    settings = provision(fresh_broker, tmp_path).model_copy(update={"session_timeout": 10.0})
    tells = TELLS.format(mentions=MENTIONS)
    with Worker(settings, tmp_path / "one", tells) as one, Worker(settings, tmp_path / "two", tells) as two:
        until_started(one)
        until_started(two)
        until(lambda: [len(owned(one)), len(owned(two))] == [2, 2])
        before = owned(one), owned(two)
        with Worker(settings, tmp_path / "three", tells) as three:
            until_started(three)
            until(lambda: len(owned(one) | owned(two) | owned(three)) == 4 and len(owned(one)) + len(owned(two)) == 3)
            assert owned(one) <= before[0]
            assert owned(two) <= before[1]
            assert three.stop() == 0
        until(lambda: [len(owned(one)), len(owned(two))] == [2, 2])
        assert owned(one) | owned(two) == {0, 1, 2, 3}
        assert owned(one) >= before[0] or owned(two) >= before[1], "who had kept both of its own has them still"


def until(true: Callable[[], bool]) -> None:
    deadline = monotonic() + 60
    while not true():
        assert monotonic() < deadline
        sleep(0.1)


COUNTS = """
from collections import Counter
from aiokafka.consumer import group_coordinator
perform = group_coordinator.CoordinatorGroupRebalance.perform_group_join
asked, most = Counter(), Counter()
class Asked(group_coordinator.JoinGroupRequest):
    def __init__(self, group, *rest):
        asked[group] += 1
        super().__init__(group, *rest)
async def perform_group_join(self):
    most[self.group_id] += 1 if self._coordinator.member_id else 2
    found = await perform(self)
    print(f"asked {self.group_id} {asked[self.group_id]} of {most[self.group_id]}", flush=True)
    return found
group_coordinator.JoinGroupRequest = Asked
group_coordinator.CoordinatorGroupRebalance.perform_group_join = perform_group_join
"""


@pytest.mark.timeout(200)
def test_who_joins_asks_the_group_once(fresh_broker: Broker, tmp_path: Path) -> None:
    """Twice if it has no name yet (KIP-394); asked once more, the group begins anew, and two workers keep at it."""
    settings = provision(fresh_broker, tmp_path)
    with (
        Worker(settings, tmp_path / "one", COUNTS) as one,
        Worker(settings, tmp_path / "two", COUNTS) as two,
    ):
        until_started(one)
        until_started(two)
        asked = re.findall(r"asked \S+ (\d+) of (\d+)", one.log + two.log)
        assert asked
        assert all(int(count) <= int(most) for count, most in asked), asked
