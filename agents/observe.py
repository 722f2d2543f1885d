"""What a process tells about itself: the metric catalogue bound to Prometheus, and whether it lives and is ready.

Every long-running process makes one `Status`, calls `serve` once, and keeps the status true. Metrics are asked for by
their entry in `schemas/metrics.py`: `counter(EVENTS_READ).labels("x").inc()`. Asking twice gives the same object.
"""

import faulthandler
import os
import sys
import threading
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep

import structlog
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from agents.listening import cannot_listen
from schemas.metrics import CATALOGUE, Kind, Metric
from schemas.settings import Settings

# a second series for every counter, which no query of ours reads
disable_created_metrics()  # type: ignore[no-untyped-call]

LEAST_SECONDS = 5.0
"""For so long a process may stand still, or take to end, because its machine has other things to do."""
_log = structlog.get_logger("observe")


@cache
def metric(wanted: Metric) -> Counter | Gauge | Histogram:
    """Return the Prometheus object of a catalogue entry.

    Raises:
        ValueError: it is not in the catalogue, and nobody would know what it means.
    """
    if wanted not in CATALOGUE:
        raise ValueError(f"{wanted.name} is not in the catalogue (schemas/metrics.py)")
    match wanted.kind:
        case Kind.COUNTER:
            return Counter(wanted.name, wanted.meaning, wanted.labels)
        case Kind.GAUGE:
            return Gauge(wanted.name, wanted.meaning, wanted.labels)
        case Kind.HISTOGRAM:
            return Histogram(wanted.name, wanted.meaning, wanted.labels, buckets=wanted.buckets)


def counter(wanted: Metric) -> Counter:
    """Return the counter of a catalogue entry."""
    found = metric(wanted)
    assert isinstance(found, Counter), f"{wanted.name} is a {wanted.kind}"
    return found


def gauge(wanted: Metric) -> Gauge:
    """Return the gauge of a catalogue entry."""
    found = metric(wanted)
    assert isinstance(found, Gauge), f"{wanted.name} is a {wanted.kind}"
    return found


def histogram(wanted: Metric) -> Histogram:
    """Return the histogram of a catalogue entry."""
    found = metric(wanted)
    assert isinstance(found, Histogram), f"{wanted.name} is a {wanted.kind}"
    return found


class Status:
    """Whether a process lives and is ready, as facts with reasons; every method may be called from any thread.

    `needs` are the facts that must be true before the process is ready; each is untrue until `ready` says otherwise.
    The process counts as dead once `failed` was called, while it is `stuck`, or when `alive` was called before but not
    for `stale_after` seconds: then its main loop hangs and only a restart helps. Waiting for a broker is not death.
    """

    def __init__(self, needs: Iterable[str] = (), stale_after: float = 60.0) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = dict.fromkeys(needs, "has not started yet")
        self._stale_after = stale_after
        self._beat: float | None = None
        self._failure = ""
        self._stuck = ""
        self._remarks: dict[str, str] = {}

    def ready(self, fact: str) -> None:
        """Say that `fact` (such as `broker`) is true."""
        with self._lock:
            self._reasons.pop(fact, None)

    def unready(self, fact: str, reason: str) -> None:
        """Say that `fact` is not true, and why, in one line without secrets."""
        with self._lock:
            self._reasons[fact] = " ".join(reason.split())

    def holds(self, fact: str) -> bool:
        """Tell whether `fact` is true."""
        with self._lock:
            return fact not in self._reasons

    def stuck(self, reason: str) -> None:
        """Say what has work to do and gets nowhere; an empty `reason` says that everything gets on."""
        with self._lock:
            self._stuck = " ".join(reason.split())

    def remark(self, about: str, text: str) -> None:
        """Say in `/healthz` and `/readyz` what people should know though the work goes on; an empty `text` ends it."""
        with self._lock:
            self._remarks[about] = " ".join(text.split())

    def remarks(self) -> str:
        """Return what was remarked, in one line, or nothing."""
        with self._lock:
            return "; ".join(text for text in self._remarks.values() if text)

    def alive(self) -> None:
        """Say that the main loop still turns."""
        with self._lock:
            self._beat = monotonic()

    def failed(self, reason: str) -> None:
        """Say that only a restart can help."""
        with self._lock:
            self._failure = " ".join(reason.split())

    def not_alive(self) -> str:
        """Return why the process should be restarted, or nothing."""
        with self._lock:
            if self._failure or self._stuck:
                return self._failure or self._stuck
            silent = monotonic() - self._beat if self._beat is not None else 0.0
            return f"the main loop has not turned for {silent:.0f} s" if silent > self._stale_after else ""

    def not_ready(self) -> str:
        """Return why no work should be expected now, all reasons in one line, or nothing."""
        if dead := self.not_alive():
            return dead
        with self._lock:
            return "; ".join(f"{fact}: {reason}" for fact, reason in sorted(self._reasons.items()))


