"""Reads posts in the replay line format, and says without quoting them what is wrong with those that are none."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from schemas.errors import InvalidMessage
from schemas.event import Post
from schemas.topics import MAX_RAW_BYTES

_many: TypeAdapter[list[Post]] = TypeAdapter(list[Post])
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


def read_posts(body: bytes) -> list[Post]:
    """Return the posts of a request: one object, an array of them, or one a line; all or none.

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
            return [read_post(trimmed)]
        except InvalidPost as error:
            if error.reason != "not-json":
                raise
    return [read_post(line, number) for number, line in lines]


def _read_array(body: bytes) -> list[Post]:
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
        field = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        about = f"`{field}`: {message}" if field else "a post must be a JSON object"
        return InvalidPost("wrong-type", about, **where, field=field or None)
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        return InvalidPost("not-utf8", f"byte {problem.start + 1} is not UTF-8", **where)
    return InvalidPost("not-json", message.removeprefix("Invalid JSON: "), **where)
