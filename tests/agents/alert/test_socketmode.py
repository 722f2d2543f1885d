"""Hearing of buttons goes on, whatever happens to the socket."""

from threading import Event
from typing import Any

import pytest

from agents.alert import socketmode
from agents.alert.socketmode import hearing_buttons
from schemas.settings import load_settings


def test_what_nobody_thought_of_ends_an_attempt_and_not_the_hearing(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, again = list[None](), Event()

    async def connected(*_: Any) -> bool:
        attempts.append(None)
        if len(attempts) == 1:
            raise RuntimeError("nobody thought of it")
        again.set()
        return False

    monkeypatch.setattr(socketmode, "_connected", connected)
    monkeypatch.setattr(socketmode, "FIRST_PAUSE", 0.05)
    with hearing_buttons(load_settings(SLACK_BOT_TOKEN="xoxb-test", SLACK_APP_TOKEN="xapp-test")):
        assert again.wait(60), "it is tried again"
