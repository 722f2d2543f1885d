"""Two installations on one broker: each hears, judges and tells its own, and neither notices the other."""

from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from agents.dead import list_dead
from agents.topics import apply_topics, check_topics
from schemas.settings import Settings, load_settings
from schemas.topics import TOPICS
from tests.broker.brokers import Broker
from tests.broker.test_secured import WATCHES, delivering, earshot, feed, sent, until

pytestmark = pytest.mark.broker


def installation(address: str, prefix: str, folder: Path) -> Settings:
    (folder / "watches.yml").write_text(WATCHES)
    settings = load_settings(
        kafka=address, topic_prefix=prefix, partitions=2, session_timeout=6.0, watches=folder / "watches.yml"
    )
    apply_topics(settings)
    return settings


def test_two_installations_do_not_see_each_other(fresh_broker: Broker, tmp_path: Path) -> None:
    one, two = (installation(fresh_broker.address, prefix, tmp_path) for prefix in ("one.", "one.two."))
    assert check_topics(one) == check_topics(two) == []
    with earshot("worker", one), earshot("worker", two), delivering(one), delivering(two):
        feed(one)
        until(lambda: len(sent(one)) == 1)
        assert sent(two) == set()
        feed(two)
        until(lambda: len(sent(two)) == 1)
        assert len(sent(one)) == 1
    with closing(KafkaAdminClient(bootstrap_servers=fresh_broker.address)) as client:
        ours = {found.topic(topic.name) for found in (one, two) for topic in TOPICS}
        assert {name for name in client.list_topics() if not name.startswith("__")} == ours
        groups = {group["group_id"] for group in client.list_groups()}
    assert {found.group(name) for found in (one, two) for name in ("listen", "judge", "deliver")} <= groups
    assert not any(name.startswith("earshot") for name in groups)
    assert list_dead(one) == list_dead(two) == []
