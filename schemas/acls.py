"""What each process may do on the broker: the one list from which docs, `earshot topics acls` and start-up checks come.

Kafka lets whoever may read or write a topic also describe it, and whoever writes one use an idempotent producer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from schemas.settings import Settings
from schemas.topics import (
    ALERTS,
    CHECKPOINTS,
    DEAD,
    DELIVERIES,
    JUDGE_CHANGELOG,
    LAYOUT,
    LEASES,
    MENTIONS,
    PREFIX,
    RAW_PREFIX,
    RECEIPTS,
    WATCHES,
)

Kind = Literal["topic", "group", "transactional-id"]


@dataclass(frozen=True, slots=True)
class Acl:
    """The `operations` allowed on one resource, or on all that begin with `name` when it is `prefixed`."""

    kind: Kind
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


_READ, _WRITE, _BOTH = ("Read",), ("Write",), ("Read", "Write")
_TOPICS: dict[str, dict[str, tuple[str, ...]]] = {
    "topics": {PREFIX: ("Create", "Describe", "DescribeConfigs")},
    "ingest": {RAW_PREFIX: _WRITE, CHECKPOINTS: _BOTH, LEASES: _READ, WATCHES: _READ, DEAD: _WRITE},
    "worker": {
        RAW_PREFIX: _READ,
        CHECKPOINTS: _READ,
        MENTIONS: _BOTH,
        JUDGE_CHANGELOG: _BOTH,
        LAYOUT: _BOTH,
        WATCHES: _BOTH,
        ALERTS: _WRITE,
        RECEIPTS: _WRITE,
        DEAD: _WRITE,
    },
    "deliver": {ALERTS: _READ, DELIVERIES: _BOTH, RECEIPTS: _WRITE, DEAD: _WRITE, LAYOUT: _READ},
    "buttons": {ALERTS: _READ, MENTIONS: _WRITE},
    "watches": {WATCHES: _BOTH, MENTIONS: _WRITE},
    "control": {MENTIONS: _BOTH, WATCHES: _READ, ALERTS: _READ, JUDGE_CHANGELOG: _READ},
    "forget": {RAW_PREFIX: _BOTH},
    "look": {RECEIPTS: _READ, JUDGE_CHANGELOG: _READ, DELIVERIES: _READ},
    "history": {RAW_PREFIX: _READ},
    "matched": {MENTIONS: _READ, WATCHES: _READ},
    "feedback": {ALERTS: _READ, JUDGE_CHANGELOG: _READ, WATCHES: _READ, MENTIONS: _WRITE},
    "dead": {DEAD: _READ, LAYOUT: _READ, RAW_PREFIX: _BOTH, MENTIONS: _BOTH, ALERTS: _BOTH},
    "raise": {
        PREFIX: ("Alter", "Create", "Describe", "DescribeConfigs"),
        MENTIONS: _READ,
        JUDGE_CHANGELOG: _BOTH,
        DELIVERIES: _BOTH,
        LAYOUT: _BOTH,
    },
}
_GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    # the group of those that share the sources among them
    "ingest": {"ingest": _READ},
    # ticks are read without a group, but the client asks for the coordinator of one all the same
    "worker": {"listen": _READ, "judge": _READ, "ticks": ("Describe",)},
    "deliver": {"deliver": _READ},
    "watches": {"ticks": ("Describe",)},
    "raise": {"listen": ("Describe",), "judge": ("Describe",), "deliver": ("Describe",)},
}
PROCESSES = tuple(_TOPICS)
"""Whoever talks to the broker: three processes, delivery once more where Slack has `buttons`, and the commands
`topics`, `watches`, `acknowledge` and `silence` (`control`), `forget`, those that only `look` (`explain MENTION`,
`incidents`, `silence list`), `history` and `matched` (`backtest --from`, and with `--mentions`), `dead`, and `topics
raise`."""


def acls(process: str, settings: Settings) -> tuple[Acl, ...]:
    """Return all that `process` needs, by the names that the settings give to topics and groups."""
    found = [
        Acl("topic", settings.topic(name), operations, prefixed=name in {PREFIX, RAW_PREFIX})
        for name, operations in _TOPICS[process].items()
    ]
    found += [Acl("group", settings.group(name), may) for name, may in _GROUPS.get(process, {}).items()]
    if process == "deliver":
        found.append(Acl("transactional-id", settings.group("deliver") + "-", ("Describe", "Write"), prefixed=True))
    return tuple(found)


def commands(processes: Iterable[str], settings: Settings, principal: str) -> list[str]:
    """Return the arguments of Kafka's `kafka-acls.sh` that allow it all; `principal` may hold `{process}`."""
    return [
        " ".join(
            [
                f"--add --allow-principal {principal.format(process=process)}",
                *(f"--operation {operation}" for operation in acl.operations),
                f"--{acl.kind} {acl.name}",
                f"--resource-pattern-type {'prefixed' if acl.prefixed else 'literal'}",
            ]
        )
        for process in processes
        for acl in acls(process, settings)
    ]


def table(settings: Settings) -> str:
    """Return the same as a table in Markdown, as it stands in docs/operations.md."""
    lines = ["| process | may | on |", "|---|---|---|"]
    for process in PROCESSES:
        by_operations: dict[tuple[Kind, tuple[str, ...]], list[str]] = {}
        for acl in acls(process, settings):
            names = by_operations.setdefault((acl.kind, acl.operations), [])
            names.append(f"`{acl.name}{'*' if acl.prefixed else ''}`")
        for (kind, operations), names in by_operations.items():
            lines.append(f"| {process} | {', '.join(operations)} | {kind} {', '.join(names)} |")
    return "\n".join(lines)
