"""The share of the fault runs that is part of `make test`; `make faults` runs as many as you like."""

import os
import random
from pathlib import Path

import pytest

from tests.broker.brokers import missing_for_kafka
from tests.faults.run import play
from tests.faults.scenario import plan

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(("nodes", "faults"), [(1, 120), (3, 80)])
@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_doubled(nodes: int, faults: int, tmp_path: Path) -> None:
    if missing := missing_for_kafka():
        if os.environ.get("EARSHOT_TEST_ALL"):
            pytest.fail(f"a real Kafka {missing}, and EARSHOT_TEST_ALL leaves nothing out")
        pytest.skip(f"the real Kafka {missing}")
    seed = int(os.environ.get("EARSHOT_TEST_SEED") or random.randrange(10**6))
    made = plan(seed, faults, nodes)
    print(f"EARSHOT_TEST_SEED={seed}\n{made}")
    outcome = play(made, tmp_path)
    print(outcome.figures, outcome.happened)
    assert outcome.complaints == []
    assert sum(outcome.happened.values()) > 0.8 * faults
