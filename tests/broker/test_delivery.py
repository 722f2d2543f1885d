"""Delivery from the alerts topic to Slack and mail, on both brokers: in order, once each, whatever happens between."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from agents.alert.delivery import Delivering
from agents.alert.ledger import Pace
from agents.dead import list_dead, requeue_dead
from agents.kafka import read_to_end
from agents.observe import Status
from agents.topics import apply_topics
from schemas.alert import Alert, AlertReason
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.settings import Settings, load_settings
from schemas.topics import ALERTS, DELIVERIES
from schemas.watch import Route
from tests.agents.alert.samples import MAIL, SLACK, alert, incident, revision
from tests.broker.brokers import Broker
from tests.servers.slack import Misbehave, SlackServer, slack_server
from tests.servers.smtp import MailServer, mail_server

pytestmark = pytest.mark.broker

FAST = Pace(first=0.2, longest=1.0, give_up=30.0, lease=0.5)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def settings_for(broker: Broker, slack: SlackServer, mail: MailServer) -> Settings:
    settings = load_settings(
        kafka=broker.address,
        partitions=2,
        session_timeout=6.0,
        SLACK_BOT_TOKEN="xoxb-test",
        slack_api_url=slack.api_url,
        smtp_host=mail.host,
        smtp_port=mail.port,
        smtp_security="none",
    )
    apply_topics(settings)
    return settings


@pytest.fixture
def settings(fresh_broker: Broker, slack: SlackServer, mail: MailServer) -> Settings:
    return settings_for(fresh_broker, slack, mail)


@contextmanager
def delivering(settings: Settings, pace: Pace = FAST) -> Iterator[Delivering]:
    """Run the delivery loop in a thread, as `run_delivery` runs it in a process."""
    stopping = threading.Event()
    worker = Delivering(settings, pace, Status())
    thread = threading.Thread(target=worker.run, args=(stopping,))
    thread.start()
    try:
        yield worker
    finally:
        stopping.set()
        thread.join(40)
        assert not thread.is_alive()


def produce(settings: Settings, *alerts: Alert | bytes, partition: int = 0, keyed: str = "") -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    for made in alerts:
        value = made if isinstance(made, bytes) else made.to_bytes()
        key = b"poison" if isinstance(made, bytes) else (keyed or made.incident.id).encode()
        producer.send(ALERTS, value, key=key, partition=partition).get(timeout=30)
    producer.close()


def put(settings: Settings, *entries: Delivery) -> None:
    """Write into the ledger what a process that died has left there."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka)
    for entry in entries:
        producer.send(DELIVERIES, entry.to_bytes(), key=entry.id.encode(), partition=0).get(timeout=30)
    producer.close()


