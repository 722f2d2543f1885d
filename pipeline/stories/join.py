"""Join: what a mention says about which stories are one, and the memory in which they are.

That stories are joined when a later mention shows it makes folding independent of the order of arrival: a story is all
that hangs together by identity, reposting, address, and same or near-identical text. The limits on how many wordings
and links one story remembers (`WORDINGS`, `LINKS`) and one triple leads to (`index.CROWD`) are where that ends.
"""

from collections.abc import Sequence

from pipeline.frozen import replace
from pipeline.stories.canonical import canonical
from pipeline.stories.index import equal, lead, leading, named, take_out, word
from pipeline.stories.memory import Draft
from pipeline.stories.sketch import Sketch, number
from pipeline.stories.story import Story, Wording, members_row, story_row
from schemas.mention import Mention

WORDINGS = 8
LINKS = 32


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


def join(draft: Draft, story: Story, others: Sequence[Story], text: Sketch, links: tuple[int, ...]) -> Story:
    """Return the story when `others` are the same, and let `text` and `links` lead to it from now on."""
    tables = draft.tables
    wordings, leads = [], [link for link in links if link not in tables.roots and link not in tables.members]
    if text.key and not equal(tables, text):
        wordings.append(Wording(text.triples, text.figures, text.key))
    for other in others:
        _take_in(draft, story, other)
        story = story.join(other)
        wordings += other.wordings
        leads += [link for link in (other.root, *other.links) if link]
    if leads := leads[: max(0, LINKS - len(story.links))]:
        lead(draft, story.id, leads)
        story = replace(story, links=(*story.links, *leads))
    for one in wordings[: max(0, WORDINGS - 1 - len(story.also))]:
        places = leading(named(tables, one.triples), one.triples, story.id)
        wording = Wording(one.triples, one.figures, one.key, places)
        word(draft, story.id, wording)
        story = replace(story, also=(*story.also, wording))
    return story


def _take_in(draft: Draft, story: Story, other: Story) -> None:
    """Let the members of `other` be those of `story`, and forget the rest of it."""
    take_out(draft, [other])
    tables, log, members = draft.tables, draft.log, list(other.tail)
    draft.touch(story_row(other.id), stored=True)
    for at in range(other.dropped, other.sealed):
        was, name = members_row(other.id, at), members_row(story.id, story.sealed + at - other.dropped)
        segment = tables.segments[was]
        members += segment.hashes
        log.drop(tables.segments, was)
        log.put(tables.segments, name, segment)
        draft.touch(was, stored=True)
        draft.touch(name, stored=False)
    log.drop(tables.stories, other.id)
    for member in members:
        log.put(tables.members, member, story.id)
