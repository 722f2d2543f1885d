"""What stands in a line of the log, and what never does."""

import asyncio
import json
import logging
from collections.abc import Iterator
from threading import Event, Lock, Thread
from typing import Any

import pytest
import structlog
from aiohttp import web

from agents.logs import _NotAgain, configure
from schemas.settings import load_settings


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_a_json_line_names_the_process_and_hides_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log="json"), "ingest")
    structlog.get_logger("here").warning("again", slack_token="xoxb-1", reason="x" * 600, count=3)
    line = json.loads(capfd.readouterr().err)
    assert (line["process"], line["logger"], line["level"], line["event"]) == ("ingest", "here", "warning", "again")
    assert (line["slack_token"], line["count"]) == ("***", 3)
    assert line["reason"] == "x" * 500 + "… (600 characters)"


def test_libraries_log_in_the_same_form_and_only_what_matters(capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log="json", log_level="info"), "worker")
    logging.getLogger("kafka.client").info("noise")
    logging.getLogger("kafka.client").warning("gone: %s", "1")
    logging.getLogger("other").debug("detail")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["event"], line["process"]) for line in lines] == [("gone: 1", "worker")]


async def test_what_is_no_http_is_one_line_that_repeats_none_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log="json"), "ingest")
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: xoxb-1\0\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await runner.cleanup()
    [line] = map(json.loads, capfd.readouterr().err.splitlines())
    assert (line["level"], line["event"]) == ("warning", "what 127.0.0.1 sent is no HTTP request")
    assert "xoxb" not in json.dumps(line)


def test_a_client_that_we_have_closed_ourselves_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log="json"), "deliver")
    for why in ("Cancelled", "NodeNotReadyError"):
        logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", why)
    found = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert found == ["Metadata refresh: failed NodeNotReadyError"]


def test_a_broker_that_is_away_is_said_once_and_not_with_each_attempt(capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log="json"), "ingest")
    said = "FAIL [rdkafka#{}] [thrd:k:9092/1]: Connect to {} failed: Connection refused (after {}ms in state CONNECT)"
    for number in range(50):
        logging.getLogger("librdkafka").error(said.format(f"producer-{1 + number % 2}", "10.0.0.1:9092", number))
    logging.getLogger("librdkafka").error(said.format("producer-1", "10.0.0.2:9092", 0))
    for _ in range(2):
        logging.getLogger("elsewhere").error("again")
    found = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert [event.split(" failed")[0].split("to ")[-1] for event in found] == [
        "10.0.0.1:9092", "10.0.0.2:9092", "again", "again"
    ]  # fmt: skip


class _Said(dict[tuple[str, str], float]):
    """What was said, which whoever looks at it first does not get before the other one has got somewhere."""

    def __init__(self, inside: Event, moved: Event) -> None:
        super().__init__()
        self._inside, self._moved = inside, moved

    def items(self) -> Any:
        found = list(super().items())
        if not self._inside.is_set():
            self._inside.set()
            assert self._moved.wait(60), "the other one neither waits nor gets through"
        return found


class _Lock:
    """A lock that tells when somebody has to wait for it."""

    def __init__(self, moved: Event) -> None:
        self._lock, self._moved = Lock(), moved

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._moved.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_two_threads_that_say_the_same_at_once_say_it_once() -> None:
    once, inside, moved = _NotAgain(), Event(), Event()
    once._said = _Said(inside, moved)
    once._lock = _Lock(moved)  # type: ignore[assignment]
    text = "FAIL [rdkafka#producer-1] [thrd:k:9092/1]: Connect failed: Connection refused"
    record = logging.LogRecord("librdkafka", logging.ERROR, "", 0, text, (), None)
    news: list[bool] = []

    def say() -> None:
        news.append(once.filter(record))
        if inside.is_set():
            moved.set()

    first = Thread(target=say)
    first.start()
    assert inside.wait(60)
    second = Thread(target=say)
    second.start()
    for thread in (first, second):
        thread.join(60)
    assert sorted(news) == [False, True]


def test_people_get_text_with_the_error_below(capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log="console"), "deliver")
    structlog.get_logger("x").error("broke", exc_info=RuntimeError("torn"))
    said = capfd.readouterr().err
    assert "broke" in said
    assert "RuntimeError: torn" in said
    assert "process=deliver" in said


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_variables(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    configure(load_settings(log=form), "worker")
    try:
        post_text = "secret of a post"
        raise RuntimeError("torn") if post_text else AssertionError
    except RuntimeError:
        structlog.get_logger("x").exception("broke")
    said = capfd.readouterr().err
    assert "RuntimeError: torn" in said
    assert "secret of a post" not in said.replace('post_text = "secret of a post"', "")
