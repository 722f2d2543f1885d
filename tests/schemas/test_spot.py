"""Where the characters of a text stand in its file, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.located import locate
from schemas.spot import spot

VALUE = "Bahn OR 'Zug'"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("a: Bahn OR 'Zug'\n", "plain"),
        ("a: Bahn\n   OR\n     'Zug'\n", "plain over several lines"),
        ("a: 'Bahn OR ''Zug'''\n", "in single quotes, doubled inside"),
        ("a: \"Bahn OR 'Zug'\"\n", "in double quotes"),
        ("a: \"Bahn\n\n  OR 'Zug'\"\n", "in double quotes, over an empty line"),
        ("a: >-\n  Bahn OR\n  'Zug'\n", "folded"),
        ("a: |-\n  Bahn\n  OR 'Zug'\n", "literal"),
        ("b: {a: x}\na: {c: Bahn OR 'Zug'}\n", "inside of a group"),
    ],
)
def test_every_character_is_found(written: str, sentence: str) -> None:
    located = locate(written, "w.yml")
    path = ("a", "c") if "{c:" in written else ("a",)
    value = located.data["a"]["c"] if "{c:" in written else located.data["a"]
    assert "".join(value.split()) == "".join(VALUE.split())
    for index, character in enumerate(value):
        found = spot(located, path, index)
        assert found is not None, sentence
        assert character.isspace() or located.source[found] == character, sentence
    words = spot(located, path, value.index("OR"))
    assert words is not None
    assert located.source[words : words + 2] == "OR", sentence


def test_what_is_escaped_in_another_way_is_not_guessed_at() -> None:
    located = locate('a: "B\\u00e4hn OR"\n', "w.yml")
    assert spot(located, ("a",), 0) == 4
    assert spot(located, ("a",), 5) is None
    assert spot(located, ("b",), 0) is None


@given(st.text("ab \"'\\\n", min_size=1, max_size=12).filter(lambda text: text.strip() == text))
def test_a_text_in_single_quotes_is_found_or_not_guessed_at(value: str) -> None:
    located = locate("a: '" + value.replace("'", "''").replace("\n", " ") + "'\n", "w.yml")
    for index, character in enumerate(located.data["a"]):
        found = spot(located, ("a",), index)
        assert found is not None
        assert character.isspace() or located.source[found] == character
