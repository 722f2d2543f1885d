"""What Hacker News' search (hn.algolia.com) answers: stories and comments."""

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from agents.ingest.formats.plaintext import plain
from agents.ingest.platforms.payload import in_lines
from schemas.errors import InvalidMessage
from schemas.event import Author, Post

PLATFORM = "hackernews"


def post_of(hit: Any) -> Post:
    """Return the post that a hit of the search is: a story with its title and text, or a comment.

    Raises:
        InvalidMessage: `wrong-type`: it lacks an id, a time or a text.
    """
    if not isinstance(hit, dict):
        raise InvalidMessage("wrong-type", "a hit is no object")
    title = _text(hit, "title") or None
    text = plain(_text(hit, "comment_text") or _text(hit, "story_text"))
    counts = {"likes": hit.get("points"), "comments": hit.get("num_comments")}
    author = _text(hit, "author")
    parent = hit.get("parent_id")
    try:
        return Post(
            platform=PLATFORM,
            id=hit.get("objectID"),  # type: ignore[arg-type]
            time=datetime.fromtimestamp(int(hit.get("created_at_i")), UTC),  # type: ignore[arg-type]
            # a shared link is a part of what was said
            text=in_lines(text or title, hit.get("url")),
            title=title if text else None,
            author=Author(id=author, name=author) if author else None,
            url=f"https://news.ycombinator.com/item?id={hit.get('objectID')}",
            metrics={name: count for name, count in counts.items() if isinstance(count, int)} or None,
            in_reply_to=parent if isinstance(parent, int) and "comment_text" in hit else None,  # type: ignore[arg-type]
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidMessage("wrong-type", f"`{first['loc'][0]}` of a hit: {first['msg']}") from None
    except (TypeError, ValueError, OverflowError, OSError):
        raise InvalidMessage("wrong-type", "`created_at_i` of a hit is no time") from None


def _text(hit: dict[str, Any], name: str) -> str:
    value = hit.get(name)
    return value if isinstance(value, str) else ""
