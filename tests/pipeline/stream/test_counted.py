"""Each decision is counted by its reason, and a rule that is only tried by its trips, as receipts say them."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from prometheus_client import REGISTRY

from pipeline.stream.batch import Batch
from schemas.control import Silence, WatchVersion
from schemas.receipt import Decision
from schemas.tick import Tick
from schemas.topics import MENTIONS
from tests.pipeline.stream.test_passing import judge
from tests.pipeline.timeline import COUNT, NOON, distinct, match, minute, watch


def decided() -> Counter[str]:
    """Return what the metric says now, by decision."""
    return Counter({name: int(number) for name in Decision if (number := _value("earshot_decisions", decision=name))})


def _value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_total", labels) or 0.0


def batch(*records: Any) -> Batch:
    about = {"topic": MENTIONS, "partition": 0, "key": None, "headers": (), "timestamp": 0}
    raw = [SimpleNamespace(**about, value=one.to_bytes(), offset=offset) for offset, one in enumerate(records)]
    return Batch(MENTIONS, 0, raw, lost=lambda: False, acknowledge=lambda: None, generation=1)


async def test_every_receipt_is_counted_by_its_decision_and_a_shadow_by_its_trips() -> None:
    tried = {"kind": "count", "threshold": 2, "window": "1h", "name": "tried", "shadow": True}
    acme = watch(COUNT, tried, id="counted")
    posts = [match(f"p{at}", at, distinct(at)) for at in range(5)]
    copy = match("copy", 585, distinct(0))
    rival = match("rival", 6, "bolt is loud", entities=("Bolt",))
    held = [match(f"h{at}", at, distinct(at)) for at in (600, 601, 602)]
    hush = Silence(watch="counted", at=minute(590), until=minute(700), by="Eva")
    heard = [one.model_copy(update={"watch": "counted"}) for one in (*posts, rival, copy, *held)]
    records = [
        WatchVersion(watch=acme, version="1", at=NOON),
        *heard[:-4],
        heard[0],
        Tick(at=minute(580)),
        heard[-4],
        hush,
        *heard[-3:],
    ]
    stage, before, tripped = judge(), decided(), _value("earshot_shadow_trips", watch="counted", rule="tried")
    await stage.process(batch(*records))
    told = decided() - before
    assert told == {
        Decision.BELOW_THRESHOLD: 2 + 2,
        Decision.OPENED: 1,
        Decision.IN_INCIDENT: 2,
        Decision.FOLDED: 1,
        Decision.COMPETITOR_ONLY: 1,
        Decision.REDELIVERED: 1,
        Decision.SILENCED: 1,
    }
    assert told.total() == len(heard) + 1, "each match has one"
    assert _value("earshot_shadow_trips", watch="counted", rule="tried") - tripped > 0
