"""Of a full stream's deletions only those go on whose posts may be held."""

from collections.abc import Callable
from threading import Event
from time import monotonic

import pytest

from agents.ingest import recall as module
from agents.ingest.platforms.bluesky import author_of
from agents.ingest.recall import Recall
from schemas.errors import SourceError
from schemas.settings import load_settings


def wait_for(true: Callable[[], bool]) -> None:
    deadline = monotonic() + 30
    while not true():
        assert monotonic() < deadline
        Event().wait(0.01)


ONE, TWO, THREE = (f"at://did:plc:{name}/app.bsky.feed.post/1" for name in ("one", "two", "three"))


def remembering(monkeypatch: pytest.MonkeyPatch, read: Callable[..., set[str]]) -> Recall:
    monkeypatch.setattr(module, "held_ids", read)
    return Recall(load_settings(), "bluesky", author_of)


def test_what_is_held_is_read_back_once_and_everything_else_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def read(_settings: object, platform: str) -> set[str]:
        reads.append(platform)
        return {ONE}

    found = remembering(monkeypatch, read)
    found.note(TWO)
    wait_for(lambda: not found.may_hold(THREE))
    assert found.may_hold(ONE)
    assert found.may_hold(TWO)
    assert found.may_hold("did:plc:one"), "an author of something that is held"
    assert not found.may_hold("did:plc:three")
    assert reads == ["bluesky"]


def test_where_it_cannot_be_read_back_everything_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def read(_settings: object, platform: str) -> set[str]:
        asked.append(platform)
        raise SourceError("we may not read")

    found = remembering(monkeypatch, read)
    assert found.may_hold(ONE)
    wait_for(lambda: bool(asked))
    assert found.may_hold(THREE)


def test_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    found = remembering(monkeypatch, lambda *_: set())
    for post in (ONE, TWO, THREE):
        found.note(post)
    wait_for(lambda: found._whole is False)
    assert len(found._names) == 4
