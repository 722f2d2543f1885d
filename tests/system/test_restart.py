"""A container whose process stands still is started again by the engine, and does what it had left."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import URLError

import pytest

from tests.system.engine import until
from tests.system.stack import OTHER, Stack
from tests.system.test_compose import post, slack_messages

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]

# that all three processes end by themselves is in tests/broker/test_stuck.py; here is what the engine makes of it
PLACES = [
    ("deliver", "agents.alert.delivery:make", "holds", "compiled code lets nothing else in delivery run"),
    ("worker", "pipeline.stream.judge:Judge.process", "waits", "judge waits for what never comes"),
]


@contextmanager
def hanging(running: Stack, service: str, place: str, how: str) -> Iterator[None]:
    """Have `service` run so that it stands still once, and as it is shipped afterwards."""
    files = ("-f", "docker-compose.yml", "-f", "tests/system/slack.yml", "-f", "tests/system/hanging.yml")
    environment = running.environment | {"HANGS_AT": place, "HANGS_HOW": how}
    command = (running.engine.compose_binary, "-p", "earshot-test", *files)
    up = ("up", "--detach", "--no-build", "--pull", "never", "--no-deps")
    try:
        running.engine.run(*command, *up, service, environment=environment)
        until(running.healthy, 120, f"{service} is healthy before it hangs")
        yield
    finally:
        running.compose("rm", "--stop", "--force", service)
        running.engine.docker("volume", "rm", "earshot-test_hung", check=False)
        running.compose(*up, service)
        until(running.healthy, 120, f"{service} runs as it is shipped")


@pytest.mark.parametrize(("service", "place", "how", "sentence"), PLACES, ids=[row[3] for row in PLACES])
def test_who_stands_still_is_started_again_and_nothing_is_lost(
    running: Stack, service: str, place: str, how: str, sentence: str
) -> None:
    posts = [post(number, f"{OTHER}, {service}, {how}, Nummer {number}: {number**3}") for number in range(40)]
    told = len(slack_messages(running))
    with hanging(running, service, place, how):
        until(lambda: accepted(running, posts), 120, "the posts are accepted")
        until(lambda: started_again(running, service), 120, f"{service} was started again: {sentence}")
        until(running.healthy, 120, f"{service} is healthy again")
        for one in (posts[0], posts[-1]):
            until(lambda one=one: receipt(running, one), 60, "a receipt")  # type: ignore[misc]
        if service == "deliver":
            until(lambda: len(slack_messages(running)) > told, 60, "what waited is told")
            messages = [json.dumps(message, sort_keys=True) for message in slack_messages(running)]
            assert len(messages) == len(set(messages)), "and told once"


def accepted(running: Stack, posts: list[dict[str, Any]]) -> bool:
    """Send until that is answered: who stands still answers nobody."""
    try:
        return running.post(*posts) == 202
    except (URLError, TimeoutError, ConnectionError):
        return False


def started_again(running: Stack, service: str) -> bool:
    found = running.containers()[service]
    return bool(found["RestartCount"] == 1)


def receipt(running: Stack, sent: dict[str, Any]) -> bool:
    name = f"{sent['platform']}:{sent['id']}"
    said = running.compose("run", "--rm", "--no-deps", "provision", "explain", name, "--json", check=False)
    return bool(said.strip())
