"""Among: a watch is judged among others – it hears which of their incidents are open, and says which of its own are.

What it says goes to every partition as a record of the log, so that whoever replays one hears it at the same place.
Only rules of `inhibit` with `across` say or hear anything.
"""

from collections.abc import Sequence
from datetime import datetime

from pipeline import flow
from pipeline.abreast import Answer, abreast
from pipeline.frozen import replace
from pipeline.incidents import holder
from pipeline.incidents.abroad import NOWHERE, Abroad
from pipeline.state import Verdict, WatchState
from pipeline.windows.health import WELL, Health
from schemas.control import Inhibitor, Judged
from schemas.mention import Match


def judge(
    state: WatchState, record: Judged | Inhibitor, now: datetime, health: Health = WELL, abroad: Abroad = NOWHERE
) -> Answer:
    """Return the state of the watch after `record`, and what follows, with news for other watches; see `flow.judge`.

    `abroad` are the open incidents of other watches that may inhibit.
    """
    before = holder.knowing(state, abroad)
    if isinstance(record, Inhibitor):
        after, alerts = holder.hear(before, record, now)
        return after, Verdict(alerts)
    return _telling(before, flow.judge(before, record, now, health), now)


def judge_all(
    asked: Sequence[tuple[WatchState, Match]], now: datetime, health: Health = WELL, abroad: Abroad = NOWHERE
) -> list[Answer]:
    """Return that for matches of as many watches, each with the state of its own."""
    before = [(holder.knowing(state, abroad), match) for state, match in asked]
    found = abreast([flow.hear(state.knowing(health), match, now) for state, match in before])
    return [_telling(state, answer, now) for (state, _), answer in zip(before, found, strict=True)]


def _telling(before: WatchState, answer: Answer, now: datetime) -> Answer:
    """Return an answer with what other watches have to know."""
    after, verdict = answer
    news = holder.news(before, after, now)
    return after, replace(verdict, news=(*verdict.news, *news)) if news else verdict
