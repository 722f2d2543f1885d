"""Buttons below a Slack message: what they are, what pressing one tells judge, and how the message looks afterwards.

Only values: `pressed` reads the alerts and writes what is decided here. Whoever presses is the author of the record,
and the moment that Slack says it was pressed is its time: a press that Slack delivers twice is the very same record.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, Final

from agents.alert.figures import NAME_LIMIT
from agents.alert.letter import environment
from agents.alert.localize import Localizer, cut, one_line
from agents.control import about_alert
from pipeline.incidents.life import NAMELESS
from schemas.alert import Alert, AlertReason
from schemas.control import Acknowledge, Feedback, Silence, Taken
from schemas.incident import Incident, IncidentState
from schemas.matcher import LABELS, Matcher
from schemas.model import Record
from schemas.severity import SEVERITIES

Block = dict[str, Any]
SILENT = timedelta(hours=1)
"""For how long the button silences."""
_BUTTONS, _SAID = "earshot-buttons", "earshot-said-"
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_VALUE = re.compile(r"(?P<language>de|en) (?P<alert>(?P<incident>\S{1,200})\.\d{1,9})")


class Button(StrEnum):
    """What can be pressed; the values are what Slack sends back, and the metric label."""

    ACKNOWLEDGE = "acknowledge"
    USEFUL = "useful"
    NOISE = "noise"
    SILENCE = "silence"

    @property
    def place(self) -> str:
        """Where it is said what was pressed: useful and noise take each other's place."""
        return "worth" if self in (Button.USEFUL, Button.NOISE) else self.value


class Answer(StrEnum):
    """What becomes of a press; metric label, log field and test row alike."""

    DONE = "done"
    """Judge is told."""
    UNKNOWN = "unknown"
    """No such message is kept any more, or it was never ours."""
    OVER = "over"
    """The incident is over, so that nobody can take it and there is nothing to silence."""
    FAILED = "failed"
    """The broker did not take it, or nobody knows whether it did: press again, it is the same for judge."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody has pressed: `user` is Slack's id, `by` the name he goes by; `alert` as the message says.

    `channel` and `message` are where the message stands (its `ts`), `thread` is what it answers to, if it does.
    """

    button: Button
    language: str
    alert: str
    incident: str
    user: str
    by: str
    at: datetime
    channel: str
    message: str
    thread: str
    text: str
    blocks: tuple[Block, ...]


def buttons(alert: Alert, language: str) -> list[Block]:
    """Return the block of buttons below a message, or none where there is nothing to press.

    Of an incident that is over, people can still say what hearing of it was worth.
    """
    if alert.reason.a_notice or alert.reason is AlertReason.WITHDRAWN:
        return []
    words = _words(language)
    found = [Button.USEFUL, Button.NOISE]
    if alert.incident.resolved is None:
        taken = alert.incident.state is IncidentState.ACKNOWLEDGED
        silence = [Button.SILENCE] if _can_be_silenced(alert) else []
        found = [*([] if taken else [Button.ACKNOWLEDGE]), *found, *silence]
    elements = [
        _button(button, words, f"{language} {alert.id}")
        | ({"confirm": _confirm(words, alert)} if button is Button.SILENCE else {})
        for button in found
    ]
    return [{"type": "actions", "block_id": _BUTTONS, "elements": elements}]


def _button(button: Button, words: Any, value: str) -> Block:
    named = {"action_id": f"earshot-{button}", "value": value, "text": _plain(_said(words, f"button_{button}"))}
    return {"type": "button", **named, **({"style": "primary"} if button is Button.ACKNOWLEDGE else {})}


def _can_be_silenced(alert: Alert) -> bool:
    """Tell whether a silence can name what the incident is about, and so mutes nothing else.

    Silences know no site and no hashtag; an author whose name may not be kept is shown as his platform, or not at all.
    """
    group = alert.incident.group or {}
    named = group.get("author") not in {NAMELESS, *alert.platforms}
    return alert.incident.others is None and named and group.keys() <= set(LABELS)


