"""What X's payloads mean: posts of the stream, of searches, of mentions and of webhooks; activity events; compliance.

X renames its fields one endpoint at a time: a post holds `edit_history_tweet_ids` or `edit_history_post_ids`,
`referenced_tweets` or `referenced_posts`, `note_tweet` or `note_post`. Both are read everywhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, TypeAdapter, ValidationError

from agents.ingest.platforms.payload import moment
from agents.ingest.platforms.x_links import written_out
from schemas.errors import InvalidMessage
from schemas.event import Author, Deletion, Edit, Event, NativeId
from schemas.model import Heard, UtcTime

PLATFORM = "x"
EPOCH_MS = 1_288_834_974_657
"""When the first id that holds a time was given (milliseconds since 1970)."""
_METRICS = {
    "like_count": "likes",
    "reply_count": "replies",
    "retweet_count": "reposts",
    "repost_count": "reposts",
    "quote_count": "quotes",
    "bookmark_count": "bookmarks",
    "impression_count": "impressions",
}
_POSTS = ("post.create", "post.mention.create", "post.reply.create", "post.quote.create", "post.repost.create")


def _unwrapped(value: Any) -> Any:
    """Read a user that stands in a `data` of its own, as some events have it."""
    return value["data"] if isinstance(value, dict) and isinstance(value.get("data"), dict) else value


class Reference(Heard):
    """Another post that a post is about: replied_to, quoted, retweeted."""

    type: str
    id: NativeId


class Long(Heard):
    """The whole text of a post of more than 280 characters."""

    text: str = ""
    entities: Any = None


class Attachments(Heard):
    """What hangs on a post."""

    media_keys: list[str] = []


class Geo(Heard):
    """Where a post was written."""

    place_id: str | None = None


class XPost(Heard):
    """A post as X gives it, in either generation of names."""

    id: NativeId = Field(min_length=1)
    text: str = ""
    author_id: NativeId | None = None
    created_at: UtcTime | None = None
    lang: str | None = None
    entities: Any = None
    public_metrics: dict[str, Any] = {}
    attachments: Attachments = Attachments()
    geo: Geo = Geo()
    history: list[NativeId] = Field(
        default=[], validation_alias=AliasChoices("edit_history_tweet_ids", "edit_history_post_ids")
    )
    references: list[Reference] = Field(
        default=[], validation_alias=AliasChoices("referenced_tweets", "referenced_posts")
    )
    note: Long = Field(default=Long(), validation_alias=AliasChoices("note_tweet", "note_post"))

    def of(self, kind: tuple[str, ...]) -> str | None:
        """Return the id of the first post that this one refers to in one of these ways."""
        return next((one.id for one in self.references if one.type in kind), None)


class XUser(Heard):
    """A user as X gives it."""

    id: NativeId
    username: str | None = None
    verified: bool = False
    created_at: Any = None
    public_metrics: dict[str, Any] = {}


class Place(Heard):
    """A place that a post is tagged with."""

    id: str
    country_code: str | None = None


class Includes(Heard):
    """What comes beside posts because it was asked for: `expansions`."""

    users: list[Annotated[XUser, BeforeValidator(_unwrapped)]] = []
    posts: list[XPost] = Field(default=[], validation_alias=AliasChoices("tweets", "posts"))
    places: list[Place] = []


_post = TypeAdapter(XPost)
_includes = TypeAdapter(Includes)


@dataclass(frozen=True, slots=True)
class Seen:
    """By which configured source something was heard, and when."""

    source: str
    at: datetime
    backfill: bool = False


def read_post(data: Any, includes: Any, seen: Seen) -> Event:
    """Return the post that `data` holds, as an `Edit` where it is a later version of one.

    All versions of a post have the id of the first, which is how an edit finds what it changes.

    Raises:
        InvalidMessage: wrong-type; the detail names the field and quotes nothing.
    """
    try:
        post = _post.validate_python(data, strict=False)
        beside = _includes.validate_python(includes or {}, strict=False)
        first = post.history[0] if post.history else post.id
        made = Edit if first != post.id else Event
        return made.model_validate(
            {
                "platform": PLATFORM,
                "id": first,
                "time": post.created_at or time_of(post.id, seen.at),
                "text": _text(post, beside),
                "lang": post.lang,
                "author": _author(post, beside),
                "url": f"https://x.com/{_name(post, beside) or 'i'}/status/{post.id}",
                "metrics": _metrics(post.public_metrics),
                "in_reply_to": post.of(("replied_to",)),
                "repost_of": post.of(("retweeted", "reposted")),
                "quote_of": post.of(("quoted",)),
                "country": next((place.country_code for place in beside.places if place.id == post.geo.place_id), None),
                "media": bool(post.attachments.media_keys),
                "source": seen.source,
                "seen": seen.at,
                "backfill": seen.backfill,
            }
        )
    except ValidationError as error:
        first_error = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first_error["loc"] if not isinstance(part, int)) or "post"
        raise InvalidMessage("wrong-type", f"`{field}`: {first_error['type']}") from None


def read_page(page: Any, seen: Seen) -> Iterator[Event | InvalidMessage]:
    """Yield the posts of an answer to a search, oldest first; one that cannot be read does not hold up the others.

    Raises:
        InvalidMessage: the answer as a whole is not what it should be.
    """
    if not isinstance(page, dict) or not isinstance(page.get("data", []), list):
        raise InvalidMessage("wrong-type", "the answer holds no list of posts")
    for data in reversed(page.get("data", [])):
        try:
            yield read_post(data, page.get("includes"), seen)
        except InvalidMessage as error:
            yield error


def read_activity(event: Any, seen: Seen) -> Event | Deletion | None:
    """Return what an event of the Activity API says; nothing where it is about something else.

    Raises:
        InvalidMessage: it is not what its type says.
    """
    if not isinstance(event, dict) or not isinstance(event.get("payload"), dict):
        raise InvalidMessage("wrong-type", "the event has no payload")
    kind, payload = event.get("event_type"), event["payload"]
    if kind == "post.delete":
        return _deletion(payload.get("id"), seen)
    return read_post(payload, event.get("includes"), seen) if kind in _POSTS else None


def read_compliance(line: Any, seen: Seen) -> Deletion:
    """Return what a line of a compliance job's result demands.

    Whatever the reason (deleted, suspended, protected, or only the place withdrawn), what we hold is no longer right.

    Raises:
        InvalidMessage: it names no post.
    """
    if not isinstance(line, dict):
        raise InvalidMessage("wrong-type", "a line of the result is no object")
    return _deletion(line.get("id"), seen)


def problems(answer: Any) -> tuple[str, ...]:
    """Return what is wrong by X's own short names: TooManyConnections, operational-disconnect, Not Found Error."""
    if not isinstance(answer, dict):
        return ()
    listed = answer.get("errors")
    found = [answer, *(listed if isinstance(listed, list) else ())]
    names = (
        next((one[name] for name in ("connection_issue", "disconnect_type", "title") if one.get(name)), None)
        for one in found
        if isinstance(one, dict)
    )
    return tuple(str(name)[:80] for name in names if name)


