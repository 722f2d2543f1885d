"""When a fetch waits for some more records, and when it returns with the first one."""

from types import SimpleNamespace

import pytest

from pipeline.stream.transport import GATHER_BYTES, GATHER_SECONDS, ConsumerThread

AT_ONCE = (1500, 1)
GATHERS = (int(GATHER_SECONDS * 1000), GATHER_BYTES)


@pytest.mark.parametrize(
    ("steps", "sent", "why"),
    [
        (["send"], [AT_ONCE], "whoever waits for a first record has it at once"),
        (["take", "send"], [GATHERS], "what follows upon records is gathered"),
        (["take", "send", "send"], [GATHERS, AT_ONCE], "once: where nothing has come meanwhile, all is quiet again"),
        (["take", "plan", "send"], [GATHERS], "a plan without a fetch changes nothing"),
        (["take", "nothing", "send"], [AT_ONCE], "a poll that found nothing is no flow"),
        (["arrive", "send", "send"], [GATHERS, GATHERS], "nor does whoever is left out, its records unread, wait long"),
        (["arrive", "take", "send", "send"], [GATHERS, AT_ONCE], "until they are read"),
    ],
)
def test_what_a_fetch_waits_for(steps: list[str], sent: list[tuple[int, int]], why: str) -> None:
    thread = object.__new__(ConsumerThread)
    fetcher = SimpleNamespace(_fetch_max_wait_ms=AT_ONCE[0], _fetch_min_bytes=AT_ONCE[1], _records={})
    found: list[tuple[int, int]] = []
    fetcher._get_actions_per_node = lambda fetches: (fetches, {})
    thread._gather(fetcher)
    for step in steps:
        if step == "send":
            fetcher._get_actions_per_node([("node", "request")])
            found.append((fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes))
        elif step == "plan":
            fetcher._get_actions_per_node([])
        elif step == "arrive":
            fetcher._records["partition"] = "records"
        else:
            thread._flows = step == "take"
            fetcher._records.clear()
    assert found == sent, why
