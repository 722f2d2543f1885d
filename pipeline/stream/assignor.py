"""Who gets which partitions, as the leader of the group decides it: each worker keeps what it has, within its share.

A worker that gets a partition back goes on with the state in its memory; one that gets it anew reads it. So nothing
moves that need not: whoever comes is given its share, whoever goes leaves its own. Partitions of the same number stay
together, whatever their topic, and what somebody has had longest stays longest.

aiokafka's leader gives away nothing of a topic that its metadata lacks, as after a start in the middle of an outage,
and nobody notices: the group is content, without a partition. But each topic has as many as the settings say.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


@dataclass(frozen=True, slots=True)
class Claim:
    """What a member had, by topic, what it has had longest first; and in which round: a later one knows better."""

    round: int = 0
    has: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return it as a member sends it to the leader."""
        return json.dumps({"round": self.round, "has": self.has}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Claim":
        """Read it; what another version or nobody wrote claims nothing."""
        try:
            found = json.loads(data)
            return cls(int(found["round"]), {topic: tuple(map(int, has)) for topic, has in found["has"].items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()


def deal(numbers: Collection[int], claims: Mapping[str, tuple[int, Collection[int]]]) -> dict[str, list[int]]:
    """Return what each member gets of `numbers`; `claims` are, by member, the round and the numbers it was given then.

    Shares differ by one at most, as few numbers as possible change hands, and the first of a claim are the last to.
    """
    owners: dict[int, str] = {}
    for member, (_, had) in sorted(claims.items(), key=lambda claim: (claim[1][0], claim[0])):
        owners |= dict.fromkeys(had, member)
    free = set(numbers)
    kept = {
        member: [number for number in had if number in free and owners[number] == member]
        for member, (_, had) in claims.items()
    }
    ranked = sorted(claims, key=lambda member: (-len(kept[member]), member))
    share, more = divmod(len(numbers), len(claims))
    shares = {member: share + (rank < more) for rank, member in enumerate(ranked)}
    given = {member: kept[member][: shares[member]] for member in ranked}
    left = sorted(free.difference(*given.values()))
    for member in ranked:
        room = shares[member] - len(given[member])
        given[member] += left[:room]
        left = left[room:]
    return given


class Cluster:
    """The cluster as its metadata show it, and as the settings say where they do not."""

    def __init__(self, known: Any, partitions: int) -> None:
        self._known = known
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Return the numbers of all partitions of `topic`."""
        return set(self._known.partitions_for_topic(topic) or range(self._partitions))


class Sticky(AbstractPartitionAssignor):  # type: ignore[misc]
    """Deals out the partitions of one consumer's group, and remembers what the consumer was given."""

    name = "earshot-sticky"

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._claim = Claim()

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return what this member tells the leader."""
        return ConsumerProtocolMemberMetadata(0, list(topics), self._claim.to_bytes())

    def on_assignment(self, assignment: Any) -> None:
        """Remember what this member was given."""
        given = {topic: tuple(parts) for topic, parts in assignment.assignment}
        self._claim = Claim(Claim.from_bytes(assignment.user_data).round, given)

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the partitions of each member; topics with the same readers are dealt together."""
        claims = {member: Claim.from_bytes(told.user_data) for member, told in members.items()}
        readers: defaultdict[str, set[str]] = defaultdict(set)
        for member, told in members.items():
            for topic in told.subscription:
                readers[topic].add(member)
        together: defaultdict[frozenset[str], list[str]] = defaultdict(list)
        for topic, names in sorted(readers.items()):
            together[frozenset(names)].append(topic)
        given: dict[str, list[tuple[str, list[int]]]] = {member: [] for member in members}
        known = Cluster(cluster, self._partitions)
        for together_read, topics in together.items():
            parts = {topic: known.partitions_for_topic(topic) for topic in topics}
            had = {name: (claims[name].round, _numbers(claims[name], topics)) for name in together_read}
            for name, numbers in deal(set().union(*parts.values()), had).items():
                given[name] += [(topic, [part for part in numbers if part in parts[topic]]) for topic in topics]
        latest = Claim(max(claim.round for claim in claims.values()) + 1).to_bytes()
        return {
            member: ConsumerProtocolMemberAssignment(0, [one for one in found if one[1]], latest)
            for member, found in given.items()
        }


def _numbers(claim: Claim, topics: Iterable[str]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(number for topic in topics for number in claim.has.get(topic, ())))
