"""What people and files tell judge: typed records in the same log as the matches, keyed by watch."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.event import Deletion
from schemas.matcher import Matcher
from schemas.mention import Match
from schemas.model import Record, UtcTime
from schemas.severity import Severity
from schemas.tick import Tick
from schemas.watch import NamedList, Watch


class WatchVersion(Record):
    """A watch as it is from here on; judge ignores a version it already has. `version` is a hash of the content."""

    type: Literal["watch"] = "watch"
    watch: Watch
    version: str
    at: UtcTime


class WatchRemoved(Record):
    """Nobody asks for `watch` any more: judge closes its incident, forgets all, and what still comes is not counted."""

    type: Literal["removed"] = "removed"
    watch: str
    at: UtcTime


class ListVersion(Record):
    """A named list as it is from here on, in `earshot.watches` only: judge does not need it."""

    type: Literal["list"] = "list"
    name: str
    content: NamedList
    at: UtcTime


class Adopted(Record):
    """From the raw record at `offset` on, this partition is matched with the watches up to `position`.

    `position` is in `earshot.watches`: what stands there before it counts, what follows does not. Judge passes it
    over; it is for whoever wants to know what was asked of a post, one that matched nothing included. After a crash or
    a handover some records may be matched again, with another position: then a later `Adopted` covers them too.
    """

    type: Literal["adopted"] = "adopted"
    topic: str
    partition: int
    offset: int
    position: int


class Silence(Record):
    """Until `until` nobody is told what all `matchers` fit, without any nothing of `watch`; all is still counted.

    The same `id` again replaces it; with an `until` that has passed, it ends.
    """

    type: Literal["silence"] = "silence"
    watch: str
    at: UtcTime
    until: UtcTime
    by: str
    reason: str = ""
    id: str = ""
    begins: UtcTime | None = None
    matchers: tuple[Matcher, ...] = ()


class Acknowledge(Record):
    """Somebody takes care of an incident: no updates until it gets worse or is resolved.

    With `released` nobody does any more: `by` gives it back.
    """

    type: Literal["acknowledge"] = "acknowledge"
    watch: str
    incident: str
    at: UtcTime
    by: str
    released: bool = Field(default=False, exclude_if=lambda released: not released)


class Heeded(Record):
    """A post that feedback is about: which words it has, as `pipeline.relevance.terms` returns them, and no text."""

    mention: str
    words: tuple[str, ...] = ()


class Feedback(Record):
    """Somebody says whether an alert was useful or noise; `rule` is what had tripped, `posts` are those it showed.

    What is said again of the same alert takes the place of what was said before.
    """

    type: Literal["feedback"] = "feedback"
    watch: str
    alert: str
    rule: str
    useful: bool
    by: str
    at: UtcTime
    posts: tuple[Heeded, ...] = ()


class Unlearn(Record):
    """Somebody wants what feedback has taught about a watch to be forgotten."""

    type: Literal["unlearn"] = "unlearn"
    watch: str
    by: str
    at: UtcTime


class Forget(Record):
    """A deletion passed on to the watch that matched the post; `edited`: it reads otherwise now, and is not gone."""

    type: Literal["forget"] = "forget"
    watch: str
    deletion: Deletion
    edited: bool = Field(default=False, exclude_if=lambda edited: not edited)


class Gone(Record):
    """What delivery takes out of messages: `mentions` that `watch` knew are gone, and may be quoted. Ids, no words.

    `edited`: they are still there, and their words are others now.
    It goes to every partition of `earshot.alerts`, under the key `gone`: who knows which messages quote them is there.
    """

    type: Literal["gone"] = "gone"
    watch: str
    mentions: tuple[str, ...]
    at: UtcTime
    edited: bool = Field(default=False, exclude_if=lambda edited: not edited)


class Taken(Record):
    """What delivery shows in messages that were sent: `by` takes care of an incident, or (`released`) gives it back.

    It goes to every partition of `earshot.alerts`, under the key `taken`, as with `Gone`.
    """

    type: Literal["taken"] = "taken"
    watch: str
    incident: str
    at: UtcTime
    by: str
    released: bool = Field(default=False, exclude_if=lambda released: not released)


class Inhibitor(Record):
    """An incident of `watch` that may keep what other watches have to say from being told: it is open, or is no more.

    It goes to every partition. `labels` are what it can be recognised by, `at` is when it became so. The same `id`
    again replaces what was known of it.
    """

    type: Literal["inhibitor"] = "inhibitor"
    watch: str
    id: str
    at: UtcTime
    open: bool
    opened: UtcTime
    severity: Severity
    group: dict[str, str] | None = None
    labels: dict[str, tuple[str, ...]] = {}


Judged = Match | Tick | WatchVersion | WatchRemoved | Silence | Acknowledge | Feedback | Unlearn | Forget
"""All that judge acts upon about one watch."""
Logged = Judged | Inhibitor | Adopted
"""All that stands in `earshot.mentions`."""

judged: TypeAdapter[Logged] = TypeAdapter(Annotated[Logged, Field(discriminator="type")])
"""Reads a record of `earshot.mentions`."""
