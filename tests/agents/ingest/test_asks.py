"""What the watches ask for decides at the edge exactly as it does in the worker."""

from datetime import UTC, datetime

import pytest

from agents.ingest.asks import Asks
from pipeline.flow import listen
from pipeline.query import Matcher
from schemas.errors import ConfigError
from schemas.event import Event
from tests.pipeline.timeline import watch

AT = datetime(2026, 11, 27, tzinfo=UTC)
TEXTS = ("acme is late", "BOLT too", "nothing of that", "Acme &amp; Bolt", "a c m e", "#acme", "ac\u200bme", "")


@pytest.mark.parametrize("text", TEXTS)
def test_the_edge_wants_what_the_worker_matches(text: str) -> None:
    event = Event(platform="bluesky", id="1", time=AT, seen=AT, source="s", text=text)
    watches = [watch(), watch(id="de", query="lang:de AND nothing")]
    assert Asks(watches).wants(event) is bool(listen(event, Matcher.compile(watches)))


def test_without_watches_nothing_is_wanted_and_a_broken_one_changes_nothing() -> None:
    asks = Asks()
    event = Event(platform="x", id="1", time=AT, seen=AT, source="s", text="acme")
    assert not asks.wants(event)
    version = asks.version
    asks.adopt([watch()])
    assert asks.wants(event)
    assert asks.version > version
    assert asks.queries == {"acme": ("acme", "bolt")}
    with pytest.raises(ConfigError):
        asks.adopt([watch(query="(")])
    assert asks.wants(event)
    assert asks.watches[0].query == "acme"
