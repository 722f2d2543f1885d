"""A run: the product's processes, a Kafka, the world, and the plan that breaks them; then the checker's judgement."""

import heapq
import json
import pickle
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic

from agents.topics import apply_topics
from cli.broker import free_port
from schemas.settings import load_settings
from tests.faults import recorder, world
from tests.faults.checker import Complaint, check, expectations
from tests.faults.cluster import MOVE_SECONDS, Cluster
from tests.faults.disk import MISSING, SmallDisk
from tests.faults.history import History, Mail
from tests.faults.network import Network
from tests.faults.processes import Process, Supervisor
from tests.faults.scenario import ON_DISK, PROCESSES, SESSION, STORM_SECONDS, Fault, Kind, Plan, Spring
from tests.faults.sender import SECRET, Sender
from tests.servers.slack import Misbehave, SlackServer, slack_server
from tests.servers.smtp import MailServer, mail_server

STALL_SECONDS = 45.0
"""For how long nothing may be judged, nor delivered, of what is to be after a storm is over."""
ROUTES = 2
"""How many deliveries an alert leads to: each watch tells Slack and a mailbox."""
NO_ROOM = "No space left on device"
_MARKS = ("Möglicherweise haben Sie diese Nachricht schon einmal erhalten",)


@dataclass
class Outcome:
    """What a run led to. `happened` counts the faults that took effect, by kind; `figures` are for people.

    `sprung` are the points at which a process was killed or frozen, and `asleep` what was to happen at one and did not.
    """

    plan: Plan
    complaints: list[Complaint] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    sprung: Counter[Spring] = field(default_factory=Counter)
    asleep: list[Spring] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)