def _confirm(words: Any, alert: Alert) -> Block:
    names = ("title", "text", "confirm", "deny")
    about = SimpleNamespace(watch=cut(alert.watch, NAME_LIMIT))
    return {name: _plain(_said(words, f"silence_{name}", about)) for name in names}


def read(payload: Mapping[str, Any]) -> Press | None:
    """Return what was pressed; None for what is none of our buttons, or not as Slack sends it."""
    try:
        action, user, container = payload["actions"][0], payload["user"], payload["container"]
        button, value = Button(str(action["action_id"]).removeprefix("earshot-")), str(action["value"])
        at = datetime.fromtimestamp(float(action["action_ts"]), UTC)
        message = payload["message"]
        channel, ts = str(container["channel_id"]), str(container["message_ts"])
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, OSError):
        return None
    known, who = _VALUE.fullmatch(value), str(user.get("id", ""))
    if action.get("block_id") != _BUTTONS or known is None or not _USER.fullmatch(who):
        return None
    name = cut(str(user.get("username") or user.get("name") or who), NAME_LIMIT)
    about = {"channel": channel, "message": ts, "thread": str(message.get("thread_ts") or "")}
    return Press(
        button=button, at=at, user=who, by=name, **known.groupdict(), **about,
        text=str(message.get("text", "")), blocks=tuple(message.get("blocks", ())),
    )  # fmt: skip


def decide(press: Press, history: Sequence[Alert]) -> tuple[Answer, Record | None]:
    """Return what becomes of a press, and what judge is told; `history` is all that was told of the incident."""
    alert = next((one for one in history if one.id == press.alert), None)
    if alert is None:
        return Answer.UNKNOWN, None
    latest = max(history, key=lambda one: one.incident.revision)
    if press.button.place != "worth" and latest.incident.resolved is not None:
        return Answer.OVER, None
    match press.button:
        case Button.ACKNOWLEDGE:
            return Answer.DONE, Acknowledge(watch=alert.watch, incident=press.incident, at=press.at, by=press.by)
        case Button.SILENCE:
            return Answer.DONE, _silence(press, latest)
        case Button.USEFUL | Button.NOISE:
            return Answer.DONE, _feedback(press, alert)


def _feedback(press: Press, alert: Alert) -> Feedback:
    return about_alert(alert, press.by, press.at, useful=press.button is Button.USEFUL)


def _silence(press: Press, alert: Alert) -> Silence:
    """Return the silence of what is about the same and at most as grave: what is worse comes through."""
    parts = [press.channel, press.message, press.user, press.at.isoformat()]
    return Silence(
        watch=alert.watch,
        at=press.at,
        begins=press.at,
        until=press.at + SILENT,
        by=press.by,
        reason=_said(_words(press.language), "silence_reason", SimpleNamespace(incident=press.incident)),
        id=sha256("\n".join(parts).encode()).hexdigest()[:8],
        matchers=tuple(_matchers(alert.incident)),
    )


def _matchers(incident: Incident) -> list[Matcher]:
    """Return what the silence goes by; none where it is the whole watch, of which a crisis is the gravest there is."""
    graver = SEVERITIES[SEVERITIES.index(incident.severity) + 1 :]
    group = incident.group or {}
    found: list[dict[str, Any]] = [{"label": label, "values": (value,)} for label, value in group.items()]
    if graver:
        found.append({"label": "severity", "values": graver, "negated": True})
    return [Matcher.model_validate(one) for one in found]


def shown(press: Press, blocks: Sequence[Block]) -> list[Block]:
    """Return the message's blocks after a press that is done: who did what, above the buttons that are left."""
    line = f"{_SAID}{press.button.place}"
    kept = [_left(block, press.button) for block in blocks if not _is_said(block, press.button)]
    left = [block for block in kept if block is not None]
    name = f"{line}-{_instant(press.at)}" if press.button is Button.ACKNOWLEDGE else line
    return _with_line(left, name, _sentence(press, f"done_{press.button}"))


