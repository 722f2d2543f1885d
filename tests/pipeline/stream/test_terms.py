"""Former owners that write on: frozen, or with packets that arrive late, they must not change what a recovery finds."""

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline.stream.rows import Change, Commit, Row, Rows
from pipeline.stream.store import MemoryStore
from pipeline.stream.terms import Terms, claim

KEYS = 3


def recover(log: list[Change], generation: int = 99) -> Rows:
    """Return the rows that a worker finds that reads the changelog from its beginning."""
    terms, table = Terms(), dict[bytes, bytes]()
    for offset, (key, value) in enumerate(log):
        if not terms.counts(offset, key, value):
            continue
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
    return Rows(0, table, terms.of_owner(generation), terms.overwritten)


def counts(until: int) -> dict[str, bytes]:
    """Return the state after the records up to offset `until`, of which each counts up one of the keys."""
    found: dict[str, int] = {}
    for offset in range(until + 1):
        found[f"w/{offset % KEYS}"] = found.get(f"w/{offset % KEYS}", 0) + 1
    return {name: str(count).encode() for name, count in found.items()}


def batch(rows: Rows, size: int) -> list[Change]:
    """Let an owner take the next `size` records, and return what it writes."""
    until = rows.commit.applied + size
    before, after = rows.values(), counts(until)
    changes = {name: value for name, value in after.items() if before.get(name) != value}
    records = rows.write(changes, rows.commit.model_copy(update={"applied": until}))
    rows.keep(records)
    return records


class Owners(RuleBasedStateMachine):
    """One changelog, one owner, and all the owners before, who do not know that they are not."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Change] = []
        self.former: list[Rows] = []
        self.generation = 0
        self.take_over(0, 0, 1)

    @rule(late=st.integers(0, 2), written=st.integers(0, 6), skipped=st.integers(1, 3))
    def take_over(self, late: int, written: int, skipped: int) -> None:
        """A new owner claims and recovers; the last one writes until then and in between, perhaps half a batch."""
        if self.former:
            self.log += batch(self.former[-1], 3)[:written]
        self.generation += skipped
        self.log.append(claim(0, self.generation))
        if self.former:
            for _ in range(late):
                self.log += batch(self.former[-1], 2)
        self.former.append(recover(self.log, self.generation))

    @rule(size=st.integers(1, 5))
    def work(self, size: int) -> None:
        self.log += batch(self.former[-1], size)

    @precondition(lambda self: len(self.former) > 1 and len(self.log) < 200)
    @rule(who=st.integers(0, 9), size=st.integers(1, 9), written=st.integers(0, 9))
    def haunt(self, who: int, size: int, written: int) -> None:
        """A former owner writes a batch, or some of it, at any time."""
        self.log += batch(self.former[who % (len(self.former) - 1)], size)[:written]

    @invariant()
    def a_recovery_finds_what_the_owner_knows(self) -> None:
        found = recover(self.log)
        assert found.commit.applied == self.former[-1].commit.applied
        assert found.values() == self.former[-1].values() == counts(found.commit.applied)


TestOwners = Owners.TestCase
TestOwners.settings = hypothesis_settings(max_examples=60, stateful_step_count=20, deadline=None)


def test_what_nobody_in_particular_wrote_counts() -> None:
    """A version without terms, or a move to more partitions."""
    log = Rows(0, MemoryStore(), term=5).write({"w/0": b"1"}, Commit(applied=0))
    log += [(b"0/w/1", Row(-1, b"moved", None).to_bytes())]
    assert recover(log).values() == {"w/0": b"1", "w/1": b"moved"}


def test_what_a_former_owner_has_overwritten_is_written_again() -> None:
    """Otherwise compaction might one day keep only what does not count."""
    first, second = Rows(0, MemoryStore(), term=1), Rows(0, MemoryStore(), term=2)
    log = first.write({"w/0": b"1"}, Commit(applied=0))
    log += second.write({"w/0": b"2"}, Commit(applied=1))
    log += first.write({"w/0": b"old"}, Commit(applied=1))
    rows = recover(log)
    assert rows.values() == {"w/0": b"2"}
    [row, _] = rows.write({}, Commit(applied=2))
    assert row[0] == b"0/w/0"
    assert Row.from_bytes(row[1] or b"").current == b"2"


@pytest.mark.parametrize(
    ("terms", "generation", "term", "sentence"),
    [
        ([], 1, 1, "the first owner ever"),
        ([4, 9], 9, 9, "the claim itself was read"),
        ([4, 9, 4, 9], 12, 12, "the claim was not read, as where nothing had to be recovered"),
        ([7, 1], 1, 8, "the broker has forgotten the group"),
    ],
)
def test_the_term_of_an_owner(terms: list[int], generation: int, term: int, sentence: str) -> None:
    found = Terms()
    for offset, one in enumerate(terms):
        found.counts(offset, *claim(0, one))
    assert found.of_owner(generation) == term, sentence
