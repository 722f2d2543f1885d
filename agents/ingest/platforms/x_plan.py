"""How the rules that X has become those that are wanted, and how long to wait before the next attempt to connect."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agents.ingest.platforms.x_rules import STREAM_RULES
from schemas.errors import FailureKind

AT_ONCE = 100
"""So many rules are sent in one request."""


@dataclass(frozen=True, slots=True)
class StreamRule:
    """A rule as X has it. `id` is X's own; rules that are not yet there have none."""

    value: str
    tag: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be added and deleted, and how many rules of others stay as they are.

    A tag cannot be changed, and a value cannot be there twice: a rule of ours with another tag is deleted and added.
    """

    add: tuple[StreamRule, ...] = ()
    delete: tuple[StreamRule, ...] = ()
    others: int = 0

    def requests(self, there: int, most: int = STREAM_RULES) -> Iterator[dict[str, Any]]:
        """Yield the bodies of the requests in their order, for an account that has `there` rules and may have `most`.

        What is wanted is added before anything goes, so that nothing is missed in between; where there is no room for
        that, or the same value goes and comes, it goes first.
        """
        coming = {rule.value for rule in self.add}
        first = [rule for rule in self.delete if rule.value in coming]
        rest = [rule for rule in self.delete if rule.value not in coming]
        if there - len(first) + len(self.add) > most:
            first, rest = first + rest, []
        yield from _deleting(first)
        for batch in _batches(self.add):
            yield {"add": [{"value": rule.value, "tag": rule.tag} for rule in batch]}
        yield from _deleting(rest)


def reconcile(wanted: Iterable[str], there: Iterable[StreamRule], tag: str) -> Plan:
    """Return the plan by which our rules, those with `tag`, become `wanted`; those of others are left alone.

    A rule of somebody else with the same value is as good as ours, and X would take no second one.
    """
    found = tuple(there)
    values = tuple(dict.fromkeys(wanted))
    ours = [rule for rule in found if rule.tag == tag or rule.tag.startswith(f"{tag}/")]
    others = {rule.value for rule in found} - {rule.value for rule in ours}
    right = {rule.value for rule in ours if rule.tag == tag}
    add = tuple(StreamRule(value, tag) for value in values if value not in right and value not in others)
    delete = tuple(rule for rule in ours if rule.tag != tag or rule.value not in values)
    return Plan(add, delete, len(found) - len(ours))


def ladder(kind: FailureKind, failures: int, asked: float | None = None) -> float:
    """Return the seconds to wait before connecting again after `failures` in a row, as X's documentation wants it.

    After a connection that stood, at once. Errors of the network: 250 ms more each time, up to 16 s. Errors that HTTP
    tells: 5 s, doubled up to 320 s. 429: a minute, doubled, and never less than what the service asked for.

    >>> [ladder(FailureKind.NETWORK, n) for n in (0, 1, 2, 100)]
    [0.0, 0.25, 0.5, 16.0]
    >>> [ladder(FailureKind.SERVER, n) for n in (1, 2, 8)], [ladder(FailureKind.RATE_LIMITED, n) for n in (1, 2)]
    ([5.0, 10.0, 320.0], [60.0, 120.0])
    """
    if failures == 0:
        return 0.0
    if kind is FailureKind.NETWORK:
        return min(16.0, 0.25 * failures)
    if kind is FailureKind.RATE_LIMITED:
        return max(asked or 0.0, 60.0 * 2.0 ** min(failures - 1, 8))
    return max(asked or 0.0, min(320.0, 5.0 * 2.0 ** min(failures - 1, 8)))


def _deleting(rules: Iterable[StreamRule]) -> Iterator[dict[str, Any]]:
    for batch in _batches(rules):
        yield {"delete": {"ids": [rule.id for rule in batch]}}


def _batches(rules: Iterable[StreamRule]) -> Iterator[list[StreamRule]]:
    listed = list(rules)
    return (listed[begin : begin + AT_ONCE] for begin in range(0, len(listed), AT_ONCE))
