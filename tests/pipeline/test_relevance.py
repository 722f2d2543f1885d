"""Relevance: the railway or the Autobahn, and what feedback on alerts teaches."""

import pytest

from pipeline import learnt as learning
from pipeline.learnt import NOTHING, Example, Learnt
from pipeline.relevance import meaning, terms, weigh
from pipeline.state import WatchState
from schemas.about import About, Doubt
from schemas.control import Feedback, Heeded, Unlearn
from schemas.receipt import Decision
from schemas.watch import Watch
from tests.pipeline.timeline import NOON, Timeline, minute, watch

RAIL = About(
    kind="company",
    speaks_for=("Zug", "Bahnhof"),
    speaks_against=("Autobahn", "Stau"),
    is_us=("Der Schaffner war sehr freundlich",),
    not_us=("Sperrung wegen Baustelle auf der Fahrbahn",),
)


def doubting(least: float = 0.3, about: About | None = RAIL) -> Watch:
    return watch(about=about, relevance=Doubt(least=least))


def feedback(alert: str, *texts: str, useful: bool, names: str = "f") -> Feedback:
    posts = tuple(Heeded(mention=f"x:{names}{at}", words=terms(text)) for at, text in enumerate(texts))
    return Feedback(watch="acme", alert=alert, rule="count", useful=useful, by="ben", at=NOON, posts=posts)


GOOD = feedback("a.1", *["Der Lokführer hält am Gleis", "Am Gleis steht der Lokführer"] * 3, useful=True, names="g")
BAD = feedback("b.1", *["Apfelkuchen mit Zimt", "Zimt im Apfelkuchen"] * 3, useful=False, names="b")


def test_without_description_and_feedback_it_is_a_rule_and_no_guess() -> None:
    assert meaning(None, NOTHING) is None
    line = Timeline(watch(relevance=Doubt(least=1.0)))
    receipt = line.posts(0, 1, 2)
    assert receipt.relevance is None
    assert receipt.decision is Decision.OPENED


@pytest.mark.parametrize(
    ("text", "meant", "word"),
    [
        pytest.param("Der Zug hält in Ulm", True, "zug", id="a word that speaks for it"),
        pytest.param("Stau auf der Autobahn", False, "autobahn", id="words that speak against it"),
        pytest.param("Heute war etwas los", True, None, id="nothing known: the query is believed"),
        pytest.param("Alle Autobahnen sind voll, Staus", False, "autobahn", id="with an ending"),
    ],
)
def test_a_description_tells_namesakes_apart(text: str, *, meant: bool, word: str | None) -> None:
    known = meaning(RAIL, NOTHING)
    assert known is not None
    found = known.judge(terms(text))
    assert (found.probability > 0.5) is meant
    assert found.by == "description"
    assert (word in [one.word for one in found.words]) or word is None


APPLE = About(kind="company", speaks_for=("iPhone", "Mac"), speaks_against=("pie", "juice", "orchard", "Kuchen"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param("Apple raises the price of the iPhone again", True, id="the company"),
        pytest.param("Customers of Apple wait for the new Mac", True, id="the company, in other words"),
        pytest.param("My apple pie came out of the oven burnt", False, id="an apple"),
        pytest.param("Pressed apple juice from the orchard next door", False, id="apples, by two words"),
    ],
)
def test_a_company_is_told_from_the_fruit(text: str, *, meant: bool) -> None:
    line = Timeline(doubting(least=0.5, about=APPLE))
    assert (line.post(0, text).decision is not Decision.IRRELEVANT) is meant


def test_what_is_probably_not_meant_is_counted_and_never_alerted() -> None:
    line = Timeline(doubting())
    for when in range(5):
        receipt = line.post(when, f"Stau auf der Autobahn {'abcde'[when]} {when}", id=f"s{when}")
        assert receipt.decision is Decision.IRRELEVANT
    assert "autobahn -2" in receipt.detail
    assert receipt.relevance is not None
    assert receipt.relevance.probability < 0.3
    assert not line.alerts
    assert line.state.window.count("irrelevant", minute(-1), minute(9)) == 5
    assert line.state.window.count("mentions", minute(-1), minute(9)) == 0
    assert line.posts(6, 7, 8).decision is Decision.OPENED
    assert line.alerts[0].incident.mentions == 3
    assert not [quote for quote in line.alerts[0].quotes if "Stau" in quote.text]


