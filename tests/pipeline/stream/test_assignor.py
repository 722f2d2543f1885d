"""Who gets which partitions: fair shares, as little as possible changes hands, and nothing is left out."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stream.assignor import Claim, Sticky, deal

TOPICS = ("other", "raw")
Given = dict[str, dict[str, list[int]]]


class Group:
    """A group of workers, each with its assignor, as the broker sees it: what they say goes over the wire."""

    def __init__(self, *names: str, partitions: int = 4) -> None:
        self.partitions = partitions
        self.workers: dict[str, Sticky] = {}
        self.join(*names)

    def join(self, *names: str) -> None:
        self.workers |= {name: Sticky(self.partitions) for name in names}

    def leave(self, *names: str) -> None:
        for name in names:
            del self.workers[name]

    def rebalance(self, asleep: Sequence[str] = ()) -> Given:
        """Let all who are awake join again, the first by name leading, and return who has what."""
        told = {
            name: ConsumerProtocolMemberMetadata.decode(worker.metadata(TOPICS).encode())
            for name, worker in self.workers.items()
            if name not in asleep
        }
        cluster = SimpleNamespace(partitions_for_topic=lambda _: set(range(self.partitions)))
        found = self.workers[min(told)].assign(cluster, told)
        for name, assignment in found.items():
            self.workers[name].on_assignment(ConsumerProtocolMemberAssignment.decode(assignment.encode()))
        return {name: dict(one.assignment) for name, one in found.items()}


def numbers(found: Given) -> dict[str, set[int]]:
    """Return the numbers of each worker; partitions of the same number are together."""
    for has in found.values():
        assert len({tuple(has.get(topic, ())) for topic in TOPICS}) == 1
    return {name: set(has.get("raw", ())) for name, has in found.items()}


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({"raw": {0, 1, 2, 3}, "other": {0, 1, 2, 3}}, "the leader knows both topics"),
        ({"raw": {0, 1, 2, 3}}, "it does not know one of them"),
        ({}, "it knows none"),
    ],
)
def test_every_partition_is_given_away(known: dict[str, set[int]], sentence: str) -> None:
    members = {name: SimpleNamespace(subscription=TOPICS, user_data=b"") for name in ("one", "two")}
    cluster = SimpleNamespace(partitions_for_topic=known.get)
    found = Sticky(4).assign(cluster, members)
    parts = sorted((topic, part) for one in found.values() for topic, parts in one.assignment for part in parts)
    assert parts == [(topic, part) for topic in TOPICS for part in range(4)], sentence


def test_who_joins_takes_its_share_and_the_others_keep_theirs() -> None:
    group = Group("a", "b", partitions=12)
    before = numbers(group.rebalance())
    group.join("c")
    after = numbers(group.rebalance())
    assert {name: len(has) for name, has in after.items()} == {"a": 4, "b": 4, "c": 4}
    assert after["a"] < before["a"]
    assert after["b"] < before["b"]


def test_who_leaves_leaves_its_own_and_the_others_keep_theirs() -> None:
    group = Group("a", "b", "c", partitions=12)
    before = numbers(group.rebalance())
    group.leave("b")
    after = numbers(group.rebalance())
    assert after["a"] > before["a"]
    assert after["c"] > before["c"]


def test_a_rolling_restart_moves_what_the_restarted_had_and_no_more() -> None:
    group = Group("a", "b", "c", partitions=12)
    before = numbers(group.rebalance())
    group.leave("b")
    group.rebalance()
    group.join("b2")
    after = numbers(group.rebalance())
    assert {name: len(after[name] & before[name]) for name in ("a", "c")} == {"a": 4, "c": 4}
    assert after["b2"] == before["b"]


def test_a_rebalance_without_a_reason_changes_nothing() -> None:
    group = Group("a", "b", "c", partitions=8)
    assert group.rebalance() == group.rebalance()


def test_who_slept_through_a_rebalance_claims_nothing_that_others_have() -> None:
    group = Group("a", "b", partitions=4)
    group.rebalance()
    without = numbers(group.rebalance(asleep=["b"]))
    assert without == {"a": {0, 1, 2, 3}}
    after = numbers(group.rebalance())
    assert after == {"a": {0, 1}, "b": {2, 3}}, "a keeps what it has had longest"


def test_topics_that_not_everybody_reads_go_to_those_who_do() -> None:
    """While a version that reads one topic more is rolled out."""
    members = {
        "old": SimpleNamespace(subscription=["raw"], user_data=b""),
        "new": SimpleNamespace(subscription=["raw", "other"], user_data=b""),
    }
    found = Sticky(4).assign(SimpleNamespace(partitions_for_topic=lambda _: {0, 1, 2, 3}), members)
    assert dict(found["new"].assignment)["other"] == [0, 1, 2, 3]
    assert "other" not in dict(found["old"].assignment)
    assert len(dict(found["old"].assignment)["raw"]) == 2


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01", b"[]", b"{}", b'{"round": "x", "has": {}}', b'{"round": 1, "has": 3}']
)
def test_what_nobody_of_ours_has_written_claims_nothing(data: bytes) -> None:
    assert Claim.from_bytes(data) == Claim()


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3),
        st.tuples(st.integers(0, 3), st.lists(st.integers(0, 45), unique=True)),
    ),
)
def test_shares_are_fair_and_complete_and_as_little_moves_as_can(
    partitions: int, claims: dict[str, tuple[int, list[int]]]
) -> None:
    claims |= {"z": (0, [])}
    found = deal(range(partitions), claims)
    assert sorted(number for has in found.values() for number in has) == list(range(partitions))
    sizes = sorted(map(len, found.values()))
    assert sizes[-1] - sizes[0] <= 1
    owners: dict[int, str] = {}
    for name, (_, had) in sorted(claims.items(), key=lambda one: (one[1][0], one[0])):
        owners |= {number: name for number in had if number < partitions}
    counts = sorted((list(owners.values()).count(name) for name in claims), reverse=True)
    share, more = divmod(partitions, len(claims))
    most = sum(min(count, share + (rank < more)) for rank, count in enumerate(counts))
    assert sum(owners.get(number) == name for name, has in found.items() for number in has) == most
