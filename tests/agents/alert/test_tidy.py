"""The ledger forgets what is long over, and nothing else."""

from datetime import timedelta

from agents.alert.ledger import Ledger, Pace, begin, settle
from schemas.delivery import Delivery, Sent
from schemas.errors import DeliveryError
from tests.agents.alert.samples import AT, MAIL, SLACK, alert, incident, revision

DAY = timedelta(days=1)
SENT = Sent(reference="1.0", place="C1")


def told(ledger: Ledger, entry: Delivery, days: float, outcome: Sent | DeliveryError = SENT) -> None:
    now = AT + days * DAY
    ledger.put(settle(begin(entry, now), outcome, now, Pace()))


def test_what_is_over_goes_and_what_may_still_matter_stays() -> None:
    ledger = Ledger()
    slack, mail = ledger.request(alert(routes=(SLACK, MAIL)), 0, AT)
    [later] = ledger.request(revision(2, routes=(SLACK,)), 1, AT)
    [other] = ledger.request(alert(incident=incident(id="other"), routes=(SLACK,)), 2, AT)
    for entry in (slack, mail, later, other):
        ledger.put(entry)
    told(ledger, slack, 0)
    told(ledger, mail, 0, DeliveryError("no such address", permanent=True))
    told(ledger, later, 20)
    assert ledger.outdated(AT, 100) == [], "all is new"
    assert ledger.outdated(AT + 10 * DAY, 100) == [mail.id], "the first message of a thread stays as long as the last"
    assert set(ledger.outdated(AT + 30 * DAY, 100)) == {slack.id, later.id, mail.id}, "what waits stays for ever"
    assert len(ledger.outdated(AT + 30 * DAY, 1)) <= 2, "some at a time"
    ledger.drop([slack.id, later.id, mail.id, "never heard of"])
    assert ledger.entries.keys() == ledger.waiting.keys() == {other.id}
    assert list(ledger.threads.values()) == [{other.id: 1}]
