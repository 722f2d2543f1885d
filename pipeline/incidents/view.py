"""View: the state of a watch as one of its groups sees it, and what follows for the watch from what is done to that."""

from pipeline.frozen import replace
from pipeline.incidents.group import WHOLE, under
from pipeline.incidents.life import Life
from pipeline.state import WatchState


def look(state: WatchState, name: str) -> WatchState:
    """Return the state as a group sees it: with its incident as if it were the watch's."""
    if name == WHOLE:
        return state
    return replace(state, life=under(state.groups.lives.get(name, Life()), state.life))


def back(state: WatchState, seen: WatchState, name: str) -> WatchState:
    """Return `state` after what was done to it as a group has `seen` it."""
    if name == WHOLE or state.watch is None:
        return seen
    whole = state.life
    if seen.life.silences is not whole.silences:
        whole = replace(whole, silences=seen.life.silences)
    return replace(seen, life=whole, groups=seen.groups.put(name, seen.life, state.watch, whole))
