"""The whole path on one screen: what happens to an event, and what happens to what matched.

`listen` holds no state. `judge` takes the state of one watch and one record of its log, and returns the state after it
and what follows. Neither knows a clock: `now` is the largest tick of the partition, and time only moves forward.
The stages of `listen` are in `pipeline.enrich`, the decisions of `judge` in `pipeline.decide`; in production
`pipeline.stream.listen` and `pipeline.stream.judge` call both, and `pipeline.offline` does for recorded posts.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import assert_never

from pipeline import again, control, decide
from pipeline.abreast import Answer, alone
from pipeline.detect import hear_all, step_all
from pipeline.enrich import enrich_all, keep_first_factors, prefilter
from pipeline.frozen import replace
from pipeline.incidents.trip import part
from pipeline.query import Matcher
from pipeline.sentiment import Feels, assess
from pipeline.state import Verdict, WatchState
from pipeline.stories.dedup import place, trace
from pipeline.surge import surge
from pipeline.windows.health import WELL, Health
from pipeline.windows.heard import hearing
from schemas.control import Acknowledge, Feedback, Forget, Judged, Silence, Unlearn, WatchRemoved, WatchVersion
from schemas.event import Event
from schemas.mention import Match
from schemas.tick import Tick


def listen(event: Event, matcher: Matcher, feels: Feels = assess) -> tuple[Match, ...]:
    """Return what `event` is to the watches: one match for each that asked for it, in their order."""
    return listen_all((event,), matcher, feels)[0]


def listen_all(events: Sequence[Event], matcher: Matcher, feels: Feels = assess) -> list[tuple[Match, ...]]:
    """Return that for each of `events`: prefilter, then normalize, match, language, sentiment and score."""
    asked = prefilter(events, matcher)
    enriched = enrich_all([(events[at], queries) for at, queries in asked], matcher, feels)
    found = {at: matches for (at, _), matches in zip(asked, enriched, strict=True)}
    return [found.get(at, ()) for at in range(len(events))]


def judge(state: WatchState, record: Judged, now: datetime, health: Health = WELL) -> Answer:
    """Return the state of the watch after `record`, and what follows; `health` is when sources were not heard."""
    state = state.knowing(health)
    match record:
        case Match():
            return alone(hear(state, record, now))
        case Tick(at=at):
            return decide.settle(state, max(now, at))
        case WatchVersion() | WatchRemoved():
            return decide.renew(state, record, now)
        case Silence() | Acknowledge() | Feedback() | Unlearn() | Forget():
            after = control.take(state, record)
            return after, Verdict(news=control.news(state, after, record))
        case _:
            assert_never(record)


def hear(state: WatchState, match: Match, now: datetime) -> Iterator[Answer | None]:
    """Take a match through dedup, windows, detectors, incident and route: None after a stage, the answer at the end.

    It stops after each stage so that several matches can go abreast (see `pipeline.abreast`).
    """
    watch, mention = state.watch, match.mention
    if watch is None:
        return (yield state, Verdict(receipts=(decide.receipt(match, max(now, mention.time), decide.NOT_WATCHED),)))
    belief = decide.believe(state, match)
    match = belief.match
    if known := state.memory.known(mention.id):
        return (yield again.repeat(state, keep_first_factors(match, known), known, now))
    at = max(now, mention.time, state.clock or now)
    state, settled = decide.settle(state, at)
    trail = trace(state.memory, mention)
    yield None
    crowd, match = surge(state.crowd, match, trail, watch.risk)  # before it is placed: what is quoted has this risk
    memory, fold = place(state.memory, match, at, trail)
    yield None
    window = state.window.add(mention.time, decide.counted_as(match, fold), at)
    rules, heard = decide.rules_for(state, match, at), hearing(match, fold.story.id, first=fold.before is None)
    readings, tripped = step_all(rules, hear_all(state.rules, state.readings, heard, window, at), window, at)
    yield None
    state = replace(state, clock=at, memory=memory, window=window, readings=readings, crowd=crowd)
    signals, tried = part(state, tripped)
    state, outcome, alerts = decide.respond(state, belief._replace(match=match), fold, signals)
    record = decide.measured_receipt(state, match, outcome, fold.story.id, (rules, tripped), belief.relevance)
    yield state, Verdict(settled.alerts + alerts, (record,), fold.before is not None, settled.shadowed + tried)
