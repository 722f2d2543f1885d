"""More partitions: no watch loses its state, nothing is judged or told twice, no short cut works."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from agents.dead import list_dead, requeue_dead
from agents.kafka import read_to_end
from agents.layout import read_layout
from cli.main import run
from pipeline.stream import repartition
from pipeline.stream.relocate import home
from pipeline.stream.repartition import raise_partitions
from schemas.delivery import Delivery, DeliveryState
from schemas.errors import ConfigError
from schemas.receipt import Receipt
from schemas.settings import Settings
from schemas.topics import ALERTS, DELIVERIES, MENTIONS, RECEIPTS, raw_topic
from tests.agents.alert.samples import alert, incident
from tests.broker.abilities import Ability
from tests.broker.brokers import Broker
from tests.broker.crisis import alerts_of, items, posts
from tests.broker.test_delivery import delivering as quickly_delivering
from tests.broker.test_delivery import ledger as steps
from tests.broker.test_delivery import mail, produce, settings_for, slack
from tests.broker.test_secured import delivering
from tests.broker.test_stream_replay import alerts, ends
from tests.broker.worker import Feed, Worker, provision, reading
from tests.servers.slack import Misbehave, SlackServer
from tests.servers.smtp import MailServer

pytestmark = pytest.mark.broker
__all__ = ["mail", "slack"]

BEFORE, AFTER = 4, 6


def ledger(settings: Settings, partitions: int) -> dict[int, list[Delivery]]:
    """Return all that the ledger's partitions say, in order, removals left out."""
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka, isolation_level="read_committed", enable_auto_commit=False
    )
    with closing(consumer):
        return {
            number: [
                Delivery.from_bytes(record.value)
                for record in read_to_end(consumer, [TopicPartition(DELIVERIES, number)])
                if record.value
            ]
            for number in range(partitions)
        }


def sent(settings: Settings, partitions: int) -> set[str]:
    entries = [entry for found in ledger(settings, partitions).values() for entry in found]
    return {entry.alert for entry in entries if entry.state is DeliveryState.SENT}


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.2)


def caught_up(settings: Settings) -> bool:
    """Tell whether listen and judge have committed all there is."""
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka)) as admin:
        done = admin.list_group_offsets(["earshot-listen", "earshot-judge"])
    with closing(KafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False)) as consumer:
        for group, topic in (("earshot-listen", raw_topic("x")), ("earshot-judge", MENTIONS)):
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            ends_ = consumer.end_offsets(places)
            if any(ends_[place] > (done[group][place].offset if place in done[group] else 0) for place in places):
                return False
    return True


@pytest.mark.needs(Ability.GROWS)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("state", ["memory", "disk"])
def test_partitions_are_raised_in_the_middle_of_a_crisis(
    fresh_broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state: str,
) -> None:
    settings = provision(fresh_broker, tmp_path, state=state)
    more = settings.model_copy(update={"partitions": AFTER})
    made = posts(600)
    timed = items(made)
    feed, half = Feed(settings), len(timed) // 2
    feed.replay(timed[:half])

    def refused(told: str, partitions: int = AFTER) -> None:
        with pytest.raises(ConfigError, match=told):
            raise_partitions(settings, partitions)

    refused("there are 4 partitions, and Kafka cannot take any away", 2)
    refused("records of earshot.raw.x are not read yet")
    with reading(more, ALERTS, RECEIPTS) as reader:
        with Worker(settings, tmp_path / "first") as worker, delivering(settings):
            until(lambda: caught_up(settings))
            refused("earshot-listen has 1 members")
            reader.read(1.0)
            until(lambda: sent(settings, BEFORE) == set(alerts(reader)))
            assert worker.stop() == 0
        with monkeypatch.context() as patch:
            patch.setattr(repartition, "write_layout", cut_off)
            with pytest.raises(InterruptedError):
                raise_partitions(settings, AFTER)
        with Worker(more, tmp_path / "too soon") as worker:
            assert worker.process.wait(30) != 0
            assert "the state lies in 4 partitions, the topics have 6" in worker.log
        monkeypatch.setenv("EARSHOT_KAFKA", settings.kafka)
        assert run(["topics", "raise", str(AFTER)]) == 0
        assert "EARSHOT_PARTITIONS=6" in capsys.readouterr().out
        assert read_layout(settings) == AFTER
        with Worker(settings, tmp_path / "old settings") as worker:
            assert worker.process.wait(30) != 0
            assert "topic earshot.raw.bluesky has 6 partitions, the settings ask for 4" in worker.log
        feed.replay(timed[half:])
        with Worker(more, tmp_path / "second") as worker, delivering(more):
            reader.until(lambda: ends(reader), 60, worker)
            assert alerts(reader) == alerts_of(made), "as if there had always been as many"
            until(lambda: sent(more, AFTER) == set(alerts_of(made)))
            assert worker.stop() == 0
        receipts = [Receipt.from_bytes(value) for value in reader.values(RECEIPTS)]
        assert max(Counter((one.mention, one.watch) for one in receipts).values()) == 1, "nothing is judged twice"
    check_ledger(more)


@pytest.mark.needs(Ability.GROWS)
def test_an_alert_requeued_after_it_finds_what_was_delivered(
    fresh_broker: Broker, slack: SlackServer, mail: MailServer
) -> None:
    """Its mail went out before; in the partition where it died, nobody would know of that any more."""
    settings = settings_for(fresh_broker, slack, mail)
    made = alert(incident=incident(id="incident1"))
    before, after = home(made.incident.id, 2), home(made.incident.id, 4)
    assert before != after
    slack.always["chat.postMessage"] = Misbehave("refuse", code="channel_not_found")
    produce(settings, made, partition=before)
    with quickly_delivering(settings):
        until(lambda: mail.mails and steps(settings, before).get(f"{made.id} slack", [""])[-1] == "dead")
    raise_partitions(settings, 4)
    slack.always.clear()
    more = settings.model_copy(update={"partitions": 4})
    [dead] = list_dead(more)
    requeue_dead(more, dead.id)
    with quickly_delivering(more):
        until(lambda: steps(more, after)[f"{made.id} slack"][-1:] == ["sent"])
    assert len(mail.mails) == 1


def cut_off(*_arguments: object) -> None:
    raise InterruptedError


def check_ledger(settings: Settings) -> None:
    """Each delivery went out once, and its incident's next revision will find it."""
    entries = [entry for found in ledger(settings, AFTER).values() for entry in found]
    attempts = Counter(entry.id for entry in entries if entry.state is DeliveryState.SENDING)
    assert set(attempts.values()) == {1}
    last = {(number, entry.id) for number, found in ledger(settings, AFTER).items() for entry in found}
    assert {(home(entry.incident, AFTER), entry.id) for entry in entries} <= last
