"""Metrics, health and readiness over real HTTP."""

import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from prometheus_client import Counter, Gauge, Histogram

from agents import observe
from agents.observe import Status, StatusServer, counter, gauge, metric, serve
from schemas.errors import ConfigError
from schemas.metrics import CATALOGUE, EVENTS_READ, LAG, Kind, Metric
from schemas.settings import load_settings


@pytest.fixture
def server() -> Iterator[StatusServer]:
    server = serve(load_settings(metrics_port=0), Status(("broker", "watches")))
    yield server
    server.close()


def get(server: StatusServer, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_readiness_follows_the_facts_and_says_why_in_one_line(server: StatusServer) -> None:
    assert get(server, "/readyz") == (503, "broker: has not started yet; watches: has not started yet\n")
    server.status.ready("watches")
    server.status.unready("broker", "no answer\nfor 5 s")
    assert get(server, "/readyz") == (503, "broker: no answer for 5 s\n")
    assert get(server, "/healthz") == (200, "ok\n"), "a process that waits for its broker is alive"
    server.status.ready("broker")
    assert get(server, "/readyz") == (200, "ok\n")


def test_what_people_should_know_is_said_though_all_is_well(server: StatusServer) -> None:
    server.status.remark("clock", "the clock\nhas leapt")
    assert get(server, "/healthz") == (200, "ok; the clock has leapt\n")
    server.status.remark("clock", "")
    assert get(server, "/healthz") == (200, "ok\n")


def test_a_hanging_main_loop_is_death(server: StatusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(observe, "monotonic", lambda: now)
    server.status.ready("broker")
    server.status.ready("watches")
    server.status.alive()
    now = 1061.0
    assert get(server, "/healthz") == (503, "the main loop has not turned for 61 s\n")
    assert get(server, "/readyz")[0] == 503
    server.status.alive()
    assert get(server, "/readyz") == (200, "ok\n")
    server.status.failed("the state\nis lost")
    assert get(server, "/healthz") == (503, "the state is lost\n")


def test_metrics_are_served_by_their_names(server: StatusServer) -> None:
    counter(EVENTS_READ).labels("observe-test").inc(3)
    gauge(LAG).labels("g", "t", "0").set(7)
    status, text = get(server, "/metrics")
    assert status == 200
    assert 'earshot_events_read_total{platform="observe-test"} 3.0' in text
    assert 'earshot_consumer_lag{group="g",partition="0",topic="t"} 7.0' in text
    assert "_created" not in text
    assert get(server, "/else")[0] == 404


@pytest.mark.parametrize("wanted", CATALOGUE, ids=lambda wanted: wanted.name)
def test_every_entry_of_the_catalogue_can_be_had(wanted: Metric) -> None:
    kinds = {Kind.COUNTER: Counter, Kind.GAUGE: Gauge, Kind.HISTOGRAM: Histogram}
    assert isinstance(metric(wanted), kinds[wanted.kind])
    assert metric(wanted) is metric(wanted)


def test_what_is_not_in_the_catalogue_cannot_be_had() -> None:
    with pytest.raises(ValueError, match="earshot_else is not in the catalogue"):
        metric(Metric("earshot_else", Kind.COUNTER, "Unknown."))


def test_a_taken_port_is_one_clear_error(server: StatusServer) -> None:
    with pytest.raises(ConfigError, match=rf"EARSHOT_METRICS_PORT: cannot listen on 127.0.0.1:{server.port} \("):
        serve(load_settings(metrics_port=server.port), Status())


@pytest.mark.parametrize("host", ["300.1.1.1", "203.0.113.7"], ids=["no address", "an address of another machine"])
def test_a_host_that_is_not_ours_is_no_matter_of_the_port(host: str) -> None:
    with pytest.raises(ConfigError, match=r"EARSHOT_HOST: cannot listen on .* \(name an address of this machine"):
        serve(load_settings(host=host), Status())


def test_a_process_that_is_stuck_says_where_until_it_gets_on(server: StatusServer) -> None:
    server.status.stuck("earshot-judge on earshot.mentions/3 has work\nand has got nowhere for 121 s")
    told = "earshot-judge on earshot.mentions/3 has work and has got nowhere for 121 s\n"
    assert get(server, "/healthz") == (503, told)
    server.status.stuck("")
    assert get(server, "/healthz") == (200, "ok\n")


HANGING = """
from time import sleep
from agents.observe import Status, end_when_dead
status = Status()
end_when_dead(status, 0.2)
{told}
sleep({seconds})
"""


@pytest.mark.parametrize(
    ("told", "seconds", "code", "sentence"),
    [
        ("status.stuck('judge')", 60, 1, "whatever the main thread waits for"),
        ("status.stuck('judge'); sleep(0.05); status.stuck('')", 0.6, 0, "it got on again in time"),
        ("status.unready('broker', 'away')", 0.6, 0, "not ready is not dead"),
        ("import re; re.fullmatch('(a+)+b', 64 * 'a')", 0, 1, "compiled code that lets no other thread run"),
    ],
)
def test_a_process_that_stays_stuck_ends_by_itself(told: str, seconds: float, code: int, sentence: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", HANGING.format(told=told, seconds=seconds)], capture_output=True, timeout=30, check=False
    )
    assert process.returncode == code, sentence
