"""Told: what people tell judge about a watch – who takes care, what is silenced, what an alert was worth, what is gone.

Nobody is told anything in return; the state after it is the very same if it is no news.
"""

from dataclasses import replace
from typing import TypeGuard, assert_never

from pipeline import incident, learnt
from pipeline.dedup import erase, erase_author
from pipeline.silence import take as take_silence
from pipeline.state import WatchState
from pipeline.story import Story
from schemas.control import Acknowledge, Feedback, Forget, Silence, Unlearn
from schemas.event import Deletion


def take(state: WatchState, record: Silence | Acknowledge | Feedback | Unlearn | Forget) -> WatchState:
    """Return the state after `record`."""
    match record:
        case Silence():
            silences = take_silence(state.life.silences, record)
            return state if silences is state.life.silences else _turn(state, replace(state.life, silences=silences))
        case Acknowledge():
            return _turn(state, incident.acknowledge(state.life, record.incident, record.by, record.at))
        case Feedback():
            return _heed(state, record)
        case Unlearn():
            return state.knows(learnt.NOTHING)
        case Forget(deletion=deletion):
            return _forget(state, deletion)
        case _:
            assert_never(record)


def _turn(state: WatchState, life: incident.Life) -> WatchState:
    return state if life is state.life else replace(state, life=life)


def _heed(state: WatchState, record: Feedback) -> WatchState:
    known = {post.mention: state.memory.known(post.mention) for post in record.posts}
    writers = {mention: story.writer for mention, story in known.items() if _stands(story, mention)}
    return state.knows(learnt.learn(state.learnt, record, writers))


def _stands(story: Story | None, mention: str) -> TypeGuard[Story]:
    return story is not None and story.stands == mention


def _forget(state: WatchState, deletion: Deletion) -> WatchState:
    """Return the state without the text of a deleted mention, or of all of an author; the very same if it has none."""
    memory = erase_author(state.memory, deletion.key) if deletion.author else erase(state.memory, deletion.key)
    state = state.knows(learnt.unlearn(state.learnt, deletion.key, author=deletion.author))
    return state if memory is state.memory else replace(state, memory=memory)
