"""Group: whose incident a signal belongs to, where a watch tells its incidents apart (`group_by`), and all that live.

A signal belongs where its rule has measured: what trips on single mentions belongs to the group of the mention, what is
counted `per` something to the group of that, anything else to the own brand as a whole – its label `entity` is `own`,
others it has not. What has none of the labels belongs to the watch's one incident, as all does without `group_by`.

At most `MOST` groups have an incident of their own at a time; whatever more there is shares one, which says how many
they are. Nothing of it is dropped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pipeline.detect import About
from pipeline.frozen import replace
from pipeline.incidents import escalate
from pipeline.incidents.abroad import NOWHERE, Abroad
from pipeline.incidents.escalate import Due
from pipeline.incidents.life import NAMELESS, Life, Mentions
from pipeline.windows.heard import author, hashtags, number, site
from pipeline.windows.window import milliseconds
from schemas.handling import GroupKey
from schemas.incident import Incident, IncidentState
from schemas.mention import OWN, Match, SentimentClass
from schemas.retention import may_last
from schemas.watch import Watch

MOST = 64
"""So many groups of a watch have an incident of their own at the same time."""
MOST_CROWD = 1000
"""Of the groups that share an incident so many are told apart; of more it is said that there are so many."""
MOST_TALES = 64
"""So many stories of a group are told apart."""
MOST_ENTRIES = 512
"""So many of the latest mentions are remembered by their groups: what an incident opens with."""
MOST_VALUES = 8
WHOLE, OTHERS = "", "others"
"""The names of the watch's one incident, and of the one that is shared."""

Marks = Mapping[GroupKey, tuple[tuple[str, str], ...]]
"""What a mention is known by: of each label the values, each with how it is shown to people."""
Entry = tuple[int, int, int, bool, str]
"""A mention that was heard: when (ms), the numbers of its group and its story, whether it is negative, the platform."""


class Group(NamedTuple):
    """A group: its name, which no other has, and its labels as people are shown them."""

    name: str
    labels: dict[str, str]

    @property
    def broad(self) -> bool:
        """Tell whether it is the own brand as a whole, so that the watch's own windows count it."""
        return self.labels.keys() <= {"entity"} and self.labels.get("entity", OWN) == OWN


def marks_of(match: Match, story: str) -> Marks:
    """Return what a match is known by."""
    mention = match.mention
    found: dict[GroupKey, tuple[tuple[str, str], ...]] = {
        "platform": ((mention.platform, mention.platform),),
        "entity": tuple((one.entity, one.entity) for one in match.entities),
        "story": ((story, story),),
    }
    if who := author(match):
        about = mention.author
        shown = (about.name or about.id) if about and may_last(mention.platform) else None
        found["author"] = ((who, shown or mention.platform),)
    if where := site(match):
        found["site"] = ((where, where),)
    if tags := hashtags(match):
        found["hashtag"] = tuple((tag, tag) for tag in tags[:MOST_VALUES])
    return found


def marks_about(about: About, marks: Marks, value: str | None = None) -> Iterator[Marks]:
    """Yield what the signals of a rule are known by that is `about` something, at a mention with such `marks`.

    One for each value that the rule counts by, or only for `value`.
    """
    own: Marks = {"entity": ((OWN, OWN),)}
    match about:
        case "":
            yield own
        case "mention" | "post":
            first: Marks = {label: values[:1] for label, values in marks.items()}
            yield {**first, **own} if (OWN, OWN) in marks.get("entity", ()) else first
        case _:
            for found in marks.get(about, ()):
                if value is None or about == "author" or found[0] == value:
                    more: Marks = {"platform": marks["platform"]} if about == "author" else {}
                    yield {**own, **more, about: (found,)}


def group_of(keys: Sequence[GroupKey], marks: Marks) -> Group:
    """Return the group of what has one value of each label."""
    found = {key: marks[key][0] for key in keys if key in marks}
    name = " ".join(f"{key}={_named(key, value)}" for key, (value, _) in found.items())
    return Group(name, {key: shown for key, (_, shown) in found.items()})


def _named(key: str, value: str) -> str:
    """Return a value as it stands in the name of a group: no person's does."""
    return f"{number(value):08x}" if key == "author" else value


