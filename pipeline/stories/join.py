"""Join: what a mention says about which stories are one, and the memory in which they are.

That stories are joined when a later mention shows it makes folding independent of the order of arrival: a story is all
that hangs together by identity, reposting, address, and same or near-identical text. The limits on how many wordings
and links one story remembers (`WORDINGS`, `LINKS`) and one band names (`CANDIDATES`) are where that ends.
"""

from collections.abc import Mapping, Sequence

from pipeline.frozen import replace
from pipeline.stories.canonical import canonical
from pipeline.stories.memory import Memory, lead, named, take_out, word
from pipeline.stories.sketch import Sketch, number
from pipeline.stories.story import Story, Wording, members_row, story_row
from schemas.mention import Mention

WORDINGS = 8
LINKS = 32
CANDIDATES = 16
"""How many stories one band names, the first ones; template texts would fill it with thousands."""


def links_of(mention: Mention) -> tuple[int, ...]:
    """Return the numbers of the posts that a mention passes on or quotes, and of its address."""
    posts = [number(f"{mention.platform}:{post}") for post in (mention.repost_of, mention.quote_of) if post]
    if mention.url and not _says_only_which(mention, mention.url) and (page := canonical(mention.url)):
        posts.append(number(f"page {page}"))
    return tuple(posts)


def _says_only_which(mention: Mention, url: str) -> bool:
    """Tell whether an address names the post as its id does, so that it leads nowhere that the id does not."""
    native = mention.id.partition(":")[2].rpartition("/")[2]
    return mention.platform != "web" and len(native) > 5 and native in url


def room(known: Mapping[int, tuple[str, ...]], story: str = "") -> tuple[int, ...]:
    """Return which of a wording's bands can still name a story: stored, so that a restored memory finds the same."""
    return tuple([at for at, names in enumerate(known.values()) if len(names) < CANDIDATES and story not in names])


def join(
    memory: Memory, story: Story, others: Sequence[Story], text: Sketch, links: tuple[int, ...]
) -> tuple[Memory, Story]:
    """Return the memory and the story when `others` are the same, and `text` and `links` lead to it from now on."""
    wordings, leads = [], [link for link in links if link not in memory.roots and link not in memory.members]
    if text.key and text.key not in memory.texts:
        wordings.append(Wording(text.triples, text.figures, text.key))
    for other in others:
        memory = _take_in(memory, story, other)
        story = story.join(other)
        wordings += other.wordings
        leads += [link for link in (other.root, *other.links) if link]
    if leads := leads[: max(0, LINKS - len(story.links))]:
        memory, story = lead(memory, story.id, leads), replace(story, links=(*story.links, *leads))
    for one in wordings[: max(0, WORDINGS - 1 - len(story.also))]:
        known = named(memory, one.triples)
        banded = Wording(one.triples, one.figures, one.key, room(known, story.id))
        memory, story = word(memory, story.id, banded, known), replace(story, also=(*story.also, banded))
    return memory, story


def _take_in(memory: Memory, story: Story, other: Story) -> Memory:
    """Let the members of `other` be those of `story`, and forget the rest of it."""
    memory = take_out(memory, [other])
    segments, touched, members = memory.segments, memory.touched.set(story_row(other.id), None), list(other.tail)
    for at in range(other.dropped, other.sealed):
        was, name = members_row(other.id, at), members_row(story.id, story.sealed + at - other.dropped)
        segment = segments[was]
        members += segment.hashes
        segments, touched = segments.delete(was).set(name, segment), touched.set(was, None).set(name, None)
    return replace(
        memory,
        stories=memory.stories.delete(other.id),
        segments=segments,
        members=memory.members.update(dict.fromkeys(members, story.id)),
        touched=touched,
    )
