"""Stories: the near-identical mentions of one watch, folded into one value with one post that stands for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from pipeline.frozen import replace, swift
from pipeline.stories.gathered import first, keep, read
from pipeline.stories.quotation import as_kept, quote
from pipeline.stories.sketch import Sketch, number, pack, same, unpack
from pipeline.stories.spread import Spread, start
from schemas.alert import Quote
from schemas.mention import OWN, Match
from schemas.model import UtcTime
from schemas.retention import may_last
from schemas.topics import PLATFORM_RETENTION_HOURS

KEPT = timedelta(days=7)
"""How long a story is remembered after its last mention."""
HASHES = 256
"""So many identities make a segment, which is stored once and not again with every mention."""
Triples = Annotated[bytes, PlainValidator(pack), PlainSerializer(lambda packed: list(unpack(packed)))]
"""Numbers of triples, packed; a list of them in a row."""
FIRST = (0, 1, 2, 3)
"""The places of the triples by which a story is found, but where these are too common; so of rows of an older form."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The identities of `HASHES` mentions of a story; `heard` is when the last of them was."""

    heard: UtcTime
    hashes: tuple[int, ...]


@swift
@dataclass(frozen=True, slots=True)
class Wording:
    """A text that leads to a story: `triples`, `figures` and `key` of its sketch.

    `leading` are the places of the triples by which the story is found; those that are too many are none.
    """

    triples: Triples
    figures: tuple[int, ...]
    key: int
    leading: tuple[int, ...] = FIRST

    @property
    def leads(self) -> list[int]:
        """The triples by which the story is found."""
        triples = unpack(self.triples)
        if self.leading == FIRST:
            return list(triples[: len(FIRST)])
        return [triples[at] for at in self.leading]


@swift
@dataclass(frozen=True, slots=True)
class Story:
    """One story. `copies` counts all mentions, `own` those about the own brand; `reach` is of all their authors.

    `triples`, `figures` and `key` are the sketch of the text that began it, `root` the post that was reposted in rows
    of the older form; all are numbers; `leading` as in a `Wording`. `also` are other
    wordings of it, `links` the numbers of posts that were passed on and of addresses. `opened` is the earliest post,
    at `first`. `first` and `last` are event times (`last`: of own-brand mentions), `heard` is how late it was when the
    last came. `stands` is the id of the post that stands for the story, '' if its text is gone; `quote` is what may be
    shown of it, `seen` is when it was heard, `writer` a number for who wrote it. Members' identities are in `tail` and
    in the segments numbered `dropped` up to `sealed`; `gathered` is what some of them had, as JSON.
    """

    id: str
    serial: int
    triples: Triples
    figures: tuple[int, ...]
    key: int
    root: int | None
    first: UtcTime
    heard: UtcTime
    last: UtcTime | None = None
    copies: int = 0
    own: int = 0
    reach: int = 0
    quote: Annotated[str, BeforeValidator(as_kept)] = ""
    writer: int | None = None
    seen: UtcTime | None = None
    leading: tuple[int, ...] = FIRST
    tail: tuple[int, ...] = ()
    sealed: int = 0
    dropped: int = 0
    opened: str = ""
    also: tuple[Wording, ...] = ()
    links: tuple[int, ...] = ()
    spread: Spread = Spread()  # noqa: RUF009 - it is never changed
    stands: str = ""
    gathered: str = ""

    @property
    def platform(self) -> str:
        """The platform of the post that stands for the story."""
        return self.stands.partition(":")[0]

    @property
    def quoted(self) -> Quote | None:
        """The post that stands for the story, as an alert shows it."""
        return Quote.from_bytes(self.quote.encode()) if self.quote else None

    @property
    def wordings(self) -> tuple[Wording, ...]:
        """All texts that lead to the story; none where it began with a post that has none."""
        main = (Wording(self.triples, self.figures, self.key, self.leading),) if self.key else ()
        return main + self.also

    def says(self, text: Sketch) -> bool:
        """Tell whether a text is one of those that lead to the story: key, triples and facts are the same."""
        if self.key == text.key and same(text, self.triples, self.figures):
            return True
        return any(one.key == text.key and same(text, one.triples, one.figures) for one in self.also)

    @property
    def expires(self) -> datetime:
        """When the story is to be looked at again: its text or the whole of it has expired then."""
        return expiry(self.heard, self.seen, self.platform)

    def take(self, match: Match, at: datetime) -> "Story":
        """Return the story with one more mention; it is `at`."""
        mention, own = match.mention, match.about(OWN)
        stands = self._gives_way(own, mention.platform)
        last = self.last
        if own:
            last = mention.time if last is None else max(last, mention.time)
        began, opened = min((self.first, self.opened), (mention.time, mention.id))
        spread, gathered = self.spread.take(*_spreads(match)), first(match) if own and mention.metrics else None
        return replace(
            self,
            first=began,
            opened=opened,
            heard=max(self.heard, at),
            last=last,
            copies=self.copies + 1,
            own=self.own + own,
            reach=max(self.reach, spread.reach),
            stands=mention.id if stands else self.stands,
            quote=quote(match) if stands else self.quote,
            writer=writer(match) if stands else self.writer,
            seen=at if stands else self.seen,
            tail=(*self.tail, number(mention.id)),
            spread=spread,
            gathered=keep(self.gathered, gathered) if gathered else self.gathered,
        )

    def join(self, other: "Story") -> "Story":
        """Return the story when it has turned out that `other` is the same; texts and links are not looked at."""
        stands = bool(other.stands) and self._gives_way(bool(other.own), other.platform)
        began, opened = min((self.first, self.opened), (other.first, other.opened))
        spread = self.spread.join(other.spread)
        return replace(
            self,
            first=began,
            opened=opened,
            heard=max(self.heard, other.heard),
            last=max((one.last for one in (self, other) if one.last is not None), default=None),
            copies=self.copies + other.copies,
            own=self.own + other.own,
            reach=max(self.reach, other.reach, spread.reach),
            stands=other.stands if stands else self.stands,
            quote=other.quote if stands else self.quote,
            writer=other.writer if stands else self.writer,
            seen=other.seen if stands else self.seen,
            tail=self.tail + other.tail,
            sealed=self.sealed + other.sealed - other.dropped,
            spread=spread,
            gathered=keep(self.gathered, *read(other.gathered)) if other.gathered else self.gathered,
        )

    def _gives_way(self, own: bool, platform: str) -> bool:
        """Tell whether a post stands for the story rather than the one that does."""
        # one about the own brand rather than one about a competitor
        stands = not self.stands or (own and not self.own)
        if self.stands and not may_last(self.platform) and may_last(platform):
            # and one that may be quoted rather than one that may not
            stands = stands or own or not self.own
        return stands


