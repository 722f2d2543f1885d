"""The whole path on one screen: what happens to an event, and what happens to what matched.

`listen` holds no state. `judge` takes the state of one watch and one record of its log, and returns the state after it
and what follows. Neither knows a clock: `now` is the largest tick of the partition, and time only moves forward.
"""

from datetime import datetime
from typing import assert_never

from pipeline.decide import NOT_WATCHED, forget, receipt, repeat, respond, settle, sorts, turn, watched
from pipeline.dedup import place
from pipeline.detect import step_all
from pipeline.frozen import replace
from pipeline.incident import acknowledge, silence
from pipeline.language import detect
from pipeline.normalize import normalize, readable
from pipeline.query import Matcher
from pipeline.route import tell
from pipeline.score import score
from pipeline.sentiment import assess
from pipeline.state import Verdict, WatchState
from schemas.control import Acknowledge, Forget, Judged, Silence, WatchRemoved, WatchVersion
from schemas.event import Event
from schemas.mention import Match
from schemas.tick import Tick


def listen(event: Event, matcher: Matcher) -> tuple[Match, ...]:
    """Return what `event` is to the watches: one match for each that asked for it, in their order."""
    if not (candidates := matcher.candidates(*readable(event), event)):
        return ()
    mention = normalize(event)
    found = matcher.match(mention, candidates)
    if not found:
        return ()
    text = f"{mention.title}. {mention.text}" if mention.title else mention.text
    language = detect(text, mention.heard_lang)
    sentiment = assess(text, language)
    risk = score(mention, sentiment)
    judged = {"mention": mention, "language": language, "sentiment": sentiment, "score": risk}
    asked = [(one.watch, one.entities) for one in found]
    return tuple([_match({"watch": it.id, "version": it.version, "entities": about, **judged}) for it, about in asked])


_match = Match.__pydantic_validator__.validate_python


def judge(state: WatchState, record: Judged, now: datetime) -> tuple[WatchState, Verdict]:
    """Return the state of the watch after `record`, and the alerts and receipts that follow from it."""
    match record:
        case Match():
            return hear(state, record, now)
        case Tick(at=at):
            return settle(state, max(now, at))
        case WatchVersion() | WatchRemoved():
            return state.adopt(record), Verdict()
        case Silence(until=until):
            return turn(state, silence(state.life, until)), Verdict()
        case Acknowledge(incident=incident, by=by):
            return turn(state, acknowledge(state.life, incident, by)), Verdict()
        case Forget(deletion=deletion):
            return forget(state, deletion.key), Verdict()
        case _:
            assert_never(record)


def hear(state: WatchState, match: Match, now: datetime) -> tuple[WatchState, Verdict]:
    """Take a match through dedup, windows, detectors, incident and route; `now` as in `judge`."""
    watch, mention = state.watch, match.mention
    if watch is None:
        return state, Verdict(receipts=(receipt(match, max(now, mention.time), NOT_WATCHED),))
    if known := state.memory.known(mention.id):
        return repeat(state, match, known)
    at = max(now, mention.time, state.clock or now)
    state, settled = settle(state, at)
    memory, fold = place(state.memory, match, at)
    window = state.window.add(mention.time, sorts(match, fold), at)
    readings, signals = step_all(watched(state, match, at), state.readings, window, at)
    state = replace(state, clock=at, memory=memory, window=window, readings=readings)
    life, outcome, reason = respond(state, match, fold, signals)
    state = turn(state, life)
    alerts = (tell(watch, life, reason, mention.seen, (window, memory)),) if reason else ()
    answer = receipt(match, at, outcome, fold.story.id, life.open)
    return state, Verdict(settled.alerts + alerts, (answer,), folded=fold.before is not None)
