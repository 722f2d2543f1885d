"""An outline says of a story what the story says of itself, in rows of every form there has been."""

import json
from pathlib import Path

import pytest

from pipeline.form import STORY, memory_row, read_story
from pipeline.stories.outline import read_outline
from tests.pipeline.timeline import Timeline

STORED = sorted((Path(__file__).parent.parent / "stored").glob("*.json"))


def told() -> list[tuple[str, bytes]]:
    """Return the rows of stories: of the stored forms, and of today's."""
    line = Timeline()
    line.post(1, "Der Zug nach Ulm fällt heute wieder aus, sagt die Bahn", id="first")
    line.post(2, "RT @db: der zug nach ulm faellt heute wieder aus, sagt die bahn", id="again")
    line.post(3, "Kurz", id="short")
    line.post(4, "", id="silent")
    memory = line.state.memory
    today = [(f"now-{name}", memory_row(memory, f"{STORY}{name}") or b"") for name in memory.stories]
    files = [(path.stem, json.loads(path.read_text("utf-8"))["rows"]) for path in STORED]
    stored = [
        (f"{form}-{name}", row.encode()) for form, rows in files for name, row in rows.items() if name.startswith(STORY)
    ]
    return today + stored


ROWS = told()


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])
def test_an_outline_says_what_the_story_says(row: bytes) -> None:
    story, outline = read_story(row), read_outline(row)
    same = ("id", "serial", "root", "heard", "tail", "sealed", "dropped", "links", "expires")
    assert [getattr(outline, name) for name in same] == [getattr(story, name) for name in same]
    assert [(one.key, one.leads) for one in outline.wordings] == [(one.key, one.leads) for one in story.wordings]
    assert outline.platform == story.platform
