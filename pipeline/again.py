"""Again: what becomes of a post that has been counted before and is delivered once more.

An edit may change what stands for its story. One with more reactions than before, an edit or not, is another look at
it: its risk is judged anew with the speed between the looks, and rules about risk see it where that is higher.
"""

from datetime import datetime
from typing import NamedTuple

from pipeline.control import reworded
from pipeline.decide import measured_receipt, receipt, settle
from pipeline.detect import hear_all, step_all
from pipeline.frozen import replace
from pipeline.incidents import handle
from pipeline.incidents.incident import Outcome
from pipeline.incidents.trip import cause_of, part
from pipeline.score import hasten
from pipeline.state import Verdict, WatchState
from pipeline.stories.dedup import remember
from pipeline.stories.gathered import Gathered, first, look, read
from pipeline.stories.sketch import number
from pipeline.stories.story import Story
from pipeline.windows.heard import hearing
from schemas.alert import Alert
from schemas.mention import OWN, Match
from schemas.receipt import Decision
from schemas.watch import Watch


class _Looked(NamedTuple):
    """A post as it is judged at another look, and what is remembered of it then, None for nothing.

    `grown`: people have reacted more often since the last look. `before` is the risk that rules have counted it with,
    where that is higher now.
    """

    match: Match
    gathered: Gathered | None
    grown: bool = False
    before: float | None = None


def repeat(state: WatchState, match: Match, story: Story, now: datetime) -> tuple[WatchState, Verdict]:
    """Answer a mention that was counted before; as it was, it changes nothing."""
    at = state.clock or match.mention.time
    looked = _look(match, story, state.watch) if state.watch else _Looked(match, None)
    if not (match.mention.edited or looked.grown):
        outcome = Outcome(Decision.REDELIVERED, "this post has been counted before")
        return state, Verdict(receipts=(receipt(match, at, outcome, story.id, state.life.open),))
    match = looked.match
    if looked.gathered:
        memory = remember(state.memory, story, looked.gathered)
        state, story = replace(state, memory=memory), memory.stories[story.id]
    state, news = reworded(state, story, match)
    outcome = Outcome(Decision.EDITED, "a new state of a post that has been counted")
    rules = [rule for rule in state.rules if rule.repeats or (rule.reweighs and looked.before is not None)]
    if not rules or not match.about(OWN):
        return state, Verdict(receipts=(receipt(match, at, outcome, story.id, state.life.open),), news=news)
    at = max(now, match.mention.seen, state.clock or now)
    state, settled = settle(state, at)
    heard = hearing(match, story.id, first=False, again=True, before=looked.before)
    readings = hear_all(rules, state.readings, heard, state.window, at)
    readings, tripped = step_all(rules, readings, state.window, at)
    state = replace(state, clock=at, readings=readings)
    signals, tried = part(state, tripped)
    told: tuple[Alert, ...] = ()
    if signals:
        state, outcome, told = handle.handle(state, cause_of(match, story.id), signals, match.mention.seen)
    record = measured_receipt(state, match, outcome, story.id, (rules, tripped))
    return state, Verdict(settled.alerts + told, (record,), shadowed=settled.shadowed + tried, news=news)


def _look(match: Match, story: Story, watch: Watch) -> _Looked:
    """Look at a post again, and judge its risk by how fast it gathers reactions where that is known.

    What is asked for from the past is no look: it tells of no moment.
    """
    if match.mention.backfill or not match.about(OWN):
        return _Looked(match, None)
    known = next((one for one in read(story.gathered) if one.post == number(match.mention.id)), None)
    if known is None:
        return _Looked(match, first(match))
    after, speed = look(known, match)
    if speed is None:
        return _Looked(match, after)
    match = match.model_copy(update={"score": hasten(match.score, match.mention, speed, watch.risk)})
    risk, grown = match.score.value, after.looks[-1][1] > known.looks[-1][1]
    if risk <= known.risk:
        return _Looked(match, after, grown)
    return _Looked(match, after._replace(risk=risk), grown, known.risk)
