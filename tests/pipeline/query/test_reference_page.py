"""Every example of the reference page does what the page says."""

import json
import re
from pathlib import Path

import pytest

from pipeline.normalize import normalize
from pipeline.query import Matcher
from pipeline.query.fields import FIELDS
from schemas.event import Event
from tests.pipeline.query.posts import watch

PAGE = Path(__file__).parents[3] / "docs" / "watch-language.md"
TEXT = PAGE.read_text("utf-8").partition("\n## The watch file\n")[0]
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)`(?: `([^`]+)`)? \| `([^`]+)`(?: `([^`]+)`)? \| (.*) \|$", re.MULTILINE)
ROWS = [match.groups() for match in ROW.finditer(TEXT)]


def hears(query: str, text: str, about: str | None) -> bool:
    post = {"platform": "x", "id": "1", "source": "s", "time": "2026-05-04T12:00:00Z", "seen": "2026-05-04T12:00:00Z"}
    event = Event.model_validate_json(json.dumps({**post, "text": text, **json.loads(about or "{}")}))
    return bool(Matcher.compile([watch(query)]).match(normalize(event)))


@pytest.mark.parametrize(("query", "heard", "about", "silent", "but", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_an_example_does_what_the_page_says(
    query: str, heard: str, about: str | None, silent: str, but: str | None, why: str
) -> None:
    assert hears(query, heard, about), why
    assert not hears(query, silent, but), why


def test_every_row_of_the_page_is_an_example() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert len(rows) == len(ROWS)


def test_every_field_has_an_example() -> None:
    queries = " ".join(row[0] for row in ROWS)
    assert [name for name in FIELDS if f"{name}:" not in queries] == []
