"""What is kept of a post for messages: so much, and the word that was asked for always with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories.quotation import MAX_QUOTE, SHOWN, asked_for, kept, quote
from schemas.alert import Quote
from schemas.mention import OWN, EntityMatch, Match, Span
from tests.pipeline.timeline import match


def spans(*places: tuple[int, int]) -> tuple[Span, ...]:
    return tuple(Span(start=start, end=end, term="acme") for start, end in places)


def with_spans(text: str, entities: dict[str, tuple[Span, ...]], platform: str = "x") -> Match:
    found = tuple(EntityMatch(entity=name, spans=places) for name, places in entities.items())
    return match("1", 0, text, platform=platform).model_copy(update={"entities": found})


ASKED = [
    ("the own brand, before others", {"Globex": spans((0, 6)), OWN: spans((30, 34), (10, 14))}, (10, 14)),
    ("another one, where the own brand is only in the title", {OWN: (), "Globex": spans((5, 9))}, (5, 9)),
    ("nothing that stands in the text", {OWN: ()}, (0, 0)),
]


@pytest.mark.parametrize(("sentence", "entities", "expected"), ASKED, ids=[row[0] for row in ASKED])
def test_which_word_was_asked_for(
    sentence: str, entities: dict[str, tuple[Span, ...]], expected: tuple[int, int]
) -> None:
    assert asked_for(with_spans("text", entities)) == expected, sentence


LONG = "word " * 700


def at(place: int) -> str:
    return LONG[:place] + "Acme " + LONG[place:]


@pytest.mark.parametrize("place", [0, 100, 175])
def test_an_early_word_changes_nothing(place: int) -> None:
    assert kept(at(place), (place, place + 4)) == (at(place)[: MAX_QUOTE - 1] + "…", 0)


def test_a_later_word_is_pointed_at() -> None:
    text, found = kept(at(500), (500, 504))
    assert (text, text[found : found + 4]) == (at(500)[: MAX_QUOTE - 1] + "…", "Acme")


def test_what_stands_before_a_very_late_word_is_left_out_and_that_is_shown() -> None:
    text, found = kept(at(3000), (3000, 3004))
    assert text.startswith("…word ")
    assert text[found : found + 4] == "Acme"
    assert len(text) <= MAX_QUOTE


@given(st.text(min_size=1, max_size=40).map(lambda text: text * 90), st.data())
def test_the_word_is_kept_wherever_it_stands(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 100)))
    shown, found = kept(text, (start, end))
    assert len(shown) <= MAX_QUOTE
    if end > SHOWN:
        assert shown[found : found + end - start] == text[start:end]
    else:
        assert shown.startswith(text[:end])


def test_of_what_may_not_be_kept_nothing_says_where_it_stood() -> None:
    found = quote(with_spans(at(3000), {OWN: spans((3000, 3004))}, "linkedin"))
    assert (Quote.from_bytes(found.encode()).text, "found" in found) == ("", False)


def test_a_quote_without_a_late_word_is_written_as_before() -> None:
    assert "found" not in quote(with_spans("acme is here", {OWN: spans((0, 4))}))
