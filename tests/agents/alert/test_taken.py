"""Who has taken an incident elsewhere: which messages come to say so, and how they look then."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from agents.alert.buttons import buttons, marked, read, shown
from agents.alert.channels.slack import Slack
from agents.alert.ledger import Ledger, Pace, begin, settle
from agents.alert.redact import concluded, noted
from agents.alert.render import slack
from schemas.control import Taken
from schemas.delivery import DeliveryState, Sent
from schemas.settings import Settings, load_settings
from tests.agents.alert.samples import AT, MAIL, SLACK, alert, incident, revision
from tests.agents.alert.test_buttons import labels, payload
from tests.servers.slack import SlackServer, slack_server

TOOK = Taken(watch="stadtwerke", incident=alert().incident.id, at=AT, by="Mia <mia@acme.example>")
GAVE = TOOK.model_copy(update={"at": AT + timedelta(minutes=9), "released": True})
MESSAGE = Sent(reference="1.0", place="C0PRESSE")


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as found:
        yield found


@pytest.fixture
def settings(server: SlackServer) -> Settings:
    return load_settings(SLACK_BOT_TOKEN="xoxb-test", SLACK_APP_TOKEN="xapp-test", slack_api_url=server.api_url)


def message(language: str = "de") -> list[dict[str, Any]]:
    return [*slack(alert(), language)[1], *buttons(alert(), language)]


def line(blocks: list[dict[str, Any]]) -> str:
    """Return what the message says of who takes care; '' where it says nothing."""
    lines = [one for one in blocks if str(one.get("block_id", "")).startswith("earshot-said-acknowledge")]
    assert len(lines) < 2, "the latest takes the place of what was said before"
    return str(lines[0]["elements"][0]["text"]) if lines else ""


LOOKS = [
    ("taken", (TOOK,), "de", "Mia &lt;mia@acme.example&gt; hat den Vorfall um", False),
    ("taken, in English", (TOOK,), "en", "Mia &lt;mia@acme.example&gt; took this incident at", False),
    ("given back: it can be taken again", (TOOK, GAVE), "de", "abgegeben: Niemand kümmert sich darum.", True),
    ("told in the other order", (GAVE, TOOK), "de", "abgegeben: Niemand kümmert sich darum.", True),
    ("told twice", (TOOK, TOOK), "en", "took this incident at", False),
]


@pytest.mark.parametrize(("why", "told", "language", "said", "can_be_taken"), LOOKS, ids=[row[0] for row in LOOKS])
def test_how_a_message_looks(why: str, told: tuple[Taken, ...], language: str, said: str, can_be_taken: bool) -> None:
    blocks = message(language)
    before = len(blocks)
    for one in told:
        blocks = marked(blocks, one, language)
    assert said in line(blocks), why
    assert ({"Übernehmen", "Acknowledge"} & set(labels(blocks)) != set()) is can_be_taken
    assert len(blocks) == before + 1, "one line, and all else stays"
    assert blocks[-1]["type"] == "actions", "it stands above the buttons"
    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()


def test_given_back_the_button_is_the_one_it_was() -> None:
    assert marked(marked(message(), TOOK, "de"), GAVE, "de")[-1] == message()[-1]


def test_what_has_no_buttons_says_so_at_its_end() -> None:
    blocks = marked(slack(alert(), "de")[1], TOOK, "de")
    assert "übernommen" in line(blocks[-1:])


def test_a_press_keeps_its_line_when_judge_tells_of_it() -> None:
    press = read(payload(message={"text": "", "blocks": message()}))
    assert press is not None
    blocks = shown(press, message())
    told = TOOK.model_copy(update={"at": press.at, "by": press.by})
    assert marked(blocks, told, "de") == blocks
    assert f"<@{press.user}>" in line(blocks)


def test_a_press_takes_the_place_of_what_was_said_elsewhere() -> None:
    press = read(payload(message={"text": "", "blocks": message()}))
    assert press is not None
    assert f"<@{press.user}>" in line(shown(press, marked(message(), TOOK, "de")))


WHICH = [
    ("the message that was sent first", [(1, DeliveryState.SENT), (2, DeliveryState.SENT)], [1]),
    ("and what waits, which does not say so", [(1, DeliveryState.SENT), (2, DeliveryState.SENDING)], [1, 2]),
    ("what has never arrived says nothing", [(1, DeliveryState.DEAD), (2, DeliveryState.SENT)], [2]),
    ("nor what is in a digest", [(1, DeliveryState.FOLDED)], []),
]


@pytest.mark.parametrize(("why", "states", "knowing"), WHICH, ids=[row[0] for row in WHICH])
def test_which_entries_know(
    why: str, states: list[tuple[int, DeliveryState]], knowing: list[int], settings: Settings
) -> None:
    ledger = Ledger()
    other = alert(incident=incident(id="b" * 16))
    for told in (*(revision(number, routes=(SLACK, MAIL)) for number, _ in states), other):
        for entry in ledger.request(told, 0, AT):
            ledger.put(entry.model_copy(update={"state": dict(states).get(told.incident.revision), "sent": MESSAGE}))
    found = noted(TOOK, ledger, {}, settings)
    assert [one.alert for one in found.values()] == [f"{TOOK.incident}.{number}" for number in knowing], why
    assert all(one.channel == "slack" for one in found.values()), "mails cannot be changed"
    for one in found.values():
        ledger.put(one)
    assert len(ledger.stale) == sum(one.state is DeliveryState.SENT for one in found.values())
    assert noted(TOOK, ledger, {}, settings) == {}, "the same again is no news"


def test_what_is_under_way_says_so_once_it_has_arrived(settings: Settings) -> None:
    [entry] = Ledger().request(alert(routes=(SLACK,)), 0, AT)
    known = noted(TOOK, Ledger(), {entry.id: entry}, settings)[entry.id]
    begun = begin(known, AT)
    arrived = concluded(settle(begun, MESSAGE, AT, Pace()), begun, settings)
    assert (arrived.state, arrived.taken) == (DeliveryState.SENT, TOOK)


def test_slack_is_asked_to_change_what_does_not_say_so(settings: Settings, server: SlackServer) -> None:
    server.messages["C0PRESSE"].append({"ts": "1.0", "text": "Stadtwerke", "blocks": message()})
    for _ in range(2):
        Slack.mark(settings, MESSAGE, TOOK, "de")
    assert "übernommen" in line(server.posted()[0]["blocks"])
    assert len(server.called("chat.update")) == 1, "what says so already is left alone"
    Slack.mark(settings, Sent(reference="9.9", place="C0PRESSE"), TOOK, "de")
    assert len(server.called("chat.update")) == 1, "a message that is gone stays so"