class _Handler(BaseHTTPRequestHandler):
    """Answers GET on the three paths; whoever opens a connection and says nothing is cut off after `timeout`."""

    timeout = 10
    server: "StatusServer"

    def do_GET(self) -> None:
        """Answer one request."""
        match self.path.partition("?")[0]:
            case "/metrics":
                encode, kind = choose_encoder(self.headers.get("Accept", ""))
                self._answer(HTTPStatus.OK, encode(REGISTRY), kind)
            case "/healthz":
                self._say(self.server.status.not_alive())
            case "/readyz":
                self._say(self.server.status.not_ready())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"ask for /metrics, /healthz or /readyz\n")

    def _say(self, reason: str) -> None:
        status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
        said = reason or "; ".join(filter(None, ("ok", self.server.status.remarks())))
        self._answer(status, f"{said}\n".encode())

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: a probe every few seconds is not news."""


class StatusServer(ThreadingHTTPServer):
    """The server of /metrics, /healthz and /readyz in a thread of its own; `port` is where it listens."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], status: Status) -> None:
        super().__init__(address, _Handler)
        self.status = status
        self.port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="observe", daemon=True)
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base class's names
        """Pass over a prober that hung up before it was answered; log anything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            _log.warning("a probe could not be answered", exc_info=True)

    def close(self) -> None:
        """Stop serving; the port is free afterwards."""
        self.shutdown()
        self._thread.join()
        self.server_close()


def end_when_dead(status: Status, patience: float) -> None:
    """From now on, end this process with exit code 1 once it has not been alive for `patience` seconds on end.

    Containers restart what ends, not what says that it is not well. It ends as by kill -9, from a thread of its own:
    whatever hangs cannot hold it up, and nothing that was not written is acknowledged. Where not even that thread runs
    for twice the patience, a timer beside the interpreter ends the process in the same way: compiled code (a regular
    expression that backtracks, a library that waits) may let no other thread run, nor answer `/healthz`. In both cases
    stderr has first where every thread stands.
    """

    def watch() -> None:
        since: float | None = None
        while True:
            faulthandler.dump_traceback_later(max(2 * patience, LEAST_SECONDS), exit=True)
            sleep(min(1.0, patience / 4))
            reason, now = status.not_alive(), monotonic()
            since = None if not reason else now if since is None else since
            if since is not None and now - since > patience:
                faulthandler.dump_traceback()
                _log.critical("failed", reason=reason)
                os._exit(1)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()


def serve(settings: Settings, status: Status) -> StatusServer:
    """Serve metrics and status on the settings' host and metrics port, and log where.

    Raises:
        ConfigError: the port is taken or the host is not ours.
    """
    try:
        server = StatusServer((settings.host, settings.metrics_port), status)
    except OSError as error:
        hint = "choose a free port, or 0 to have one chosen"
        raise cannot_listen(
            settings.host, settings.metrics_port, error, variable="EARSHOT_METRICS_PORT", hint=hint
        ) from error
    _log.info("metrics are served", host=settings.host, port=server.port)
    return server
