"""What a press does: the alert is looked up, judge is told in its log, and the message says who did what; blocks.

Judge is told first. A press that Slack delivers again, or that is repeated because nobody knows whether it arrived,
writes the same record with the same time, which changes nothing, and brings the message into the same state.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from kafka.errors import KafkaError

from agents.alert.buttons import Answer, Press, decide, read, reply, shown
from agents.alert.channels.slack import call
from agents.control import history, write
from agents.kafka import NoBroker
from agents.observe import counter
from schemas.alert import Alert
from schemas.errors import DeliveryError, SourceError
from schemas.metrics import BUTTONS
from schemas.settings import Settings

_log = structlog.get_logger("buttons")


def take(settings: Settings, payload: Mapping[str, Any]) -> Answer | None:
    """Do what the button is for and return what became of it; None where it was none of ours."""
    press = read(payload)
    if press is None:
        _log.info("what was pressed is no button of ours")
        return None
    answer, told = _tell_judge(settings, press)
    counter(BUTTONS).labels(press.button, answer).inc()
    _log.info("a button was pressed", button=press.button.value, incident=press.incident, outcome=answer.value)
    try:
        if answer is Answer.DONE:
            _show(settings, press)
        else:
            _answer(settings, press, reply(press, answer, told))
    except DeliveryError as error:
        # what was pressed counts all the same; Slack only does not say so
        _log.warning("Slack does not show what was pressed", incident=press.incident, reason=str(error))
    return answer


def _tell_judge(settings: Settings, press: Press) -> tuple[Answer, Sequence[Alert]]:
    """Return what became of it, and what people were told of the incident before."""
    try:
        told = history(settings, press.incident)
        answer, record = decide(press, told)
        if record is not None:
            write(settings, told[0].watch, record)
    except (KafkaError, NoBroker, SourceError) as error:
        _log.warning("judge was not told of a button", incident=press.incident, reason=type(error).__name__)
        return Answer.FAILED, ()
    return answer, told


def _show(settings: Settings, press: Press) -> None:
    blocks = shown(press, _as_it_stands(settings, press))
    call(settings, "chat.update", channel=press.channel, ts=press.message, text=press.text, blocks=blocks)


def _as_it_stands(settings: Settings, press: Press) -> Sequence[dict[str, Any]]:
    """Return the message's blocks as they are by now: two may press at once, and the incident goes on.

    Where we may not ask (channels:history is missing), as they were when it was pressed.
    """
    asked = {"channel": press.channel, "oldest": press.message, "latest": press.message, "inclusive": True, "limit": 1}
    try:
        found = call(settings, "conversations.history", **asked).get("messages", [])
    except DeliveryError:
        return press.blocks
    return next((one["blocks"] for one in found if one.get("ts") == press.message and one.get("blocks")), press.blocks)


def _answer(settings: Settings, press: Press, text: str) -> None:
    """Tell the one who pressed, and nobody else."""
    thread = {"thread_ts": press.thread} if press.thread else {}
    call(settings, "chat.postEphemeral", channel=press.channel, user=press.user, text=text, **thread)