class Run:
    """What runs, and how it is broken."""

    def __init__(self, plan: Plan, said: world.World, folder: Path, stack: ExitStack) -> None:
        self.plan = plan
        self.said = said
        self.folder = folder
        self.network = Network()
        stack.callback(self.network.close)
        self.slack: SlackServer = stack.enter_context(slack_server())
        self.slack.channels = {f"C0ROOM{number}": f"room-{number}" for number in range(world.ROOMS)}
        self.mail: MailServer = stack.enter_context(mail_server())
        self.cluster: Cluster = stack.enter_context(Cluster(plan.nodes, folder, self.network, PROCESSES))
        self.disk = stack.enter_context(SmallDisk(folder / "disk"))
        self.port = free_port()
        environment = self._prepare(folder)
        processes = {name: Process(name, environment | self._own(name), folder) for name in PROCESSES}
        self.processes: dict[str, Process] = stack.enter_context(Supervisor(processes)).processes
        self.follower = recorder.Follower(self.cluster.address())
        stack.callback(self.follower.close)
        self.senders = [Sender(said, lane, self.port, STORM_SECONDS) for lane in range(world.FILE_LANE)]
        for sender in self.senders:
            stack.callback(sender.close)
        self.happened: Counter[str] = Counter()
        self.sprung: Counter[Spring] = Counter()
        self._movers: list[threading.Thread] = []
        self._told_services = 0
        self.stalls: list[float] = []
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._count = count()
        self._armed: dict[str, Fault] = {}
        self._waiting: list[Fault] = []

    def _prepare(self, folder: Path) -> dict[str, str]:
        """Write the product's files, make its topics, and return the environment of its processes."""
        (folder / "watches.yml").write_text(world.watches())
        lines = (json.dumps(said.line()) + "\n" for said in self.said.file)
        (folder / "said.jsonl").write_text("".join(lines))
        (folder / "sources.yml").write_text(
            "sources:\n"
            "  - {id: push, kind: webhook, wait: 2s}\n"
            "  - {id: file, kind: replay, path: said.jsonl, speed: 1, max_pause: 0.7s}\n"
        )
        copies = min(3, self.plan.nodes)
        apply_topics(load_settings(kafka=self.cluster.address(), partitions=world.PARTITIONS, replication=copies))
        return {
            "EARSHOT_WATCHES": str(folder / "watches.yml"),
            "EARSHOT_SOURCES": str(folder / "sources.yml"),
            "EARSHOT_CLOCK": "events",
            "EARSHOT_PARTITIONS": str(world.PARTITIONS),
            "EARSHOT_SESSION_TIMEOUT": str(SESSION),
            "EARSHOT_WEBHOOK_PORT": str(self.port),
            "EARSHOT_WEBHOOK_SECRETS": SECRET,
            "EARSHOT_WEBHOOK_WINDOW": "600",
            "SLACK_BOT_TOKEN": "xoxb-test",
            "EARSHOT_SLACK_API_URL": self.slack.api_url,
            "EARSHOT_SMTP_HOST": self.mail.host,
            "EARSHOT_SMTP_PORT": str(self.mail.port),
            "EARSHOT_SMTP_SECURITY": "none",
        }

    def _own(self, name: str) -> dict[str, str]:
        """Return what only the process of this name has: one worker keeps its state on disk, the other in memory."""
        own = {"EARSHOT_KAFKA": self.cluster.address(name)}
        return own | ({"EARSHOT_STATE_DIR": str(self.disk.path / "state")} if name == ON_DISK else {})

    def storm(self, faults: tuple[Fault, ...]) -> None:
        """Let one storm pass; when this returns, everything that it broke is healed."""
        begun = monotonic()
        for fault in faults:
            self._at(begun + fault.at, lambda fault=fault: self._break(fault))  # type: ignore[misc]
        while self._due or monotonic() < begun + STORM_SECONDS:
            self.turn()

    def turn(self) -> None:
        """Do what is due, spring what was reached, read on a little."""
        while self._due and self._due[0][0] <= monotonic():
            heapq.heappop(self._due)[2]()
        for name, process in self.processes.items():
            if name in self._armed and process.sprung():
                fault = self._armed.pop(name)
                self.happened[fault.kind] += 1
                self.sprung[fault.spring] += 1
                if fault.kind is Kind.POINT_ZOMBIE:
                    self._after(fault.seconds, lambda process=process: process.send(signal.SIGCONT))  # type: ignore[misc]
            if name not in self._armed and (waiting := [one for one in self._waiting if one.target == name]):
                self._arm(waiting[0])
        self.follower.read()

    def _at(self, when: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._due, (when, next(self._count), what))

    def _after(self, seconds: float, what: Callable[[], object]) -> None:
        self._at(monotonic() + seconds, what)

    def _break(self, fault: Fault) -> None:
        """Break one thing; it counts as soon as it is known that something was hit."""
        match fault.kind:
            case Kind.POINT_KILL | Kind.POINT_ZOMBIE:
                self._waiting.append(fault)
            case Kind.SERVICE:
                self._misbehave(fault.target)
            case Kind.LEADERS:
                self._movers.append(threading.Thread(target=self._move_leaders, name="leaders"))
                self._movers[-1].start()
            case Kind.BROKER_KILL | Kind.BROKER_FREEZE:
                self._break_node(fault)
            case Kind.DISK:
                self._fill_disk(fault)
            case Kind.CLOCK:
                clock = self.processes[fault.target].clock
                clock.set(fault.leap)
                self._after(fault.seconds, lambda: clock.set(0))
                self.happened[fault.kind] += 1  # read within milliseconds, also by who starts meanwhile
            case Kind.CUT | Kind.HOLD:
                self._break_network(fault)
            case _:
                self._break_process(fault)

    def _break_process(self, fault: Fault) -> None:
        process = self.processes[fault.target]
        signals = {Kind.KILL: signal.SIGKILL, Kind.STOP: signal.SIGTERM}
        self.happened[fault.kind] += process.send(signals.get(fault.kind, signal.SIGSTOP))
        if fault.kind in (Kind.FREEZE, Kind.ZOMBIE):
            self._after(fault.seconds, lambda: process.send(signal.SIGCONT))

    def _break_node(self, fault: Fault) -> None:
        node = self.cluster.nodes[fault.target]
        if fault.kind is Kind.BROKER_KILL:
            self.happened[fault.kind] += node.kill()
            self._after(fault.seconds, node.start)
        else:
            self.happened[fault.kind] += node.send(signal.SIGSTOP)
            self._after(fault.seconds, lambda: node.send(signal.SIGCONT))

    def _break_network(self, fault: Fault) -> None:
        before = self.network.met(fault.target)

        def heal() -> None:
            self.network.heal(fault.target)
            self.happened[fault.kind] += self.network.met(fault.target) > before

        (self.network.cut if fault.kind is Kind.CUT else self.network.hold)(fault.target)
        self._after(fault.seconds, heal)

    def _fill_disk(self, fault: Fault) -> None:
        """Fill the disk; that counts if the worker was refused."""
        process, before = self.processes[ON_DISK], self.processes[ON_DISK].said(NO_ROOM)

        def free() -> None:
            self.disk.free()
            self.happened[fault.kind] += process.said(NO_ROOM) > before

        if self.disk.can_be_filled:
            self.disk.fill()
            self._after(fault.seconds, free)

    def _move_leaders(self) -> None:
        if self.cluster.move_leaders():
            self.happened[Kind.LEADERS] += 1  # from a thread, and nobody else counts this kind

    def _misbehave(self, how: str) -> None:
        """Let a service misbehave at its next call; `disarm` says how often there was one."""
        self._told_services += 1
        service, what, *accepted = how.split()
        if service == "mail":
            self.mail.answers.append("451 try again" if what == "451" else what)
        else:
            way = Misbehave(what, accepted=bool(accepted))  # type: ignore[arg-type]
            self.slack.next("chat.postMessage", way)

    def _arm(self, fault: Fault) -> None:
        self._waiting.remove(fault)
        self._armed[fault.target] = fault
        number = signal.SIGKILL if fault.kind is Kind.POINT_KILL else signal.SIGSTOP
        self.processes[fault.target].arm(number, fault.point)

    def until(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Go on until `enough()`, at most `seconds`, and tell whether it is."""
        deadline = monotonic() + seconds
        while not enough():
            if monotonic() > deadline:
                return False
            self.turn()
        return True

    def disarm(self) -> list[Spring]:
        """Break nothing more, and return what was to happen at a point and has not."""
        asleep = [fault.spring for fault in (*self._armed.values(), *self._waiting)]
        self._waiting.clear()
        for process in self.processes.values():
            process.disarm()
        self.until(lambda: not self._due, 2 * STORM_SECONDS)
        self._armed.clear()
        for mover in self._movers:
            mover.join(4 * MOVE_SECONDS)
        unasked = len(self.mail.answers) + len(self.slack.coming["chat.postMessage"])
        self.happened[Kind.SERVICE] += self._told_services - unasked
        return asleep

    def history(self) -> History:
        """Return what came of it."""
        topics, ends = recorder.records(self.cluster.address())
        rooms = {name: number for number, name in self.slack.channels.items()}
        return History(
            lanes=self.said.lanes(),
            topics=topics,
            ends=ends,
            committed=recorder.committed(self.cluster.address()),
            slack={name: list(self.slack.messages[number]) for name, number in rooms.items()},
            mails=[_mail(number, self.mail) for number in range(len(self.mail.mails))],
        )


def _mail(number: int, server: MailServer) -> Mail:
    mail = server.mails[number]
    body = mail.get_body(("plain",))
    text = " ".join(body.get_content().split()) if body else ""
    return Mail(server.recipients[number][0], str(mail["Message-ID"]), any(mark in text for mark in _MARKS))


def play(plan: Plan, folder: Path, tell: Callable[[str], None] = print) -> Outcome:
    """Play a plan and return what the checker says about it."""
    said = world.make(plan.seed, len(plan.storms))
    outcome = Outcome(plan)
    begun = monotonic()
    with ExitStack() as stack:
        run = Run(plan, said, folder, stack)
        tell(f"{monotonic() - begun:.0f} s: the cluster is up" + (MISSING and f"; no disk will be full: {MISSING}"))
        _go(run, outcome, tell)
        outcome.happened, outcome.sprung = run.happened, run.sprung
        _judge(run, outcome, tell)
        outcome.figures["requests"] = sum(sender.attempts for sender in run.senders)
        outcome.figures["processes that ended by themselves"] = sum(one.ended for one in run.processes.values())
    outcome.figures["seconds"] = round(monotonic() - begun, 1)
    return outcome


def _go(run: Run, outcome: Outcome, tell: Callable[[str], None]) -> None:
    """Let all storms pass; after each, what was said before it has to be judged before the next one."""
    everything = expectations(History(run.said.lanes()))
    wanted = [_wanted(run.said, number, everything) for number in range(len(run.plan.storms))]
    for number, storm in enumerate(run.plan.storms):
        for sender in run.senders:
            sender.go()
        run.storm(storm)
        over = monotonic()
        before = set().union(*wanted[:number])
        if waits := _goes_on(run, before):
            for process in run.processes.values():
                process.send(signal.SIGUSR1)
            run.until(lambda: False, 2)
            outcome.complaints.append(("goes on", f"{STALL_SECONDS:.0f} s after storm {number} {waits}"))
            return
        run.stalls.append(monotonic() - over)
        tell(f"storm {number} is over; went on after {run.stalls[-1]:.1f} s; {sum(run.happened.values())} faults")
    outcome.figures["longest standstill after a storm"] = round(max(run.stalls, default=0.0), 1)


def _goes_on(run: Run, wanted: set[tuple[str, str]]) -> str:
    """Wait until all of `wanted` is judged, and everybody told what came of it; return what waits if nothing gets on.

    A slow machine is not a standstill: what counts is the time without any progress, and without anything being killed.
    """
    follower = run.follower
    if left := _until_none(run, lambda: len(wanted - follower.judged)):
        return f"{left} posts wait to be judged"
    alerts = set(follower.alerts)
    if left := _until_none(run, lambda: follower.undelivered(alerts, ROUTES)):
        return f"{left} deliveries wait"
    return ""


def _until_none(run: Run, left: Callable[[], int]) -> int:
    """Wait until nothing is left, as long as it gets less; return what is left."""

    def state() -> tuple[int, int]:
        return left(), -run.sprung.total()

    while (before := state())[0]:
        if not run.until(lambda before=before: state() < before, STALL_SECONDS):  # type: ignore[misc]
            return before[0]
    return 0


def _wait_for(run: Run, judged: set[tuple[str, str]], final: int) -> None:
    """Wait until all of `judged` is, and so many deliveries are over, or nothing gets on any more."""
    _until_none(run, lambda: len(judged - run.follower.judged) + max(0, final - len(run.follower.final)))


def _wanted(said: world.World, number: int, everything: Iterable[str]) -> set[tuple[str, str]]:
    """Return the (watch, mention) that follow from one round."""
    posts = [one for lane in said.rounds[number] for request in lane for one in request]
    return {(word, one.key) for one in posts for word in everything if word in one.text.split()}


def _judge(run: Run, outcome: Outcome, tell: Callable[[str], None]) -> None:
    """Say farewell, wait until all is done, and check; then once more after a while, for what comes late."""
    outcome.asleep = run.disarm()
    for sender in run.senders:
        sender.go()
    expected = expectations(History(run.said.lanes()))
    judged = {(one.watch, said.key) for one in expected.values() for said in one.posts}
    alerts = sum(len(one.alerts) for one in expected.values())
    _wait_for(run, judged, ROUTES * alerts)
    history = _settled(run, 30)
    if not outcome.complaints and not check(history):
        run.until(lambda: False, 2 * SESSION)
        history = _settled(run, 10)
    outcome.complaints += check(history)
    with (run.folder / "history.pickle").open("wb") as file:
        pickle.dump(history, file)
    tell(f"checked: {len(outcome.complaints)} complaints")
    outcome.figures |= _figures(history, len(judged), alerts)


def _settled(run: Run, seconds: float) -> History:
    """Return what came of it once nothing is wrong with it, else after so many seconds.

    Ticks never end, and what was written a moment ago is not committed yet. What is lost or doubled stays so.
    """
    deadline = monotonic() + seconds
    history = run.history()
    while check(history) and monotonic() < deadline:
        run.until(lambda: False, 2)
        history = run.history()
    return history


def _figures(history: History, matches: int, alerts: int) -> dict[str, float]:
    topics = {name: len(found) for name, found in history.topics.items()}
    return {
        "posts": sum(len(lane) for lane in history.lanes),
        "matches": matches,
        "receipts": topics.get("earshot.receipts", 0),
        "revisions": alerts,
        "alert records": topics.get("earshot.alerts", 0),
        "Slack messages": sum(len(found) for found in history.slack.values()),
        "mails": len(history.mails),
        "mails marked as a possible repeat": sum(mail.marked for mail in history.mails),
        "dead records": topics.get("earshot.dead", 0),
    }
