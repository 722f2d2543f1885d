"""The sources file: what people write, and the one clear error for each thing that can be wrong."""

import pytest

from agents.ingest.source import load_sources, parse_sources, sources
from schemas.errors import ConfigError
from schemas.settings import load_settings

SETTINGS = load_settings(sources="s.yml")


def test_entries_become_sources() -> None:
    text = """
    sources:
      - {id: push, kind: webhook}
      - {id: old, kind: replay, path: a.jsonl, speed: 60, max_pause: 1m30s}
      - {id: news, kind: rss, url: "https://example.org/feed", every: 10m}
    """
    push, old, news = parse_sources(text, SETTINGS)
    assert [type(source) for source in (push, old, news)] == [sources()[kind] for kind in ("webhook", "replay", "rss")]
    assert (old.config.max_pause, news.config.every) == (90.0, 600.0)
    assert (old.ordered, news.ordered) == (True, False)


@pytest.mark.parametrize(
    ("text", "message", "sentence"),
    [
        ("", "s.yml:1: the file is empty", "nothing"),
        ("sources: []", "s.yml:1: `sources` must be a list of at least one source", "no source"),
        ("watches: []", "s.yml:1: `watches` is not a field here", "another file"),
        ("source:\n- {}", "did you mean `sources`?", "misspelt at the top"),
        ("sources:\n- 3", "s.yml:2: `sources[0]` must be a group of fields", "no entry"),
        ("sources:\n- id: a", "s.yml:2: `sources[0].kind` is missing", "no kind"),
        (
            "sources:\n- id: a\n  kind: rrs",
            "s.yml:3: `sources[0].kind` is `rrs`, which is no kind of source (did you mean `rss`?)",
            "a kind misspelt",
        ),
        (
            "sources:\n- id: a\n  kind: Twitter",
            "is `Twitter`, which is no kind of source (did you mean `x`?)",
            "a former name",
        ),
        (
            "sources:\n- id: a\n  kind: feed",
            "which is no kind of source (did you mean `rss`?)",
            "what else it is called",
        ),
        ("sources:\n- id: a\n  kind: rss\n  url: x.org", "s.yml:4: `sources[0].url`", "no web address"),
        (
            "sources:\n- id: a\n  kind: rss\n  ulr: x",
            "s.yml:4: `sources[0].ulr` is not a field here (did you mean `url`?)",
            "a field misspelt",
        ),
        ("sources:\n- id: a\n  kind: rss", "s.yml:2: `sources[0].url` is missing", "a field missing"),
        (
            "sources:\n- id: a\n  kind: rss\n  url: http://x\n  every: often",
            "s.yml:5: `sources[0].every`",
            "no duration",
        ),
        (
            "sources:\n- {id: a, kind: webhook}\n- {id: a, kind: webhook}",
            "s.yml:3: `sources[1].id` is `a` a second time",
            "an id twice",
        ),
        ("sources:\n- {id: A b, kind: webhook}", "s.yml:2: `sources[0].id`", "an id with a blank"),
        ("sources:\n- {kind: webhook}", "s.yml:2: `sources[0].id` is missing", "no id"),
        (
            "sources:\n- {id: fb, kind: facebook}",
            "`sources[0].token` is missing; `sources[0].app_secret` is missing; ",
            "all that is missing at once",
        ),
        ("sources:\n- {id: fb, kind: facebook}", "(as in - {id: page, kind: facebook, page:", "an example of the kind"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_sources(text, SETTINGS)
    assert message in str(caught.value), sentence


def test_a_file_that_is_not_there_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"none.yml: cannot be read .*EARSHOT_SOURCES"):
        load_sources(load_settings(sources="none.yml"))