@dataclass(frozen=True, slots=True)
class Groups:
    """The lives of the groups that have an incident, by their names, and the `trail`: what was heard of groups lately.

    `held` is how many signals the incidents of other watches have held back, by their ids, and `abroad` are those that
    are open. The silences of a life are the watch's and not kept here; `dues` is what happens to each next.
    """

    lives: Mapping[str, Life] = field(default_factory=dict)
    trail: tuple[Entry, ...] = ()
    dues: Mapping[str, Due] = field(default_factory=dict, compare=False)
    held: Mapping[str, int] = field(default_factory=dict)
    abroad: Abroad = field(default=NOWHERE, compare=False)

    def __bool__(self) -> bool:
        """Tell whether there is anything to be kept."""
        return bool(self.lives or self.trail or self.held)

    @property
    def open(self) -> Iterator[tuple[str, Incident]]:
        """The incidents that are not resolved, by the names of their groups."""
        return ((name, found) for name, life in self.lives.items() if (found := life.open))

    @property
    def first(self) -> tuple[Due, str] | None:
        """What is due first, and in which group."""
        return min(((due, name) for name, due in self.dues.items()), default=None) if self.dues else None

    def stored_as(self, other: "Groups") -> bool:
        """Tell whether both have the same row, for sure; cheap."""
        same = self.lives is other.lives and self.trail is other.trail and self.held is other.held
        return same or not (self or other)

    def put(self, name: str, life: Life, watch: Watch, whole: Life) -> "Groups":
        """Return them with another life of a group, under the silences of `whole`; what is closed is forgotten."""
        lives, dues = self.lives, {known: due for known, due in self.dues.items() if known != name}
        if life.incident is None or life.incident.state is IncidentState.CLOSED:
            if name in lives:
                lives = {known: one for known, one in lives.items() if known != name}
            return replace(self, lives=lives, dues=dues)
        kept = replace(life, silences=(), silenced=None)
        if kept != lives.get(name):
            lives = {**lives, name: kept}
        if due := escalate.upcoming(under(life, whole), watch):
            dues[name] = due
        return replace(self, lives=lives, dues=dues)

    def reckon(self, watch: Watch | None, whole: Life) -> "Groups":
        """Return them with what is due as the watch, and its silences, are now; the very same if there are none."""
        if not self.lives or watch is None:
            return self
        found = {name: escalate.upcoming(under(life, whole), watch) for name, life in self.lives.items()}
        return replace(self, dues={name: due for name, due in found.items() if due})

    def hear(self, match: Match, group: Group, story: str, oldest: datetime) -> "Groups":
        """Return them when a mention of a group was heard; what is older than `oldest` is forgotten."""
        time, since = milliseconds(match.mention.time), milliseconds(oldest)
        negative = match.sentiment.label is SentimentClass.NEGATIVE
        entry = (time, number(group.name), number(story), negative, match.mention.platform)
        trail = sorted([*(one for one in self.trail if one[0] > since), entry])[-MOST_ENTRIES:]
        return replace(self, trail=tuple(trail))

    def heard(self, group: Group, since: datetime, until: datetime) -> tuple[Mentions, tuple[int, ...]]:
        """Return what was heard of a group later than `since`, and its stories."""
        wanted, after, last = number(group.name), milliseconds(since), milliseconds(until)
        found = [one for one in self.trail if one[1] == wanted and after < one[0] <= last]
        tales = tuple(dict.fromkeys(one[2] for one in found))
        platforms: dict[str, int] = {}
        for one in found:
            platforms[one[4]] = platforms.get(one[4], 0) + 1
        return Mentions(len(found), len(tales), sum(one[3] for one in found), platforms), tales[:MOST_TALES]

    def without_author(self, author: str) -> "Groups":
        """Return them without the name of an author (`platform:id`) who wants to be forgotten; the very same if none.

        The incident stays: its group has a number for it.
        """
        part = f"author={number(author):08x}"
        found = {name for name in self.lives if part in name.split(" ")}
        lives = {name: _nameless(life) if name in found else life for name, life in self.lives.items()}
        return replace(self, lives=lives) if found else self

    def room(self, group: Group) -> str:
        """Return under which name the incident of a group lives, or would."""
        if group.name in self.lives or group.broad:
            return group.name
        shared = self.lives.get(OTHERS)
        if shared and shared.open and number(group.name) in shared.crowd:
            return OTHERS
        return group.name if sum(name != OTHERS for name in self.lives) < MOST else OTHERS


NO_GROUPS = Groups()


def _nameless(life: Life) -> Life:
    if life.incident is None or life.incident.group is None:
        return life
    group = life.incident.group | {"author": NAMELESS}
    return replace(life, incident=life.incident.model_copy(update={"group": group}))


def under(life: Life, whole: Life) -> Life:
    """Return the life of a group under the silences of its watch, which are those of `whole`."""
    return replace(life, silences=whole.silences, silenced=whole.silenced)