def ledger(settings: Settings, partition: int = 0) -> dict[str, list[str]]:
    """The states that each delivery went through, by alert and channel."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, isolation_level="read_committed")
    place = TopicPartition(DELIVERIES, partition)
    states: dict[str, list[str]] = defaultdict(list)
    for record in read_to_end(consumer, [place]):
        if record.value is None:
            continue
        entry = Delivery.from_bytes(record.value)
        states[f"{entry.alert} {entry.channel}"].append(entry.state.value)
    consumer.close()
    return states


def until(true: Callable[[], object], seconds: float = 40.0) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.02)


def texts(slack: SlackServer) -> list[str]:
    return [message["text"].partition(".")[0] for message in slack.posted() + slack.replies()]


def test_an_incident_goes_to_slack_and_mail_and_the_ledger_tells_each_step(
    settings: Settings, slack: SlackServer, mail: MailServer
) -> None:
    produce(settings, alert(), revision(2), revision(3, AlertReason.RESOLVED))
    # the first message loads what writes messages, which a busy machine does not do in a quarter of a second
    with delivering(settings, replace(FAST, lease=30.0)):
        until(lambda: len(slack.replies()) == 2 and len(mail.mails) == 3)
    assert len(slack.posted()) == 1
    assert "wieder ruhig" in slack.posted()[0]["text"], "the first message shows how things stand"
    assert [reply["thread_ts"] for reply in slack.replies()] == [slack.posted()[0]["ts"]] * 2
    first = mail.mails[0]["Message-ID"]
    assert [message["References"] for message in mail.mails] == [None, first, first]
    steps = ledger(settings)
    assert len(steps) == 6
    assert set(map(tuple, steps.values())) == {("requested", "sending", "sent")}


def test_nothing_is_sent_again_after_a_restart(settings: Settings, slack: SlackServer, mail: MailServer) -> None:
    produce(settings, alert())
    with delivering(settings):
        until(lambda: slack.posted() and mail.mails)
    # the same alert again, as judge writes it after a crash of its own, and one more
    produce(settings, alert(), revision(2))
    with delivering(settings):
        until(lambda: slack.replies() and len(mail.mails) == 2)
    assert (len(slack.posted()), len(slack.replies()), len(mail.mails)) == (1, 1, 2)


CRASHES = [
    ("it had arrived: Slack shows it, so it is not sent again", True),
    ("it had not arrived: Slack does not know it, so it is sent", False),
]


@pytest.mark.parametrize(("sentence", "arrived"), CRASHES, ids=["arrived", "lost"])
def test_after_a_crash_while_sending_slack_is_asked(
    sentence: str, arrived: bool, settings: Settings, slack: SlackServer, mail: MailServer
) -> None:
    made = alert(routes=(SLACK,))
    produce(settings, made)
    put(settings, left_behind(made, SLACK))
    if arrived:
        metadata = {"event_payload": {"delivery_id": left_behind(made, SLACK).id}}
        slack.perform("chat.postMessage", {"channel": "#presse", "text": "before the crash", "metadata": metadata})
    with delivering(settings):
        until(lambda: any(states[-1] == "sent" for states in ledger(settings).values()))
    assert len(slack.posted()) == 1, sentence
    assert slack.called("conversations.history")
    assert bool(slack.called("chat.postMessage")) is not arrived


def test_a_mail_in_doubt_is_repeated_once_and_says_so(settings: Settings, slack: SlackServer, mail: MailServer) -> None:
    made = alert(routes=(MAIL,))
    produce(settings, made)
    put(settings, left_behind(made, MAIL))
    mail.answers.append("drop")
    with delivering(settings):
        until(lambda: ledger(settings)[f"{made.id} email"][-1:] == ["dead"])
    [repeated] = mail.mails
    assert "Möglicherweise haben Sie diese Nachricht schon einmal erhalten" in body(repeated)
    [dead] = list_dead(settings)
    assert "not sent a third time" in dead.detail


def test_a_refused_channel_is_dead_and_the_mail_goes_out(
    settings: Settings, slack: SlackServer, mail: MailServer
) -> None:
    slack.always["chat.postMessage"] = Misbehave("refuse", code="channel_not_found")
    produce(settings, alert())
    with delivering(settings):
        until(lambda: mail.mails and ledger(settings).get(f"{alert().id} slack", [""])[-1] == "dead")
        [dead] = list_dead(settings)
        assert dead.reason == "not-delivered"
        assert dead.detail.startswith("slack #presse: slack: channel_not_found (write the channel as Slack shows it")
        slack.always.clear()
        requeue_dead(settings, dead.id)
        until(slack.posted)
    assert len(mail.mails) == 1, "what had arrived is not sent again"


def test_a_hanging_slack_holds_up_no_mail_and_is_reconciled(
    settings: Settings, slack: SlackServer, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.alert.channels.slack.CALL_SECONDS", 2.0)
    slack.next("chat.postMessage", Misbehave("hang", accepted=True), Misbehave("fail"), Misbehave("limit"))
    produce(settings, alert(), revision(2))
    with delivering(settings):
        until(lambda: len(mail.mails) == 2, 15)
        assert not slack.replies(), "the second revision waits for the first"
        until(slack.replies)
    assert (len(slack.posted()), len(slack.replies())) == (1, 1)
    assert slack.called("conversations.history"), "after the time-out it asked"


def test_a_limit_is_honoured(settings: Settings, slack: SlackServer, mail: MailServer) -> None:
    slack.next("chat.postMessage", Misbehave("limit", retry_after=2))
    produce(settings, alert(routes=(SLACK,)))
    with delivering(settings):
        until(lambda: slack.called("chat.postMessage"))
        limited = monotonic()
        until(slack.posted)
    assert monotonic() - limited > 1.8
    assert len(slack.called("chat.postMessage")) == 2
    assert not slack.called("conversations.history"), "a limit leaves no doubt"


def test_what_never_succeeds_is_given_up_and_shown(settings: Settings, slack: SlackServer, mail: MailServer) -> None:
    slack.always["chat.postMessage"] = Misbehave("fail")
    produce(settings, alert(routes=(SLACK,)))
    with delivering(settings, Pace(first=0.2, longest=0.5, give_up=2.0, lease=0.5)):
        until(lambda: list_dead(settings))
    assert "given up after 2 s" in list_dead(settings)[0].detail


def test_a_poison_alert_is_buried_and_the_next_goes_out(
    settings: Settings, slack: SlackServer, mail: MailServer
) -> None:
    produce(settings, b"{not json", b'{"id": 7}', b"\xff\xfe", alert(routes=(SLACK,)))
    with delivering(settings):
        until(slack.posted)
    assert [dead.reason for dead in list_dead(settings)] == ["not-json", "wrong-type", "not-json"]


def test_two_workers_share_the_partitions_and_send_everything_once(
    settings: Settings, slack: SlackServer, mail: MailServer
) -> None:
    made = [alert(incident=incident(id=f"incident{number}"), routes=(SLACK,)) for number in range(8)]
    with delivering(settings) as one:
        until(lambda: len(one.partitions) == 2)
        with delivering(settings) as two:
            until(lambda: len(one.partitions) == len(two.partitions) == 1)
            produce(settings, *made[:4], partition=0)
            produce(settings, *made[4:], partition=1)
            until(lambda: len(slack.posted()) == 8)
    assert len({message["metadata"]["event_payload"]["alert"] for message in slack.posted()}) == 8
    assert len(slack.posted()) == 8


def test_alerts_that_pile_up_stay_in_the_topic(
    settings: Settings, slack: SlackServer, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long Slack is slow, what delivery holds in memory is bounded: five, and what one poll had brought."""
    monkeypatch.setattr("agents.alert.delivery.MOST_WAITING", 5)
    monkeypatch.setattr("agents.alert.delivery.POLL_RECORDS", 10)
    slack.always["chat.postMessage"] = Misbehave("slow")
    made = [alert(incident=incident(id=f"incident{number}"), routes=(SLACK,)) for number in range(40)]
    produce(settings, *made)
    with delivering(settings) as worker:
        until(lambda: worker.partitions.get(0) and worker.partitions[0].ledger.waiting)
        most, deadline = 0, monotonic() + 3
        while monotonic() < deadline:
            most = max(most, len(worker.partitions[0].ledger.waiting), len(worker.partitions[0].alerts))
            sleep(0.02)
        assert 5 <= most < 15
        slack.always.clear()
        slack.released.set()
        until(lambda: len(slack.posted()) == 40)