def begin(
    match: Match, text: Sketch, links: tuple[int, ...], at: datetime, index: tuple[int, tuple[int, ...]]
) -> Story:
    """Return the story that `match` begins; its id is made from the mention's. `index` is its serial and `leading`."""
    mention, own = match.mention, match.about(OWN)
    spread, gathered = start(*_spreads(match)), first(match) if own and mention.metrics else None
    return Story(
        id=named_by(number(mention.id)),
        serial=index[0],
        triples=text.triples,
        figures=text.figures,
        key=text.key,
        root=None,
        first=mention.time,
        heard=at,
        last=mention.time if own else None,
        copies=1,
        own=int(own),
        reach=spread.reach,
        stands=mention.id,
        quote=quote(match),
        writer=writer(match),
        seen=at,
        leading=index[1],
        tail=(number(mention.id),),
        opened=mention.id,
        links=links,
        spread=spread,
        gathered=keep("", gathered) if gathered else "",
    )


def named_by(identity: int) -> str:
    """Return the id of the story that a mention with this number begins."""
    return f"{identity:016x}"


def _spreads(match: Match) -> tuple[str, int, int | None, tuple[int, int] | None]:
    """Return the platform, the hour, the author if he may be known, and how many read him, where that is told."""
    mention, author = match.mention, match.mention.author
    time = mention.time
    name = (author.id or author.name) if author and may_last(mention.platform) else None
    by = number(f"{mention.platform}:{name}") if name else None
    read = (author.followers, by or number(mention.id)) if author and author.followers else None
    return mention.platform, time.toordinal() * 24 + time.hour, by, read


def writer(match: Match) -> int | None:
    """Return a number for the author of a mention, by which all of theirs can be forgotten; None where unknown."""
    author = match.mention.author
    return number(f"{match.mention.platform}:{author.id}") if author and author.id else None


def story_row(story: str) -> str:
    """Return the name of the row that holds a story."""
    return f"story/{story}"


def members_row(story: str, segment: int) -> str:
    """Return the name of the row that holds a segment of a story's identities."""
    return f"members/{story}/{segment}"


def expiry(heard: datetime, seen: datetime | None, platform: str) -> datetime:
    """Return when a story or the text that stands for it expires, which was `seen` on `platform`."""
    end = heard + KEPT
    return min(end, seen + _text_kept(platform)) if seen and platform else end


_TEXT_KEPT = {
    # what may not last has no text here, and its link may stay
    platform: timedelta(hours=hours) if may_last(platform) else KEPT
    for platform, hours in PLATFORM_RETENTION_HOURS.items()
}


def _text_kept(platform: str) -> timedelta:
    return _TEXT_KEPT.get(platform, _TEXT_KEPT["other"])
