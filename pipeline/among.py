"""Among: a watch is judged among others – it hears which of their incidents are open, and says which of its own are.

What it says goes to every partition as a record of the log, so that whoever replays one hears it at the same place.
Only rules of `inhibit` with `across` say or hear anything.
"""

from datetime import datetime

from pipeline import flow, holder
from pipeline.abroad import NOWHERE, Abroad
from pipeline.frozen import replace
from pipeline.health import WELL, Health
from pipeline.state import Verdict, WatchState
from schemas.control import Inhibitor, Judged


def judge(
    state: WatchState, record: Judged | Inhibitor, now: datetime, health: Health = WELL, abroad: Abroad = NOWHERE
) -> tuple[WatchState, Verdict]:
    """Return the state of the watch after `record`, and what follows, with news for other watches; see `flow.judge`.

    `abroad` are the open incidents of other watches that may inhibit.
    """
    before = holder.knowing(state, abroad)
    if isinstance(record, Inhibitor):
        after, alerts = holder.hear(before, record, now)
        return after, Verdict(alerts)
    after, verdict = flow.judge(before, record, now, health)
    news = holder.news(before, after, now)
    return after, replace(verdict, news=(*verdict.news, *news)) if news else verdict