def marked(blocks: Sequence[Block], taken: Taken, language: str) -> list[Block]:
    """Return a message's blocks with who has taken the incident, or given it back.

    They stay the same where they say that, or later news of it. A message that is not there has none, and gets none.
    """
    line = f"{_SAID}{Button.ACKNOWLEDGE.place}"
    known = next((str(block["block_id"]) for block in blocks if _is_said(block, Button.ACKNOWLEDGE)), "")
    since = known.removeprefix(line).removeprefix("-")
    if not blocks or (since.isdecimal() and int(since) >= _instant(taken.at)):
        return list(blocks)
    kept = [_with_taking(one, language, wanted=taken.released) for one in blocks if str(one.get("block_id")) != known]
    local = Localizer(language)
    who = cut(taken.by, NAME_LIMIT).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    about = SimpleNamespace(who=who, at=local.when(taken.at, taken.at))
    said = _said(_words(language), "done_release" if taken.released else "done_acknowledge", about)
    return _with_line([one for one in kept if one is not None], f"{line}-{_instant(taken.at)}", said)


def _with_taking(block: Block, language: str, *, wanted: bool) -> Block | None:
    """Return a block with the button to take the incident if that is `wanted`, else without; None if none is left."""
    if block.get("block_id") != _BUTTONS or not wanted:
        return _left(block, Button.ACKNOWLEDGE)
    others = [one for one in block["elements"] if one.get("action_id") != f"earshot-{Button.ACKNOWLEDGE}"]
    return {**block, "elements": [_button(Button.ACKNOWLEDGE, _words(language), others[0]["value"]), *others]}


def _instant(at: datetime) -> int:
    """Return a time in milliseconds: what stands in a message is told by it from what is later."""
    return int(at.timestamp() * 1000)


def _is_said(block: Block, button: Button) -> bool:
    """Tell whether a block is the line that says that something in the place of `button` was done."""
    name, line = str(block.get("block_id", "")), f"{_SAID}{button.place}"
    return name == line or name.startswith(f"{line}-")


def _with_line(blocks: Sequence[Block], name: str, text: str) -> list[Block]:
    """Return the blocks with a line above the buttons that are left."""
    at = next((n for n, block in enumerate(blocks) if block.get("block_id") == _BUTTONS), len(blocks))
    said: Block = {"type": "mrkdwn", "text": text, "verbatim": True}
    return [*blocks[:at], {"type": "context", "block_id": name, "elements": [said]}, *blocks[at:]]


def _left(block: Block, pressed: Button) -> Block | None:
    """Return a block without the button that nobody needs to press again; None where it was the last one."""
    once = {f"earshot-{one}" for one in (Button.ACKNOWLEDGE, Button.SILENCE) if one is pressed}
    if block.get("block_id") != _BUTTONS:
        return block
    elements = [one for one in block["elements"] if one.get("action_id") not in once]
    return {**block, "elements": elements} if elements else None


def reply(press: Press, answer: Answer, history: Sequence[Alert] = ()) -> str:
    """Return what the one who pressed is told where it did not do what he wanted."""
    latest = max(history, key=lambda one: one.incident.revision, default=None)
    over = latest.incident.resolved if latest else None
    return _sentence(press, f"reply_{answer}", over)


def _sentence(press: Press, name: str, over: datetime | None = None) -> str:
    local = Localizer(press.language)
    about = SimpleNamespace(
        who=f"<@{press.user}>",
        incident=cut(press.incident, NAME_LIMIT).replace("&", "&amp;").replace("<", "&lt;"),
        at=local.when(press.at, press.at),
        until=local.when(press.at + SILENT, press.at),
        over=local.when(over, press.at) if over else "",
    )
    return _said(_words(press.language), name, about)


_WORDS: Final = {language: f"{language}.j2" for language in ("de", "en")}


def _words(language: str) -> Any:
    return environment.get_template(_WORDS[language]).make_module({"a": None})


def _said(words: Any, name: str, about: SimpleNamespace | None = None) -> str:
    macro = getattr(words, name)
    return one_line(str(macro(about) if about else macro()))


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}
