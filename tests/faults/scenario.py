"""What is broken and when: a plan that follows from a seed alone, so that a failure can be played again.

Faults come in *storms* of a few seconds, so that they meet what the faults before them have begun: a restart, a
rebalance, a recovery. After a storm everything is healed and the work has to go on before the next one.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.points import POINTS

SESSION = 2.0
"""Seconds after which a silent member of a group is taken for dead."""
STORM_SECONDS = 5.0
STORM_FAULTS = 12
WORKERS = ("worker-1", "worker-2")
ON_DISK = WORKERS[0]
"""The worker that keeps its state on disk; the other has it in memory."""
DELIVERIES = ("deliver-1", "deliver-2")
PROCESSES = (*WORKERS, "ingest", *DELIVERIES)


class Kind(StrEnum):
    """The kinds of faults."""

    KILL = "kill"
    """SIGKILL; a supervisor starts the process again."""
    STOP = "stop"
    """SIGTERM, as in a rolling restart."""
    FREEZE = "freeze"
    """SIGSTOP and SIGCONT, within the session."""
    ZOMBIE = "zombie"
    """The same for longer than the session: others have taken over when it comes back."""
    CUT = "cut"
    """The process' connections to all brokers are severed, new ones are refused."""
    HOLD = "hold"
    """Nothing passes between the process and the brokers, as where packets are lost; then all of it arrives."""
    POINT_KILL = "kill at a point"
    """SIGKILL at a named point of the code."""
    POINT_ZOMBIE = "zombie at a point"
    """Frozen at a named point of the code for longer than the session."""
    BROKER_KILL = "kill a broker"
    """SIGKILL of a node, which is started again."""
    BROKER_FREEZE = "freeze a broker"
    """SIGSTOP and SIGCONT of a node."""
    LEADERS = "move leaders"
    """Every partition gets another leader (three nodes)."""
    CLOCK = "clock"
    """The clock of the process' machine leaps, and leaps back after a while."""
    DISK = "fill the disk"
    """The disk with the state of a worker is full, until somebody makes room."""
    SERVICE = "service"
    """Slack or the mail server misbehaves at the next call."""


_WEIGHTS = {
    Kind.KILL: 28,
    Kind.STOP: 5,
    Kind.FREEZE: 12,
    Kind.ZOMBIE: 8,
    Kind.CUT: 5,
    Kind.HOLD: 8,
    Kind.POINT_KILL: 18,
    Kind.POINT_ZOMBIE: 8,
    Kind.BROKER_KILL: 2,
    Kind.BROKER_FREEZE: 3,
    Kind.LEADERS: 2,
    Kind.CLOCK: 8,
    Kind.DISK: 4,
    Kind.SERVICE: 6,
}
_DELIVERY_WEIGHTS = {
    Kind.KILL: 14,
    Kind.STOP: 6,
    Kind.FREEZE: 6,
    Kind.ZOMBIE: 12,
    Kind.CUT: 4,
    Kind.HOLD: 6,
    Kind.POINT_KILL: 28,
    Kind.POINT_ZOMBIE: 20,
    Kind.SERVICE: 4,
}
"""Half of them at a point: between Slack's acceptance and the ledger, while partitions are dealt out, at recovery."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a plan is aimed at: how often each kind is drawn, and whom those hit that hit a process."""

    weights: dict[Kind, int]
    targets: tuple[str, ...]


