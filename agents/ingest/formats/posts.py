"""Reads posts in the replay line format, and says without quoting them what is wrong with those that are none."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter, ValidationError

from schemas.errors import InvalidMessage
from schemas.event import Deletion, Edit, Event, NativeId, Platform, Post
from schemas.model import Heard
from schemas.topics import MAX_RAW_BYTES


class Changed(Post):
    """A post whose text or counts changed: the whole new state, with `"type": "edit"`."""

    type: Literal["edit"]


class Gone(Heard):
    """A post that is to be forgotten, with `"type": "deletion"`; with `author`, all of the author with that id."""

    type: Literal["deletion"]
    platform: Platform
    id: Annotated[NativeId, Field(min_length=1, max_length=500)]
    author: bool = False


def _type(value: Any) -> str:
    """Return which of the three a line is; a platform may have a `type` of its own that means nothing here."""
    written = value.get("type") if isinstance(value, dict) else None
    return written if written in ("edit", "deletion") else "post"


Line = Post | Changed | Gone
_Read = Annotated[
    Annotated[Post, Tag("post")] | Annotated[Changed, Tag("edit")] | Annotated[Gone, Tag("deletion")],
    Discriminator(_type),
]
_many: TypeAdapter[list[Line]] = TypeAdapter(list[_Read])
_line: TypeAdapter[Line] = TypeAdapter(_Read)
_WHITE = b" \t\r\n"


class InvalidPost(InvalidMessage):
    """A post cannot be read: in which `line` (from 1) or `item` of an array (from 1) it stands, and which `field`."""

    def __init__(self, reason: str, detail: str, **where: Any) -> None:
        super().__init__(reason, detail)
        self.where: dict[str, Any] = {name: value for name, value in where.items() if value is not None}


def read_post(line: bytes, number: int | None = None) -> Post:
    """Return the post that one line holds.

    Raises:
        InvalidPost: too-large, not-utf8, not-json or wrong-type; the detail names the field and quotes nothing.
    """
    if len(line) > MAX_RAW_BYTES:
        raise InvalidPost("too-large", f"{len(line)} bytes are more than {MAX_RAW_BYTES}", line=number)
    try:
        return Post.model_validate_json(line)
    except ValidationError as error:
        raise fault_of(error, line, line=number) from None


def delivered(line: Line, source: str, seen: datetime) -> Event | Edit | Deletion:
    """Return what `line` is on the wire."""
    about = {"source": source, "seen": seen}
    if isinstance(line, Gone):
        return Deletion(**about, platform=line.platform, id=line.id, author=line.author)  # type: ignore[arg-type]
    kind = Edit if isinstance(line, Changed) else Event
    return kind.model_validate({**dict(line), **about})


def read_line(line: bytes, number: int | None = None) -> Line:
    """Return the post, edit or deletion that one line holds; raises as `read_post`."""
    if len(line) > MAX_RAW_BYTES:
        raise InvalidPost("too-large", f"{len(line)} bytes are more than {MAX_RAW_BYTES}", line=number)
    try:
        return _line.validate_json(line)
    except ValidationError as error:
        raise fault_of(error, line, line=number) from None


def read_posts(body: bytes) -> list[Line]:
    """Return the posts, edits and deletions of a request: one object, an array of them, or one a line; all or none.

    Raises:
        InvalidPost: there is none, or the first that is wrong.
    """
    trimmed = body.strip(_WHITE)
    if not trimmed:
        raise InvalidPost("not-json", "the body holds no post")
    if trimmed.startswith(b"["):
        return _read_array(body)
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip(_WHITE)]
    if len(lines) > 1 and not lines[0][1].strip(_WHITE).endswith(b"}"):
        # perhaps one object over several lines; if it is not JSON, the lines say better what is wrong
        try:
            return [read_line(trimmed)]
        except InvalidPost as error:
            if error.reason != "not-json":
                raise
    return [read_line(line, number) for number, line in lines]


def _read_array(body: bytes) -> list[Line]:
    try:
        posts = _many.validate_json(body)
    except ValidationError as error:
        location = error.errors(include_url=False, include_input=False)[0]["loc"]
        item = location[0] + 1 if location and isinstance(location[0], int) else None
        raise fault_of(error, body, item=item) from None
    if not posts:
        raise InvalidPost("not-json", "the body holds no post")
    return posts


def fault_of(error: ValidationError, data: bytes, **where: Any) -> InvalidPost:
    """Say what is wrong first; the values themselves stay out, since they are somebody's words."""
    first = error.errors(include_url=False, include_input=False)[0]
    message = str(first["msg"])
    if first["type"] != "json_invalid":
        names = [str(part) for part in first["loc"] if not isinstance(part, int)]
        # which of the three it was read as is no field
        field = ".".join(names[1:] if names and names[0] in ("post", "edit", "deletion") else names)
        wanted = "; write it as 2026-11-23T08:00:00Z" if str(first["type"]).startswith("datetime") else ""
        about = f"`{field}`: {message}{wanted}" if field else "a post must be a JSON object"
        return InvalidPost("wrong-type", about, **where, field=field or None)
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        return InvalidPost("not-utf8", f"byte {problem.start + 1} is not UTF-8", **where)
    told = message.removeprefix("Invalid JSON: ")
    if data.lstrip(_WHITE).startswith(b"[") and where.get("line") is None:
        told = f"{told}; it begins a list: write one post a line, without brackets and commas between them"
    return InvalidPost("not-json", told, **where)
