"""Who gets which partitions, as the leader of the group decides it, also where it does not know the topics yet.

aiokafka's leader gives away nothing of a topic that its metadata lacks, as after a start in the middle of an outage,
and nobody notices: the group is content, without a partition. But each topic has as many as the settings say.
"""

from collections.abc import Mapping
from typing import Any

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor


class Cluster:
    """The cluster as its metadata show it, and as the settings say where they do not."""

    def __init__(self, known: Any, partitions: int) -> None:
        self._known = known
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        """Return the numbers of all partitions of `topic`."""
        return set(self._known.partitions_for_topic(topic) or range(self._partitions))


class Assignor(RoundRobinPartitionAssignor):  # type: ignore[misc]
    """Deals out the partitions one by one."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> Any:
        """Return the partitions of each member."""
        return RoundRobinPartitionAssignor.assign(Cluster(cluster, self._partitions), members)
