"""The entries that the pages about sources show are read as they stand there."""

import re
from pathlib import Path

import pytest

from agents.ingest.source import parse_sources
from schemas.settings import load_settings

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "sources.md", *sorted((DOCS / "sources").glob("*.md"))]
SHOWN = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
    # what a person has to fill in is no value yet
    if "…" not in block
]


@pytest.mark.parametrize("block", SHOWN)
def test_what_is_shown_is_read(block: str) -> None:
    text = block if block.startswith("sources:") else f"sources:\n{block}"
    assert parse_sources(text, load_settings())