def id_at(time: datetime) -> int:
    """Return the least id that a post of `time` can have.

    >>> time_of(str(id_at(datetime(2026, 7, 24, tzinfo=UTC))), datetime.min).isoformat()
    '2026-07-24T00:00:00+00:00'
    """
    return max(0, int(time.timestamp() * 1000) - EPOCH_MS) << 22


def time_of(native_id: str, otherwise: datetime) -> datetime:
    """Return when the post with this id was written; `otherwise` for ids that hold no time."""
    if not (native_id.isascii() and native_id.isdecimal() and 1 << 22 <= int(native_id) < 1 << 63):
        return otherwise
    return datetime.fromtimestamp(EPOCH_MS / 1000, UTC) + timedelta(milliseconds=int(native_id) >> 22)


def _deletion(native_id: Any, seen: Seen) -> Deletion:
    if not isinstance(native_id, str | int) or isinstance(native_id, bool) or not str(native_id):
        raise InvalidMessage("wrong-type", "`id`: what is to be deleted has none")
    return Deletion(platform=PLATFORM, id=str(native_id), source=seen.source, seen=seen.at)


def _text(post: XPost, beside: Includes) -> str:
    """Return the whole text, links written out: of a long post what follows the cut, of a repost what is reposted."""
    original = post.of(("retweeted", "reposted"))
    whole = next((one for one in beside.posts if one.id == original), post) if original else post
    return written_out(whole.note.text, whole.note.entities) or written_out(whole.text, whole.entities)


def _user(post: XPost, beside: Includes) -> XUser | None:
    return next((user for user in beside.users if user.id == post.author_id), None)


def _name(post: XPost, beside: Includes) -> str | None:
    user = _user(post, beside)
    return user.username if user else None


def _author(post: XPost, beside: Includes) -> Author | None:
    if (user := _user(post, beside)) is None:
        return Author(id=post.author_id) if post.author_id else None
    followers = user.public_metrics.get("followers_count")
    known = followers if isinstance(followers, int) and followers >= 0 else None
    created = moment(user.created_at)
    return Author(id=user.id, name=user.username, followers=known, verified=user.verified, created=created)


def _metrics(counts: Mapping[str, Any]) -> dict[str, float] | None:
    found = {ours: float(counts[name]) for name, ours in _METRICS.items() if isinstance(counts.get(name), int)}
    return found or None


def newest(posts: Iterable[Event]) -> int:
    """Return the largest id, 0 where there is none."""
    return max((int(post.id) for post in posts if post.id.isdecimal()), default=0)