def test_feedback_teaches_and_a_reset_forgets() -> None:
    line = Timeline(doubting(about=None))
    assert line.post(0, "Zimt und Apfelkuchen").decision is Decision.BELOW_THRESHOLD
    line.take(GOOD)
    line.take(BAD)
    receipt = line.post(1, "Noch ein Apfelkuchen mit Zimt, mit Sahne")
    assert receipt.decision is Decision.IRRELEVANT
    assert receipt.relevance is not None
    assert receipt.relevance.by == "feedback"
    assert line.post(2, "Der Lokführer wartet am Gleis 3").decision is Decision.BELOW_THRESHOLD
    assert line.state.learnt.tallies() == {"count": (1, 1)}
    line.take(Unlearn(watch="acme", by="ben", at=NOON))
    assert line.state.learnt is NOTHING
    assert line.post(3, "Apfelkuchen mit Zimt, drei").decision is not Decision.IRRELEVANT


def test_examples_of_one_kind_only_teach_nothing() -> None:
    line = Timeline(doubting(about=None))
    line.take(BAD)
    assert line.post(1, "Apfelkuchen mit Zimt").decision is Decision.BELOW_THRESHOLD


def test_feedback_said_again_takes_the_place_of_what_was_said() -> None:
    line = Timeline(doubting(about=None))
    line.take(BAD)
    line.take(BAD.model_copy(update={"useful": True}))
    assert [one.us for one in line.state.learnt.examples] == [True] * 6
    assert line.state.learnt.tallies() == {"count": (1, 0)}


def test_an_example_goes_with_its_post() -> None:
    line = Timeline(doubting(about=None))
    line.take(BAD)
    line.delete("b1")
    assert len(line.state.learnt.examples) == 5


def test_what_was_learnt_is_stored_and_judges_alike() -> None:
    line = Timeline(doubting())
    line.take(GOOD)
    line.take(BAD)
    after, rows = line.state.persist()
    assert rows["learnt"]
    assert after.persist()[1] == {}
    again = WatchState.restore(line.state.rows())
    assert again == line.state
    assert again.meaning == line.state.meaning
    assert after.knows(NOTHING).persist()[1] == {"learnt": None}


def test_state_of_before_there_was_feedback_is_read() -> None:
    line = Timeline(doubting())
    rows = line.state.rows()
    assert "learnt" not in rows
    assert WatchState.restore(rows).learnt == NOTHING


def _judged(about: About | None, learnt: Learnt, text: str, url: str | None = None) -> float:
    known = meaning(about, learnt)
    assert known is not None
    return known.judge(terms(text, url)).probability


def test_examples_of_the_description_teach_like_feedback() -> None:
    about = About(is_us=("Der Lokführer hält am Gleis",), not_us=("Apfelkuchen mit Zimt",))
    plain = _judged(About(), NOTHING, "heute")
    assert _judged(about, NOTHING, "Zimt und Apfelkuchen") < plain < _judged(about, NOTHING, "Lokführer am Gleis")
    for one in ({"is_us": ()}, {"not_us": ()}):
        assert _judged(about.model_copy(update=one), NOTHING, "Zimt am Gleis") == plain, "one kind only"


def test_what_a_thing_is_speaks_for_it_a_little() -> None:
    plain, told = (_judged(About(kind=kind), NOTHING, "der Kundenservice") for kind in ("event", "company"))
    assert plain < told < _judged(About(speaks_for=("Kundenservice",)), NOTHING, "der Kundenservice")


def test_the_site_is_evidence_too() -> None:
    posts = {True: "https://www.bahn.example/1", False: "https://kuchen.example/2"}
    learnt = Learnt(tuple(Example(us, terms("immer dasselbe", url)) for us, url in posts.items()))
    ours, theirs = (_judged(None, learnt, "immer dasselbe", url + "3") for url in posts.values())
    assert ours > theirs


def test_few_examples_are_believed_less_and_long_texts_are_not_sure_by_their_length() -> None:
    pair = [Example(us=True, words=("gleis",)), Example(us=False, words=("zimt",))]
    assert 0 < weigh(pair)["gleis"] < 0.5 < weigh(pair * 20)["gleis"]
    learnt = Learnt(tuple(pair * 20))
    short, long = (_judged(None, learnt, text) for text in ("zimt", "zimt " + " ".join(f"w{n}" for n in range(99))))
    assert short < long < 0.8


def test_the_oldest_examples_go_first_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "MOST", 4)
    line = Timeline(doubting(about=None))
    line.take(GOOD)
    line.take(BAD)
    line.take(feedback("c.1", "neu", useful=True, names="c"))
    assert [one.us for one in line.state.learnt.examples] == [False, False, False, True]
    assert line.state.learnt.examples[-1].words == ("neu",)


def test_an_example_goes_with_all_that_its_author_wrote() -> None:
    line = Timeline(doubting(about=None))
    line.post(0, "Apfelkuchen mit Zimt", id="b0", writer="eva")
    line.take(BAD)
    line.delete("eva", author=True)
    assert len(line.state.learnt.examples) == 5
