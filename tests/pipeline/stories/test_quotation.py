"""What a story keeps of the post that stands for it: what an alert shows, and always the word that was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories.quotation import MAX_QUOTE, SHOWN, asked_for, kept, quote
from schemas.alert import Quote
from schemas.event import Author
from schemas.mention import OWN, EntityMatch, Factor, Match, Score, Span, Word
from tests.pipeline.timeline import NOON, match


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


TITLED = [
    ("the title where the word is only there", "Acme recalls toys", "They burn.", (), "Acme recalls toys – They burn."),
    ("the text alone where the word is in it", "Recall", "Acme toys burn.", spans((0, 4)), "Acme toys burn."),
    ("the title once where the text begins with it", "Acme recalls", "Acme recalls toys.", (), "Acme recalls toys."),
    ("the title where there is no text", "Acme recalls toys", "", (), "Acme recalls toys"),
]


@pytest.mark.parametrize(("sentence", "title", "text", "own", "shown"), TITLED, ids=[row[0] for row in TITLED])
def test_a_word_that_only_the_title_says_is_shown(
    sentence: str, title: str, text: str, own: tuple[Span, ...], shown: str
) -> None:
    found = with_spans(text, {OWN: own, "Globex": spans((0, 3))})
    found = found.model_copy(update={"mention": found.mention.model_copy(update={"title": title})})
    assert Quote.from_bytes(quote(found).encode()).text == shown, sentence


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


LATER = {"copies", "gone", "edited", "found", "schema_version"}
"""What an alert adds, what is always the same, and where a late word stands."""


def told(platform: str, text: str = "ganz “schön” ärgerlich\n\u2028 \U0001f602") -> Match:
    author = Author(id="7", name="Eva Muster", followers=12)
    post = match("1", 0.5, text, platform=platform, author=author, url="https://a.example/1?a=b&c=d")
    words = post.sentiment.model_copy(update={"words": (Word(text="ärgerlich", weight=-1.25),)})
    factors = (Factor(name="tone", points=3.5, detail="unsaid"), Factor(name="reach", points=0.0))
    return post.model_copy(update={"sentiment": words, "score": Score(value=3.5, factors=factors)})


def test_all_that_an_alert_shows_is_kept() -> None:
    post = told("x")
    kept = Quote.from_bytes(quote(post).encode())
    assert kept == Quote(
        mention="x:1",
        platform="x",
        time=post.mention.time,
        text=post.mention.text,
        author="Eva Muster",
        followers=12,
        url=post.mention.url,
        sentiment=post.sentiment,
        risk=3.5,
        factors={"tone": 3.5},
    )
    assert kept.model_fields_set | LATER == set(Quote.model_fields), "no field is forgotten"


def test_of_what_may_not_last_only_the_link_is_kept() -> None:
    kept = Quote.from_bytes(quote(told("linkedin")).encode())
    assert (kept.text, kept.author, kept.followers) == ("", None, None)
    assert kept.sentiment is not None
    assert kept.sentiment.words == ()
    assert kept.url == "https://a.example/1?a=b&c=d"


def test_a_long_text_is_cut_and_a_post_without_author_and_address_has_none() -> None:
    post = match("1", 0, "a" * (MAX_QUOTE + 1), author=None)
    kept = Quote.from_bytes(quote(post).encode())
    assert (len(kept.text), kept.text[-1]) == (MAX_QUOTE, "…")
    assert (kept.author, kept.url, kept.time) == (None, None, NOON)