def test_the_ledger_forgets_what_is_long_over(
    settings: Settings, slack: SlackServer, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.alert.delivery.TIDY_SECONDS", 0.1)
    old = left_behind(alert(), SLACK).model_copy(
        update={"state": DeliveryState.DEAD, "at": datetime.now(UTC) - timedelta(days=40)}
    )
    put(settings, old)
    produce(settings, alert(incident=incident(id="new"), routes=(SLACK,)))
    with delivering(settings) as worker:
        until(lambda: slack.posted() and 0 in worker.partitions and old.id not in worker.partitions[0].ledger.entries)
        assert len(worker.partitions[0].ledger.entries) == 1
    with delivering(settings) as worker:
        until(lambda: 0 in worker.partitions and worker.partitions[0].ledger.entries)
        assert old.id not in worker.partitions[0].ledger.entries, "it is gone from the topic, too"


def left_behind(made: Alert, route: Route) -> Delivery:
    """The ledger entry of a process that was killed between SENDING and SENT."""
    from agents.alert.channel import delivery_id

    now = datetime.now(UTC)
    return Delivery(
        id=delivery_id(made.id, route),
        alert=made.id,
        incident=made.incident.id,
        channel=route.channel,
        to=str(route.to),
        state=DeliveryState.SENDING,
        offset=0,
        attempt=1,
        requested=now,
        at=now,
    )


def body(message: object) -> str:
    from email.message import EmailMessage

    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


__all__ = ["Sent"]
