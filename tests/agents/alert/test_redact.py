"""A post that is deleted goes out of messages: which entries of the ledger know of it, and what Slack then shows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agents.alert.channel import open_channel
from agents.alert.channels.slack import Slack
from agents.alert.ledger import Ledger, Pace, begin, settle
from agents.alert.redact import bare, concluded, noted, taken_out
from agents.alert.render import console, mail, slack, without
from pipeline.stories.sketch import number
from schemas.control import Gone
from schemas.delivery import Delivery, DeliveryState, Sent
from schemas.errors import DeliveryError
from schemas.settings import Settings, load_settings
from tests.agents.alert.samples import AT, SLACK, alert, quote, revision
from tests.servers.slack import Misbehave, SlackServer, slack_server

WORDS = "Nordend"
GONE = Gone(watch="stadtwerke", mentions=("x:1",), at=AT)
PACE = Pace()
PAPER = quote(
    mention="web:2", platform="web", author="Musterstädter Tageblatt", text="Die Stadtwerke schweigen", url=None
)
BOTH: Any = (quote(), PAPER)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as found:
        yield found


@pytest.fixture
def settings(server: SlackServer) -> Settings:
    return load_settings(SLACK_BOT_TOKEN="xoxb-test", SLACK_APP_TOKEN="xapp-test", slack_api_url=server.api_url)


def entries(state: DeliveryState, **changes: Any) -> tuple[Ledger, Delivery]:
    """Return a ledger with one message to Slack in that state."""
    ledger = Ledger()
    asked = ledger.request(alert(routes=(SLACK,)), 0, AT)[0]
    entry = asked.model_copy(update={"state": state, "sent": Sent(reference="1.0", place="C0PRESSE"), **changes})
    ledger.put(entry)
    return ledger, entry


KNOWING = [
    ("a message that is to be sent", DeliveryState.REQUESTED, True),
    ("a message that is being sent", DeliveryState.SENDING, True),
    ("a message that was sent", DeliveryState.SENT, True),
    ("what waits for a digest, which quotes nothing", DeliveryState.HELD, False),
    ("what is in a digest", DeliveryState.FOLDED, False),
    ("what was never accepted, and may be given another life", DeliveryState.DEAD, True),
]


@pytest.mark.parametrize(("why", "state", "knows"), KNOWING, ids=[row[0] for row in KNOWING])
def test_which_entries_know(why: str, state: DeliveryState, knows: bool, settings: Settings) -> None:
    ledger, entry = entries(state)
    found = noted(GONE, ledger, {}, settings)
    assert [one.gone for one in found.values()] == ([("x:1",)] if knows else []), why
    for one in found.values():
        ledger.put(one)
    assert list(ledger.stale) == ([entry.id] if state is DeliveryState.SENT else [])
    assert noted(GONE, ledger, {}, settings) == {}, "the same again is no news"


def test_what_is_asked_for_in_the_same_breath_knows_too(settings: Settings) -> None:
    [entry] = Ledger().request(alert(routes=(SLACK,)), 0, AT)
    assert noted(GONE, Ledger(), {entry.id: entry}, settings)[entry.id].gone == ("x:1",)


def test_a_message_with_another_life_knows_what_has_gone_meanwhile(settings: Settings) -> None:
    ledger, entry = entries(DeliveryState.DEAD, sent=None)
    ledger.put(noted(GONE, ledger, {}, settings)[entry.id])
    [again] = ledger.request(alert(routes=(SLACK,)), 9, AT)
    assert (again.state, again.gone) == (DeliveryState.REQUESTED, ("x:1",))


def test_other_posts_concern_nobody(settings: Settings) -> None:
    ledger, _ = entries(DeliveryState.SENT)
    assert noted(GONE.model_copy(update={"mentions": ("x:2", "bluesky:9")}), ledger, {}, settings) == {}


@pytest.mark.parametrize("changes", [{"channel": "email"}, {"channel": "console"}, {"channel": "unheard"}])
def test_a_mail_that_was_sent_cannot_be_recalled(changes: dict[str, Any], settings: Settings) -> None:
    ledger, _ = entries(DeliveryState.SENT, **changes)
    assert noted(GONE, ledger, {}, settings) == {}


def test_nor_what_a_webhook_has_posted(server: SlackServer) -> None:
    ledger, _ = entries(DeliveryState.SENT)
    assert noted(GONE, ledger, {}, load_settings(SLACK_WEBHOOK_URL=server.webhook_url)) == {}


ENDINGS: list[tuple[str, tuple[str, ...], tuple[str, ...], int, str, tuple[str, ...]]] = [
    ("it was gone before the attempt began, so it was not sent", ("x:1",), ("x:1",), 0, "slack", ()),
    ("it went while the attempt was under way, so it stands there", (), ("x:1",), 0, "slack", ("x:1",)),
    ("an earlier attempt may be the one that arrived", ("x:1",), ("x:1",), 1, "slack", ("x:1",)),
    ("a mail that has gone out stays as it is", (), ("x:1",), 0, "email", ()),
    ("nothing is gone", (), (), 0, "slack", ()),
]


@pytest.mark.parametrize("row", ENDINGS, ids=[row[0] for row in ENDINGS])
def test_what_an_attempt_leaves(row: Any, settings: Settings) -> None:
    why, before, after, doubts, channel, left = row
    _, entry = entries(DeliveryState.REQUESTED, channel=channel, sent=None)
    begun = begin(entry.model_copy(update={"gone": before}), AT).model_copy(update={"doubts": doubts})
    known = begun.model_copy(update={"gone": after})
    found = concluded(settle(known, Sent(reference="1"), AT, PACE), begun, settings)
    assert found.gone == left, why
    assert (number("x:1") in found.quoted) == (bool(left) or not after)


def test_a_message_that_is_sent_later_says_only_that_the_post_is_gone() -> None:
    made = bare(alert(quotes=BOTH), ("x:1",))
    assert made is not None
    for language, said in (("de", "Beitrag gelöscht"), ("en", "Post deleted")):
        text = console(made, language)
        assert said in text
        for part in (WORDS, "nordend_lebt", "x.com"):
            assert part not in text
        assert "Musterstädter Tageblatt" in text, "the others stay"
        assert f"_{said}_ · X" in str(slack(made, language)[1])
    assert bare(alert(), ()) == alert()


def posted(settings: Settings, *sent: tuple[Any, Sent | None]) -> list[Sent]:
    return [open_channel(SLACK, settings).send(made, previous) for made, previous in sent]


def test_the_quote_of_a_sent_message_is_one_line_and_all_else_stays(settings: Settings, server: SlackServer) -> None:
    [message] = posted(settings, (alert(quotes=BOTH), None))
    before = server.posted()[0]["blocks"]
    Slack.redact(settings, message, ("x:1",))
    after = server.posted()[0]["blocks"]
    assert WORDS not in str(after)
    assert "nordend_lebt" not in str(after)
    [line] = [block for block in after if "gelöscht" in str(block)]
    assert line["elements"] == [{"type": "mrkdwn", "text": "_Beitrag gelöscht_ · X", "verbatim": True}]
    assert len(after) == len(before) - 1, "the post and its source are one line"
    assert [block for block in before if block in after] == [block for block in after if block is not line]
    assert after[-1]["type"] == "actions", "the buttons are still there"


def test_once_is_enough_and_again_changes_nothing(settings: Settings, server: SlackServer) -> None:
    [message] = posted(settings, (alert(), None))
    for _ in range(3):
        Slack.redact(settings, message, ("x:1",))
    assert len(server.called("chat.update")) == 1


def test_an_answer_in_a_thread_and_the_message_that_it_answers_to_are_changed(
    settings: Settings, server: SlackServer
) -> None:
    [root] = posted(settings, (alert(quotes=(quote(mention="x:0", text="Alles dunkel"),)), None))
    [answer] = posted(settings, (revision(2, quotes=BOTH), root))
    assert WORDS in str(server.posted())
    assert WORDS in str(server.replies())
    Slack.redact(settings, answer, ("x:1",), root)
    assert WORDS not in str(server.posted())
    assert WORDS not in str(server.replies())
    assert len(server.called("chat.update")) == 3, "one of the new revision, and one for each of two messages"


def test_a_message_that_is_no_longer_there_needs_nothing(settings: Settings, server: SlackServer) -> None:
    [message] = posted(settings, (alert(), None))
    server.messages.clear()
    Slack.redact(settings, message, ("x:1",))
    assert server.called("chat.update") == []


def test_where_we_may_not_look_it_is_said_for_good(settings: Settings, server: SlackServer) -> None:
    [message] = posted(settings, (alert(), None))
    server.next("conversations.history", Misbehave("refuse", code="missing_scope"))
    with pytest.raises(DeliveryError) as refused:
        Slack.redact(settings, message, ("x:1",))
    assert refused.value.permanent


EDITED = GONE.model_copy(update={"edited": True})


@pytest.mark.parametrize(("why", "state", "knows"), KNOWING, ids=[row[0] for row in KNOWING])
def test_which_entries_know_of_an_edit(why: str, state: DeliveryState, knows: bool, settings: Settings) -> None:
    ledger, entry = entries(state)
    found = noted(EDITED, ledger, {}, settings)
    assert [(one.edited, one.gone) for one in found.values()] == ([(("x:1",), ())] if knows else []), why
    for one in found.values():
        ledger.put(one)
    assert list(ledger.stale) == ([entry.id] if state is DeliveryState.SENT else [])
    assert noted(EDITED, ledger, {}, settings) == {}, "the same again is no news while it waits"


def test_what_is_deleted_after_an_edit_is_gone_and_an_edit_of_what_is_gone_is_no_news(settings: Settings) -> None:
    ledger, entry = entries(DeliveryState.SENT)
    ledger.put(noted(EDITED, ledger, {}, settings)[entry.id])
    ledger.put(noted(GONE, ledger, {}, settings)[entry.id])
    known = ledger.entries[entry.id]
    assert (known.gone, known.edited) == (("x:1",), ())
    assert noted(EDITED, ledger, {}, settings) == {}


def test_what_was_edited_is_still_known_to_be_shown_and_can_be_deleted(settings: Settings) -> None:
    ledger, entry = entries(DeliveryState.SENT)
    ledger.put(noted(EDITED, ledger, {}, settings)[entry.id])
    ledger.put(done := taken_out(ledger.entries[entry.id], (), ("x:1",)))
    assert not ledger.stale
    assert Delivery.from_bytes(done.to_bytes()) == done
    assert list(noted(EDITED, ledger, {}, settings)) == [entry.id], "it may be edited again"
    assert list(noted(GONE, ledger, {}, settings)) == [entry.id]


def test_a_message_with_another_life_knows_what_was_edited_meanwhile(settings: Settings) -> None:
    ledger, entry = entries(DeliveryState.DEAD, sent=None)
    ledger.put(noted(EDITED, ledger, {}, settings)[entry.id])
    [again] = ledger.request(alert(routes=(SLACK,)), 9, AT)
    assert (again.state, again.edited) == (DeliveryState.REQUESTED, ("x:1",))


def test_an_edit_that_came_before_the_attempt_was_not_sent(settings: Settings) -> None:
    _, entry = entries(DeliveryState.REQUESTED, sent=None)
    begun = begin(entry.model_copy(update={"edited": ("x:1",)}), AT)
    early = concluded(settle(begun, Sent(reference="1"), AT, PACE), begun, settings)
    assert early.edited == ()
    assert number("x:1") in early.quoted
    late = concluded(settle(begun, Sent(reference="1"), AT, PACE), begun.model_copy(update={"edited": ()}), settings)
    assert late.edited == ("x:1",), "its former words stand there"


SINCE = (("de", "Der Beitrag wurde inzwischen geändert"), ("en", "The post has been edited since"))


def test_a_message_that_is_sent_later_has_no_former_words_and_says_where_the_new_ones_are() -> None:
    made = bare(alert(quotes=BOTH), (), ("x:1",))
    assert made is not None
    for language, said in SINCE:
        for text in (console(made, language), *mail(made, language)[1:], str(slack(made, language)[1])):
            assert said in text
            assert WORDS not in text
            assert "nordend_lebt" in text, "who wrote it and where it is stays"
            assert "Die Stadtwerke schweigen" in text, "the others stay"


def test_the_words_of_a_sent_message_give_way_to_a_line_and_go_with_it_when_the_post_is_deleted(
    settings: Settings, server: SlackServer
) -> None:
    [message] = posted(settings, (alert(quotes=BOTH), None))
    before = server.posted()[0]["blocks"]
    for _ in range(3):
        Slack.redact(settings, message, (), edited=("x:1",))
    after = server.posted()[0]["blocks"]
    assert len(server.called("chat.update")) == 1, "once is enough"
    assert WORDS not in str(after)
    assert "nordend_lebt" in str(after)
    [line] = [block for block in after if SINCE[0][1] in str(block)]
    assert [block for block in before if block in after] == [block for block in after if block is not line]
    Slack.redact(settings, message, ("x:1",))
    gone = server.posted()[0]["blocks"]
    assert "nordend_lebt" not in str(gone)
    assert SINCE[0][1] not in str(gone)
    assert "Beitrag gelöscht" in str(gone)


def test_blocks_of_others_and_of_former_versions_stay() -> None:
    blocks = [{"type": "section", "block_id": name} for name in ("earshot-post-", "earshot-post-text-xx-1", "a", "")]
    assert without([*blocks, {"type": "divider"}], ("x:1",)) == [*blocks, {"type": "divider"}]


def test_what_was_taken_out_is_no_longer_known_to_be_shown(settings: Settings) -> None:
    ledger, entry = entries(DeliveryState.SENT)
    ledger.put(noted(GONE, ledger, {}, settings)[entry.id])
    ledger.put(done := taken_out(ledger.entries[entry.id], ("x:1",)))
    assert not ledger.stale
    assert ledger.showing(number("x:1")) == []
    assert Delivery.from_bytes(done.to_bytes()) == done
    assert noted(GONE, ledger, {}, settings) == {}
    ledger.drop([entry.id])
    assert ledger.outdated(AT + timedelta(days=99), 9) == []
