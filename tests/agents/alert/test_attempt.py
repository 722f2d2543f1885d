"""An attempt whose time is over sends nothing: the process was frozen, and another one may have sent it."""

from datetime import timedelta
from time import monotonic

import pytest

from agents.alert.attempt import Attempt, make
from agents.alert.channel import delivery_id, open_channel
from agents.alert.ledger import Ledger, begin
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import load_settings
from tests.agents.alert.samples import AT, SLACK, alert, revision
from tests.servers.slack import slack_server


@pytest.mark.parametrize(
    ("doubtful", "sentence"),
    [(False, "nothing has been sent, that is sure"), (True, "an earlier attempt may still have arrived")],
)
def test_too_late(doubtful: bool, sentence: str) -> None:
    [entry] = Ledger().request(made := alert(routes=(SLACK,)), 0, AT)
    with slack_server() as server:
        settings = load_settings(SLACK_BOT_TOKEN="xoxb-t", slack_api_url=server.api_url)
        attempt = Attempt(begin(entry, AT + timedelta(seconds=1)), made, None, doubtful, until=monotonic() - 1)
        outcome = make(attempt, settings)
        assert isinstance(outcome, DeliveryError)
        assert (outcome.ambiguous, outcome.permanent) == (doubtful, False), sentence
        assert server.called("chat.postMessage") == []
        assert isinstance(make(Attempt(entry, made, None, False, until=monotonic() + 60), settings), Sent)


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
