"""A memory is a value: it stays what it was, whatever is done to those that came of it, in memory as over a store."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.stories import dedup
from pipeline.stories.dedup import clear, edit, erase, erase_author, expire, place
from pipeline.stories.memory import Memory
from pipeline.stories.table import Log
from pipeline.stream.disk import Disk
from pipeline.stream.tables import WatchTables
from tests.pipeline.stories.test_story import LEAD, POSTS
from tests.pipeline.timeline import NOON, match, minute

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["place", "place", "place", "place", "edit", "erase", "author", "expire", "saved", "clear"]),
        st.integers(0, 30),
        POSTS,
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=25,
)


def step(memory: Memory, what: str, number: int, about: dict[str, Any]) -> Memory:
    """Return the memory after one operation."""
    post = match(str(number), about["when"], **{key: value for key, value in about.items() if key != "when"})
    story = memory.known(post.mention.id)
    if what == "edit" and story is not None:
        return edit(memory, story, post)
    if what == "place" and story is None:
        return place(memory, post, NOON + timedelta(minutes=about["when"]))[0]
    steps: dict[str, Callable[[], Memory]] = {
        "erase": lambda: erase(memory, post.mention.id),
        "author": lambda: erase_author(memory, f"{post.mention.platform}:{about['writer']}"),
        "expire": lambda: expire(memory, NOON + timedelta(hours=24 * 7 * about["when"] / 100)),
        "saved": memory.saved,
        "clear": lambda: clear(memory),
    }
    return steps.get(what, lambda: memory)()


def seen(memory: Memory) -> Any:
    """Return everything that a memory holds."""
    found = memory.tables
    tables: tuple[dict[Any, Any], ...] = (
        found.stories,
        found.segments,
        found.members,
        found.roots,
        found.texts,
        found.leads,
        found.touched,
    )
    hours = [{hour: set(one.names(hour)) for hour in one.counts} for one in (found.hours, found.heard)]
    return [{key: table[key] for key in table} for table in tables], hours, memory.serial, memory.size, memory.next_hour


@pytest.fixture(params=["memory", "disk"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Memory]]:
    """What makes an empty memory, without a store below it or with one."""
    if request.param == "memory":
        yield Memory
        return
    disk = Disk(tmp_path / "db", 2**20)
    yield lambda: Memory(WatchTables(disk, 0, "acme").stored())
    disk.close()


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dedup, "MAX_STORIES", 6)
        patch.setattr(dedup, "_CROWDED_OUT", 3)
        patch.setattr(dedup, "HASHES", 3)
        yield


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, data=st.data())
def test_every_memory_stays_what_it_was(empty: Callable[[], Memory], steps: list[Any], data: st.DataObject) -> None:
    """They go on from any of those before, and any of them is looked at in between."""
    memories = [empty()]
    held = [seen(memories[0])]
    for what, number, about, back in steps:
        begin = max(0, len(memories) - 1 - (back if back < 5 else 0))
        memories.append(step(memories[begin], what, number, about))
        held.append(seen(memories[-1]))
        at = data.draw(st.integers(0, len(memories) - 1))
        assert seen(memories[at]) == held[at]
    assert [seen(memory) for memory in memories] == held
    assert memories[0] == empty()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, fails=st.integers(0, 60))
def test_what_fails_halfway_leaves_no_trace(empty: Callable[[], Memory], steps: list[Any], fails: int) -> None:
    memory = empty()
    left = fails
    put = Log.put

    def failing(self: Log, *what: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError("the disk is gone")
        put(self, *what)

    for what, number, about, _ in steps:
        before, left = seen(memory), fails
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Log, "put", failing)
            with suppress(OSError):
                step(memory, what, number, about)
        assert seen(memory) == before
        memory = step(memory, what, number, about)


def test_a_memory_that_nobody_holds_takes_its_log_with_it() -> None:
    """Else what is remembered would grow with every mention there ever was."""
    memory = Memory()
    for number in range(50):
        memory, _ = place(memory, match(str(number), number, f"{LEAD} {number}"), minute(number))
    assert memory._later is None
    first = memory
    memory, _ = place(memory, match("x", 60, LEAD), minute(60))
    assert first._later is not None
    assert first._later[0] is memory
    assert memory._later is None, "the newest knows nothing of the one before, which may go"
