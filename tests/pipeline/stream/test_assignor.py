"""Who gets which partitions, also where the leader's metadata lack a topic."""

from types import SimpleNamespace

import pytest

from pipeline.stream.assignor import Assignor


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({"raw": {0, 1, 2, 3}, "other": {0, 1, 2, 3}}, "it knows both topics"),
        ({"raw": {0, 1, 2, 3}}, "it does not know one of them"),
        ({}, "it knows none"),
    ],
)
def test_every_partition_is_given_away(known: dict[str, set[int]], sentence: str) -> None:
    members = {name: SimpleNamespace(subscription=["raw", "other"]) for name in ("one", "two")}
    cluster = SimpleNamespace(partitions_for_topic=known.get)
    found = Assignor(4).assign(cluster, members)
    given = sorted((topic, part) for one in found.values() for topic, parts in one.assignment for part in parts)
    assert given == [(topic, part) for topic in ("other", "raw") for part in range(4)], sentence
