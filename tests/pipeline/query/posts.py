"""What the tests of this folder are made from: posts, watches, mentions."""

from datetime import UTC, datetime
from typing import Any

from pipeline.normalize import normalize
from schemas.event import Author, Event
from schemas.mention import Mention
from schemas.watch import Competitor, Watch

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def heard(text: str, **about: Any) -> Mention:
    """A mention of `text`; `about` are fields of the event, and `author` may be a bare name."""
    author = about.pop("author", None)
    author = Author(name=author) if isinstance(author, str) else author
    fields = {"platform": "x", "id": "1", "source": "test", "time": NOON, "seen": NOON, **about}
    return normalize(Event(text=text, author=author, **fields))


def watch(query: str, name: str = "w", **competitors: str) -> Watch:
    """A watch for `query`, with the queries of its competitors by their names."""
    return Watch.model_validate(
        {
            "id": name,
            "purpose": {"goal": "reputation", "measure": "answers within the hour"},
            "query": query,
            "rules": ({"kind": "count"},),
            "owner": "press office",
            "routes": ({"channel": "console"},),
            "competitors": tuple(Competitor(name=rival, query=text) for rival, text in competitors.items()),
        }
    )
