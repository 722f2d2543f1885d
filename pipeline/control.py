"""Control: what people tell judge about a watch – who takes care, what is silenced or gone, what an alert was worth.

Nobody is told anything in return; the state after it is the very same if it is no news.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeGuard, assert_never

from pipeline import learnt
from pipeline.alerts import hold
from pipeline.alerts.silence import take as take_silence
from pipeline.frozen import replace
from pipeline.incidents import incident
from pipeline.incidents.group import WHOLE
from pipeline.incidents.life import Life, Shown
from pipeline.incidents.view import back, look
from pipeline.state import WatchState
from pipeline.stories.dedup import edit, erase, erase_author
from pipeline.stories.quotation import quote
from pipeline.stories.sketch import number
from pipeline.stories.story import Story
from schemas.alert import Quote
from schemas.control import Acknowledge, Feedback, Forget, Gone, Silence, Taken, Unlearn
from schemas.event import Deletion, Edit
from schemas.mention import Match


def take(state: WatchState, record: Silence | Acknowledge | Feedback | Unlearn | Forget) -> WatchState:
    """Return the state after `record`."""
    match record:
        case Silence():
            silences = take_silence(state.life.silences, record)
            if silences is state.life.silences:
                return state
            life = replace(state.life, silences=silences)
            return replace(state, life=life, groups=state.groups.reckon(state.watch, life))
        case Acknowledge():
            return _acknowledge(state, record)
        case Feedback():
            return _heed(state, record)
        case Unlearn():
            return state.knows(learnt.NOTHING)
        case Forget(deletion=deletion):
            return _forget(state, deletion)
        case _:
            assert_never(record)


def _acknowledge(state: WatchState, record: Acknowledge) -> WatchState:
    """Return the state in which somebody takes care of an incident, or nobody any more, whosever it is."""
    name = next((name for name, found in state.groups.open if found.id == record.incident), WHOLE)
    seen = look(state, name)
    if record.released:
        life = incident.release(seen.life, record.incident, record.at)
    else:
        life = incident.acknowledge(seen.life, record.incident, record.by, record.at)
    return state if life is seen.life else back(state, replace(seen, life=life), name)


def news(
    before: WatchState, after: WatchState, record: Silence | Acknowledge | Feedback | Unlearn | Forget
) -> tuple[Gone | Taken, ...]:
    """Return what delivery has to know of a record that has made `after` out of `before`."""
    match record:
        case Forget():
            return gone(before, record)
        case Acknowledge():
            return taken(before, after, record)
        case _:
            return ()


def taken(before: WatchState, after: WatchState, record: Acknowledge) -> tuple[Taken, ...]:
    """Return what delivery has to know: who takes care of the incident now; nothing where that is no news."""
    if after is before:
        return ()
    said = Taken(watch=record.watch, incident=record.incident, at=record.at, by=record.by, released=record.released)
    return (said,)


def _heed(state: WatchState, record: Feedback) -> WatchState:
    known = {post.mention: state.memory.known(post.mention) for post in record.posts}
    writers = {mention: story.writer for mention, story in known.items() if _stands(story, mention)}
    return state.knows(learnt.learn(state.learnt, record, writers))


def _stands(story: Story | None, mention: str) -> TypeGuard[Story]:
    return story is not None and story.stands == mention


def _forget(state: WatchState, deletion: Deletion) -> WatchState:
    """Return the state without the text of a deleted mention, or of all of an author; the very same if it has none."""
    memory = erase_author(state.memory, deletion.key) if deletion.author else erase(state.memory, deletion.key)
    if deletion.author and state.watch and "author" in state.watch.group_by:
        state = _nameless(state, deletion.key)
    state = state.knows(learnt.unlearn(state.learnt, deletion.key, author=deletion.author))
    by = number(deletion.key)
    state = _show(state, lambda one: None if by == (one.writer if deletion.author else number(one.mention)) else one)
    return state if memory is state.memory else replace(state, memory=memory)


def _nameless(state: WatchState, author: str) -> WatchState:
    """Return the state in which no incident, and nothing that waits to be told of one, names an author."""
    groups = state.groups.without_author(author)
    others = {life.incident.id for life in groups.lives.values() if life.incident and not life.nameless}
    desks = {address: hold.nameless(desk, others) for address, desk in state.desks.items()}
    return replace(state, groups=groups, desks=desks)


def gone(state: WatchState, record: Forget) -> tuple[Gone, ...]:
    """Return what delivery has to know: posts that may be quoted in messages, and are gone; `state` is that before.

    Of an author these are the posts that stand for their stories, and those that messages show beside them: who wrote
    the others is not known. Of one that is edited, and no longer says what was asked for, these are its former words.
    """
    deletion, memory = record.deletion, state.memory
    if record.edited:
        return _otherwise(state, memory.known(deletion.key), deletion.key, "", deletion.seen)
    if not deletion.author:
        found = [deletion.key] if memory.known(deletion.key) else []
    else:
        by, stories = number(deletion.key), (memory.stories[name] for name in memory.stories)
        stand = {story.stands for story in stories if story.stands and story.writer == by}
        found = sorted(stand | {one.mention for one in _showing(state) if one.writer == by})
    at = max(deletion.seen, state.clock or deletion.seen)
    return (Gone(watch=record.watch, mentions=tuple(found), at=at),) if found else ()


def reworded(state: WatchState, story: Story, match: Match) -> tuple[WatchState, tuple[Gone, ...]]:
    """Return the state that knows the words of a post of `story` as they are now, and what delivery has to know.

    Of posts that neither stand for the story nor are shown the words are not known, so nothing can be said of theirs.
    """
    mention = match.mention
    now = Quote.from_bytes(quote(match).encode()).text
    news = _otherwise(state, story, mention.id, now, mention.seen)
    memory = edit(state.memory, story, match)
    state = state if memory is state.memory else replace(state, memory=memory)
    return _show(state, lambda one: replace(one, words=number(now)) if one.mention == mention.id else one), news


def _otherwise(state: WatchState, story: Story | None, mention: str, now: str, at: datetime) -> tuple[Gone, ...]:
    """Return what delivery has to know of a post whose words are `now` others than it may show; '' if it has none."""
    if state.watch is None:
        return ()
    shown = next((one.words for one in _showing(state) if one.mention == mention), None)
    before = story.quoted if story and story.stands == mention else None
    same = (before is None or not before.text or before.text == now) and shown in (None, number(now))
    return (
        () if same else (Gone(watch=state.watch.id, mentions=(mention,), at=max(at, state.clock or at), edited=True),)
    )


def _showing(state: WatchState) -> Iterator[Shown]:
    for life in (state.life, *state.groups.lives.values()):
        yield from life.shown


def _show(state: WatchState, change: Callable[[Shown], Shown | None]) -> WatchState:
    """Return the state with each post that messages show as `change` makes it; the very same if that is no news."""

    def turned(life: Life) -> Life:
        after = tuple([made for one in life.shown if (made := change(one))])
        return life if after == life.shown else replace(life, shown=after)

    if all(change(one) == one for one in _showing(state)):
        return state
    lives = {name: turned(life) for name, life in state.groups.lives.items()}
    return replace(state, life=turned(state.life), groups=replace(state.groups, lives=lives))


def forgets(gone: Deletion | Edit, watches: Iterable[str], matched: Iterable[Match] = ()) -> tuple[Forget, ...]:
    """Return what tells each of `watches` that a post is gone, or another one now which they have not `matched`.

    Who remembers what was heard before is not known here, so it is told to everybody else.
    """
    if edited := isinstance(gone, Edit):
        about = {"source": gone.source, "seen": gone.seen, "platform": gone.platform, "id": gone.id}
        gone = Deletion.model_validate(about)
    but = {match.watch for match in matched}
    return tuple([Forget(watch=watch, deletion=gone, edited=edited) for watch in watches if watch not in but])
