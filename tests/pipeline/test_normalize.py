import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.normalize import AHEAD, EARLIEST, clean, fold, normalize, tokenize
from schemas.event import Author, Edit, Event
from schemas.mention import Mention

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def event(kind: type[Event] = Event, **fields: Any) -> Event:
    return kind(**{"platform": "x", "id": "1", "time": NOON, "seen": NOON, "source": "s", "text": "t", **fields})


TEXTS = [
    ("white space is collapsed", " a \t\n b\u00a0\u2003c ", "a b c"),
    ("entities are decoded", "AT&amp;T &lt;3 &#8364; &#x20ac;", "AT&T <3 € €"),
    ("once only", "&amp;amp;", "&amp;"),
    ("an address keeps its parameters", "?a=1&copy=2&lt=3", "?a=1&copy=2&lt=3"),
    ("an unknown entity stays", "R&D; &nosuch;", "R&D; &nosuch;"),
    ("an entity of nothing visible goes", "Ver&shy;spätung", "Verspätung"),
    ("letters are composed", "Ko\u0308ln", "Köln"),
    ("soft hyphens and zero widths go", "Ver\u00adsp\u200bä\u2060tung\ufeff", "Verspätung"),
    ("what is hidden between letter and accent goes first", "Ko\u200b\u0308ln", "Köln"),
    ("direction marks go", "\u202eabc\u202c", "abc"),
    ("control characters go", "a\x00b\x07c\x7f", "abc"),
    ("half a character goes", "a\ud83db", "ab"),
    ("an emoji of several stays one", "👨\u200d👩\u200d👧 ☀️", "👨\u200d👩\u200d👧 ☀️"),
    ("a joiner between letters goes", "Ba\u200dhn", "Bahn"),
    ("a character newer than this Python stays", "a\U0001fae9b", "a\U0001fae9b"),
    ("nothing is left of nothing", "\u200b \n", ""),
]


@pytest.mark.parametrize(("why", "written", "text"), TEXTS, ids=[row[0] for row in TEXTS])
def test_the_text_is_made_readable(why: str, written: str, text: str) -> None:
    heard = event().model_copy(update={"text": written, "title": written})
    mention = normalize(heard)
    assert mention.text == text, why
    assert mention.title == (text or None)


TIMES = [
    ("a time in the past is kept", NOON - timedelta(days=9), NOON - timedelta(days=9)),
    ("a clock a little ahead is kept", NOON + timedelta(minutes=5), NOON + timedelta(minutes=5)),
    ("a clock far ahead is not believed", NOON + timedelta(hours=1), NOON + AHEAD),
    ("an empty clock is not believed", datetime(1970, 1, 1, tzinfo=UTC), EARLIEST),
]


@pytest.mark.parametrize(("why", "time", "clamped"), TIMES, ids=[row[0] for row in TIMES])
def test_an_absurd_time_is_clamped(why: str, time: datetime, clamped: datetime) -> None:
    assert normalize(event(time=time)).time == clamped, why


def test_everything_else_is_kept_and_fits_the_model() -> None:
    heard = event(
        platform="Twitter",
        id=17,
        lang="de",
        author=Author(id="9", name="Ute", followers=3),
        url="https://example.org/17",
        metrics={"likes": 2.0},
        in_reply_to="16",
        repost_of="15",
    )
    mention = normalize(heard)
    assert Mention.from_bytes(mention.to_bytes()) == mention
    assert mention.id == "x:17"
    assert (mention.author, mention.metrics, mention.heard_lang) == (heard.author, heard.metrics, "de")
    assert (mention.in_reply_to, mention.repost_of, mention.url) == ("16", "15", heard.url)
    assert not mention.edited


def test_an_edit_says_that_it_is_one() -> None:
    assert normalize(event(Edit)).edited


@given(st.text())
def test_a_clean_text_is_clean(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)


FOLDED = [
    ("case", "BaHN", "bahn"),
    ("umlauts", "ÄÖÜ äöü", "aeoeue aeoeue"),
    ("sharp s, small and capital", "ß ẞ", "ss ss"),
    ("accents", "Mégantic Zoë Škoda señor", "megantic zoe skoda senor"),
    ("neighbours' letters", "Łódź Mærsk Ørsted œuvre İı", "lodz maersk orsted oeuvre ii"),
    ("compatible forms", "ＢＡＨＮ ﬁ ①", "bahn fi 1"),
    ("other scripts keep their letters", "Привет Σίσυφος", "привет σισυφοσ"),
    ("a sign that would become letters parts words", "Google™", "google "),
]


@pytest.mark.parametrize(("why", "text", "folded"), FOLDED, ids=[row[0] for row in FOLDED])
def test_texts_are_folded_for_comparing(why: str, text: str, folded: str) -> None:
    assert fold(text) == folded, why


def test_folding_holds_for_every_character() -> None:
    """Letter by letter, once and for all, and never across the border between words and what parts them.

    Left out are the long rows of ideographs and syllables, which have no case and no accents.
    """
    letters = map(chr, (*range(0x3400), *range(0xF900, 0x11000), *range(0x1D000, 0x1FB00)))
    assert [hex(ord(letter)) for letter in letters if not _folds_well(letter)] == []


def _folds_well(letter: str) -> bool:
    folded = fold(letter)
    if fold(folded) != folded or fold(f"a{letter}b") != f"a{folded}b":
        return False
    if letter.isalnum():
        return folded.isalnum()
    is_mark = "\u0300" <= letter <= "\u036f" or "\ufe00" <= letter <= "\ufe0f"
    return is_mark or letter == "_" or (folded != "" and not any(part.isalnum() or part == "_" for part in folded))


@given(st.text("aäßÄé\u0301-#@_ .™½😀Яж"))
def test_the_words_of_the_folded_text_are_the_folded_words(text: str) -> None:
    text = clean(text)
    assert tokenize(text).words == tokenize(fold(text)).words


@given(st.text(st.sampled_from("aäß-#@_ .") | st.characters()))
def test_words_stand_where_they_say(text: str) -> None:
    text = clean(text)
    tokens = tokenize(text)
    for word, start, end in zip(tokens.words, tokens.starts, tokens.ends, strict=True):
        assert fold(text[start:end]) == word
    for place, (start, end) in tokens.tag_spans.items():
        assert start < tokens.starts[place] < end
        assert fold(text[start:end]) == tokens.tags[place]


def test_hyphens_and_tags_are_cut_into_words() -> None:
    tokens = tokenize("Lac-Mégantic #Bahn_Streik @db")
    assert tokens.words == ("lac", "megantic", "bahn", "streik", "db")
    assert tokens.tags == {2: "#bahn_streik", 4: "@db"}