AIMS = {
    "everything": Aim(_WEIGHTS, (*WORKERS, *WORKERS, "ingest", *DELIVERIES)),
    "delivery": Aim(_DELIVERY_WEIGHTS, DELIVERIES),
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LEAPS = (4 * _MINUTE, 40 * _MINUTE, 3 * _HOUR, 2 * _DAY, 400 * _DAY)
"""By how many seconds a clock leaps, forward or back; the longest sets it before everything that is said."""
_SERVICES = (
    "slack drop",
    "slack drop accepted",
    "slack fail",
    "slack fail accepted",
    "slack limit",
    "mail 451",
    "mail drop",
)


Spring = tuple[str, str, str]
"""What happens at a point: the kind of process (`worker`), the point's name, the kind of fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `at` seconds after its storm began, for so many `seconds`; `leap` is how far a clock leaps."""

    at: float
    kind: Kind
    target: str
    seconds: float = 0.0
    point: str = ""
    leap: int = 0

    @property
    def spring(self) -> Spring:
        """What is to happen, and where, if it is to happen at a point."""
        return self.target.partition("-")[0], self.point, self.kind.value

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        leap = f" by {self.leap:+} s" if self.leap else ""
        return f"{self.at:4.1f} {self.kind.value} {self.target}{leap}{lasts}{self.point and ': ' + self.point}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a run."""

    seed: int
    nodes: int
    storms: tuple[tuple[Fault, ...], ...]

    def __str__(self) -> str:
        return "\n".join(
            f"storm {number}: " + "; ".join(str(fault) for fault in storm) for number, storm in enumerate(self.storms)
        )


def plan(seed: int, faults: int, nodes: int, aim: Aim = AIMS["everything"]) -> Plan:
    """Return the plan of so many faults; each kind of `aim` is among them, if there are as many faults as kinds."""
    draw = random.Random(f"{seed}/faults")
    storms = []
    kinds = _kinds(draw, faults, aim.weights | ({} if nodes > 1 else {Kind.LEADERS: 0}))
    while kinds:
        storm = [_fault(draw, nodes, kind, aim.targets) for kind in kinds[:STORM_FAULTS]]
        kinds = kinds[STORM_FAULTS:]
        storms.append(tuple(sorted(storm, key=lambda fault: fault.at)))
    return Plan(seed, nodes, tuple(storms))


def _kinds(draw: random.Random, faults: int, weights: dict[Kind, int]) -> list[Kind]:
    each = [kind for kind, weight in weights.items() if weight] if faults >= len(weights) else []
    found = each + draw.choices(list(weights), list(weights.values()), k=faults - len(each))
    draw.shuffle(found)
    return found


AT_POINTS = (Kind.POINT_KILL, Kind.POINT_ZOMBIE)


def springs() -> list[Spring]:
    """Return all that can happen at a point."""
    return [
        (process, point, kind.value) for process, points in POINTS.items() for point in points for kind in AT_POINTS
    ]


_IN_A_STORM = 1
"""How often each process is killed or frozen at a point in one storm of `plan_points`."""
_QUIET_STORMS = 2
"""Storms at the end in which nothing new is armed, for points that have not been reached yet."""


def plan_points(seed: int, nodes: int, *, both: bool) -> Plan:
    """Return the plan in which a process is killed or frozen at every point, or `both` at each.

    Which of the two it is, and for how long, follows from the seed.

    Which process it hits, when, and in which order follows from the list of points; in every storm another worker and
    another delivery process are restarted in a rolling way besides, since some points are only reached when others come
    and go.
    """
    draw = random.Random(f"{seed}/points")
    left: dict[str, list[Fault]] = {name: [] for name in PROCESSES}
    for process, points in POINTS.items():
        names = [name for name in PROCESSES if name.partition("-")[0] == process]
        for number, point in enumerate(points):
            for turn, kind in enumerate(AT_POINTS if both else (draw.choice(AT_POINTS),)):
                seconds = round(SESSION + draw.uniform(0.5, 2), 1) if kind is Kind.POINT_ZOMBIE else 0.0
                target = names[(number + turn) % len(names)]
                left[target].append(Fault(0.0, kind, target, seconds, point))
    storms: list[tuple[Fault, ...]] = []
    while any(left.values()):
        storm = [fault for faults in left.values() for fault in faults[:_IN_A_STORM]]
        left = {name: faults[_IN_A_STORM:] for name, faults in left.items()}
        storms.append((*storm, *_restarts(len(storms))))
    return Plan(seed, nodes, (*storms, *(_restarts(len(storms) + number) for number in range(_QUIET_STORMS))))


def _restarts(storm: int) -> tuple[Fault, ...]:
    """Return one SIGTERM for each group of processes in one storm, in turn."""
    pairs = (WORKERS, DELIVERIES)
    return tuple(Fault(2.0 + 2 * place, Kind.STOP, pair[storm % len(pair)]) for place, pair in enumerate(pairs))


def _fault(draw: random.Random, nodes: int, kind: Kind, targets: tuple[str, ...]) -> Fault:
    at = round(draw.uniform(0, STORM_SECONDS), 1)
    target = draw.choice(targets)
    node = f"node-{draw.randint(1, nodes)}"
    short, long = round(draw.uniform(0.2, SESSION * 0.7), 1), round(SESSION + draw.uniform(0.5, 4), 1)
    match kind:
        case Kind.FREEZE:
            found = Fault(at, kind, target, short)
        case Kind.ZOMBIE:
            found = Fault(at, kind, target, long)
        case Kind.CUT | Kind.HOLD:
            found = Fault(at, kind, target, draw.choice([short, long, long]))
        case Kind.POINT_KILL | Kind.POINT_ZOMBIE:
            point = draw.choice(list(POINTS[target.partition("-")[0]]))
            found = Fault(at, kind, target, long if kind is Kind.POINT_ZOMBIE else 0.0, point)
        case Kind.BROKER_KILL | Kind.BROKER_FREEZE:
            found = Fault(at, kind, node, draw.choice([short, long]))
        case Kind.CLOCK:
            leap = draw.choice(_LEAPS) * draw.choice((1, -1))
            found = Fault(at, kind, target, draw.choice([short, long, long]), leap=leap)
        case Kind.DISK:
            found = Fault(at, kind, ON_DISK, draw.choice([short, long, long]))
        case Kind.LEADERS:
            found = Fault(at, kind, "all nodes")
        case Kind.SERVICE:
            found = Fault(at, kind, draw.choice(_SERVICES))
        case _:
            found = Fault(at, kind, target)
    return found
