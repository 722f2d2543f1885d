"""Towards which of two entities a text feels what: by how it is built, by clauses, by contrast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sentiment import assess, assess_towards
from pipeline.sentiment.preference import Preference, Standing, prefer
from pipeline.sentiment.target import aim
from schemas.mention import OWN, EntityMatch, Language, SentimentClass, Span

NEGATIVE, NEUTRAL, POSITIVE, UNSURE = "negative", "neutral", "positive", "unsure"
GERMAN, ENGLISH = (Language(code=code, confidence=1.0) for code in ("de", "en"))


def _match(entity: str, text: str, name: str) -> EntityMatch:
    starts = [at for at in range(len(text)) if text.startswith(name, at)]
    return EntityMatch(entity=entity, spans=tuple(Span(start=at, end=at + len(name), term=name) for at in starts))


def _towards(text: str, own: str, language: Language) -> str:
    other = "Globex" if own == "Acme" else "Acme"
    found = assess_towards(text, language, [_match(OWN, text, own), _match(other, text, other)])
    return (found or assess(text, language)).label


@pytest.mark.parametrize(
    ("text", "acme", "globex"),
    [
        pytest.param("Die Acme ist viel freundlicher als die Globex", POSITIVE, NEGATIVE, id="friendlier than"),
        pytest.param("Acme ist leider teurer als Globex", NEGATIVE, POSITIVE, id="dearer than"),
        pytest.param("Früher war Acme mies, jetzt ist sie besser als Globex", POSITIVE, NEGATIVE, id="better by now"),
        pytest.param("Acme hat netteres Personal als Globex", POSITIVE, NEGATIVE, id="the noun stands between"),
        pytest.param("Acme ist weniger zuverlässig als Globex", NEGATIVE, POSITIVE, id="less reliable than"),
        pytest.param("Acme ist nicht so sauber wie Globex", NEGATIVE, POSITIVE, id="not as clean as"),
        pytest.param("Warum ist Acme nie so schnell wie Globex?", NEGATIVE, POSITIVE, id="a wish"),
        pytest.param("Acme ist dreimal so teuer wie Globex", NEGATIVE, POSITIVE, id="three times as dear as"),
        pytest.param("Lieber laufe ich zu Acme, als bei Globex zu warten", POSITIVE, NEGATIVE, id="rather than"),
        pytest.param("Bin endlich weg von Globex und hin zur Acme", POSITIVE, NEGATIVE, id="away from"),
        pytest.param("Gegen das Brot von Acme kommt Globex nicht an", POSITIVE, NEGATIVE, id="no match for"),
        pytest.param("Globex kann sich von Acme was abschauen", POSITIVE, NEGATIVE, id="could learn from"),
        pytest.param("Acme hat Globex beim Umsatz überholt", POSITIVE, NEGATIVE, id="overtaken"),
        pytest.param("Nach dem Umzug kaufe ich nur noch bei Acme statt bei Globex", POSITIVE, NEGATIVE, id="only at"),
        pytest.param("Nie wieder Globex. Acme kam sofort.", NEUTRAL, NEGATIVE, id="never again"),
        pytest.param(
            "Da lob ich mir Acme, bei Globex war alles schlecht", POSITIVE, NEGATIVE, id="praise by preference"
        ),
        pytest.param("Weder Acme noch Globex sind pünktlich, unfähige Läden", NEGATIVE, NEGATIVE, id="neither"),
        pytest.param("Acme und Globex sind beide super", POSITIVE, POSITIVE, id="both"),
        pytest.param("Super Leute bei Acme und bei der Globex", POSITIVE, POSITIVE, id="named as one"),
        pytest.param("Acme war super, Globex auch", POSITIVE, POSITIVE, id="likewise"),
        pytest.param("Acme ist eine Frechheit, Globex ist nicht besser", NEGATIVE, NEGATIVE, id="no better"),
        pytest.param(
            "Acme ist eine Katastrophe und Globex hat mir super geholfen", NEGATIVE, POSITIVE, id="und divides"
        ),
        pytest.param("Frech und unfähig, diese Acme! Globex war toll.", NEGATIVE, POSITIVE, id="blamed before named"),
        pytest.param(
            "Acme ist eine Zumutung, Globex dagegen macht das in zwei Tagen", NEGATIVE, POSITIVE, id="contrast"
        ),
    ],
)
def test_german(text: str, acme: str, globex: str) -> None:
    assert (_towards(text, "Acme", GERMAN), _towards(text, "Globex", GERMAN)) == (acme, globex)


@pytest.mark.parametrize(
    ("text", "acme", "globex"),
    [
        pytest.param("Acme is far more reliable than Globex", POSITIVE, NEGATIVE, id="more reliable than"),
        pytest.param("Acme is cheaper than Globex", POSITIVE, NEGATIVE, id="a word VADER does not know"),
        pytest.param("Acme is not better than Globex", NEGATIVE, POSITIVE, id="not better than"),
        pytest.param("Acme is twice as expensive as Globex", NEGATIVE, POSITIVE, id="twice as dear as"),
        pytest.param("Acme isn't as friendly as Globex", NEGATIVE, POSITIVE, id="not as friendly as"),
        pytest.param("I prefer Acme over Globex", POSITIVE, NEGATIVE, id="prefer"),
        pytest.param("I'd rather walk to Acme than order from Globex", POSITIVE, NEGATIVE, id="rather"),
        pytest.param("We just moved from Globex to Acme", POSITIVE, NEGATIVE, id="from one to the other"),
        pytest.param("Finally ditched Globex for Acme", POSITIVE, NEGATIVE, id="ditched for"),
        pytest.param("Globex has nothing on Acme", POSITIVE, NEGATIVE, id="nothing on"),
        pytest.param("Globex could learn a lot from Acme", POSITIVE, NEGATIVE, id="learn from"),
        pytest.param("I miss Acme, Globex is awful", POSITIVE, NEGATIVE, id="miss"),
        pytest.param("Stay away from Globex. Acme was lovely.", POSITIVE, NEGATIVE, id="stay away from"),
        pytest.param("Acme beats Globex", POSITIVE, NEGATIVE, id="beats"),
        pytest.param("Neither Acme nor Globex is honest, both awful", NEGATIVE, NEGATIVE, id="neither"),
        pytest.param("Acme was lovely and so was Globex", POSITIVE, POSITIVE, id="so was"),
        pytest.param("Acme is awful and Globex is wonderful", NEGATIVE, POSITIVE, id="and divides"),
        pytest.param("Unlike Globex, Acme was lovely", POSITIVE, NEGATIVE, id="held against before"),
        pytest.param("Acme is honest, which cannot be said of Globex", POSITIVE, NEGATIVE, id="cannot be said of"),
        pytest.param("Acme is awful, whereas Globex arrives at nine", NEGATIVE, POSITIVE, id="contrast"),
        pytest.param("Take Globex to the park and change to Acme there", NEUTRAL, NEUTRAL, id="changing trains"),
    ],
)
def test_english(text: str, acme: str, globex: str) -> None:
    assert (_towards(text, "Acme", ENGLISH), _towards(text, "Globex", ENGLISH)) == (acme, globex)


def test_the_words_that_prefer_are_named_without_the_names() -> None:
    text = "Lieber Acme als Globex"
    found = assess_towards(text, GERMAN, [_match(OWN, text, "Acme"), _match("Globex", text, "Globex")])
    assert found is not None
    assert found.label == SentimentClass.POSITIVE
    assert [word.text for word in found.words] == ["Lieber … als …"]
    assert found.probability < 0.8, "a form is no proof"


def test_where_the_build_says_nothing_nothing_is_preferred() -> None:
    assert prefer("A and B open at nine", [(0, 1)], [(6, 7)], lambda _word: 1.0) is None
    assert prefer("A comes after B", [(0, 1)], [(14, 15)], lambda _word: 1.0) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("I would never switch from A to B", id="never"),
        pytest.param("Ich wechsle nicht von A zu B", id="nicht in the form"),
        pytest.param("I don't prefer A to B", id="don't"),
    ],
)
def test_what_is_denied_prefers_nobody(text: str) -> None:
    own, other = ([(text.index(name), text.index(name) + 1)] for name in "AB")
    assert prefer(text, own, other, lambda _word: 0.0) is None


def test_own_and_other_see_the_same_form_from_two_sides() -> None:
    text, one, other = "I prefer A to B", [(9, 10)], [(14, 15)]
    first, second = prefer(text, one, other, lambda _: 0.0), prefer(text, other, one, lambda _: 0.0)
    assert first == Preference(Standing.PREFERRED, "prefer … to …")
    assert second == Preference(Standing.REJECTED, "prefer … to …")


WORDS = "A B als than so wie as und aber nicht besser worse lieber von zu from to beide auch statt gut bad , . !"


@given(st.lists(st.sampled_from(WORDS.split()), max_size=14))
def test_any_row_of_words_gives_what_stands_in_it_and_no_two_winners(words: list[str]) -> None:
    text = " ".join(words)
    own, other = ([(at, at + 1) for at, sign in enumerate(text) if sign == name] for name in "AB")
    for mine, theirs in ((own, other), (other, own)):
        found = aim(text, mine, theirs, lambda word: float(word == "gut") - float(word == "bad"))
        assert set(found.text.split()) <= set(text.split())
    if own and other:
        first, second = (prefer(text, *pair, lambda _: 0.0) for pair in ((own, other), (other, own)))
        if len(own) == len(other) == 1 and first and second:
            assert first.standing != second.standing
