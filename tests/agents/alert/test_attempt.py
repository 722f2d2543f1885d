"""An attempt whose time is over sends nothing: the process was frozen, and another one may have sent it."""

from datetime import timedelta
from time import monotonic

import pytest

from agents.alert.attempt import Attempt, make
from agents.alert.channel import delivery_id, open_channel
from agents.alert.ledger import Ledger, Pace, begin, settle
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import load_settings
from tests.agents.alert.samples import AT, MAIL, SLACK, alert, revision
from tests.servers.slack import slack_server
from tests.servers.smtp import mail_server


@pytest.mark.parametrize(
    ("doubtful", "sentence"),
    [(False, "nothing has been sent, that is sure"), (True, "an earlier attempt may still have arrived")],
)
def test_too_late(doubtful: bool, sentence: str) -> None:
    [entry] = Ledger().request(made := alert(routes=(SLACK,)), 0, AT)
    with slack_server() as server:
        settings = load_settings(SLACK_BOT_TOKEN="xoxb-t", slack_api_url=server.api_url)
        begun = begin(entry, AT + timedelta(seconds=1)).model_copy(update={"doubts": int(doubtful)})
        attempt = Attempt(begun, made, None, until=monotonic() - 1)
        outcome = make(attempt, settings)
        assert isinstance(outcome, DeliveryError)
        assert (outcome.ambiguous, outcome.permanent) == (doubtful, False), sentence
        assert server.called("chat.postMessage") == []
        assert isinstance(make(Attempt(entry, made, None, until=monotonic() + 60), settings), Sent)


def test_too_late_between_the_update_and_the_answer() -> None:
    """What may be repeated is done; what may not is not."""
    with slack_server() as server:
        channel = open_channel(SLACK, load_settings(SLACK_BOT_TOKEN="xoxb-t", slack_api_url=server.api_url))
        first = channel.send(alert(), None)
        channel.until = monotonic() - 1
        with pytest.raises(DeliveryError, match="too late"):
            channel.send(revision(2), first)
        assert len(server.called("chat.update")) == 1
        assert len(server.called("chat.postMessage")) == 1
        assert delivery_id(alert().id, SLACK) in str(server.posted())


def test_a_doubt_outlives_an_attempt_that_certainly_failed() -> None:
    """The first may have arrived, the second has not: the third is still a possible repeat, and says so."""
    [entry] = Ledger().request(made := alert(routes=(MAIL,)), 0, AT)
    with mail_server() as server:
        settings = load_settings(smtp_host=server.host, smtp_port=server.port, smtp_security="none")
        for outcome in (DeliveryError("hung up", ambiguous=True), DeliveryError("451")):
            entry = settle(begin(entry, AT), outcome, AT, Pace())
        third = begin(entry, AT)
        assert isinstance(make(Attempt(third, made, None), settings), Sent)
        [sent] = server.mails
    body = sent.get_body(("plain",))
    assert body
    assert "Möglicherweise haben Sie diese Nachricht schon einmal erhalten" in body.get_content()
