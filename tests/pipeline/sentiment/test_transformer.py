"""A transformer that the user supplies: loaded as `optimum` exports it, mapped, and what is wrong with it is said."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.flow import listen
from pipeline.query import Matcher
from pipeline.sentiment import SURE, TORN, assess, classify
from pipeline.sentiment.transformer import choose, load
from pipeline.sentiment.weight import Weight
from schemas.errors import ConfigError
from schemas.event import Event
from schemas.mention import Language, SentimentClass
from tests.pipeline import tiny
from tests.pipeline.timeline import NOON, watch

GERMAN, FRENCH = (Language(code=code, confidence=1.0) for code in ("de", "fr"))
STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    ("text", "label", "weight"),
    [
        pytest.param("schlecht", "negative", Weight(-2, 2), id="blame"),
        pytest.param("gut gut", "positive", Weight(4, 4), id="praise"),
        pytest.param("Gleis 3", "neutral", Weight(0, -1), id="words that the model does not know"),
        pytest.param("schlecht gut", "unsure", Weight(0, 4), id="praise and blame are torn"),
        pytest.param("lauwarm", "unsure", Weight(0, 2), id="no class is sure"),
    ],
)
def test_what_the_model_says_is_claimed_as_ever(folder: Path, text: str, label: str, weight: Weight) -> None:
    found = load(folder)(text, GERMAN)
    assert (found.label, found.words) == (label, ())
    assert found.probability == pytest.approx(max(classify(weight).values()), abs=0.001)
    assert label == "unsure" or found.probability >= SURE
    assert (label == "unsure") is (abs(weight.lean) < TORN and weight.feeling > 0)


def test_what_a_poll_offers_is_not_read(folder: Path) -> None:
    """Each answer stands on a line of its own behind an empty box, and nobody has said it."""
    model = load(folder)
    assert model("gut\n\u2610 schlecht\n\u2610 schlecht", GERMAN) == model("gut", GERMAN)


def test_the_loser_of_a_comparison_gets_the_contrary(folder: Path) -> None:
    model = load(folder)
    plain, turned = model("gut", GERMAN), model("gut", GERMAN, turned=True)
    assert (plain.label, turned.label) == ("positive", "negative")
    assert plain.probability == turned.probability


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        pytest.param(("NEG", "NEU", "POS"), "negative", id="short names"),
        pytest.param(("Negativ", "Neutral", "Positiv"), "negative", id="German names"),
        pytest.param(("positive", "neutral", "negative"), "positive", id="another order"),
    ],
)
def test_labels_are_mapped_by_their_names(tmp_path: Path, labels: tuple[str, ...], said: str) -> None:
    assert load(tiny.make(tmp_path, labels))("schlecht", GERMAN).label == said


def test_stars_add_up_to_classes(tmp_path: Path) -> None:
    votes = {"[UNK]": (0.0,) * 5, "mies": (2.0, 2.0, 2.5, 0.0, 0.0)}
    found = load(tiny.make(tmp_path, STARS, votes))("mies", GERMAN)
    assert found.label == "negative", "three stars are the likeliest, one and two together are more"


def _lose(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _spoil(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("{ no model")


def _label(*labels: str) -> Callable[[Path], object]:
    config = {"id2label": {str(at): label for at, label in enumerate(labels)}}
    return lambda folder: (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        *(pytest.param(_lose(name), f"has no {name}", id=f"without {name}")
          for name in ("model.onnx", "tokenizer.json", "config.json")),
        *(pytest.param(_spoil(name), "cannot be loaded", id=f"garbage in {name}")
          for name in ("model.onnx", "tokenizer.json")),
        pytest.param(_spoil("config.json"), "is no JSON object", id="garbage in config.json"),
        pytest.param(_label("LABEL_0", "LABEL_1", "LABEL_2"), "no label is negative", id="labels without names"),
        pytest.param(_label("negative", "positive"), "no label is neutral", id="two classes only"),
        pytest.param(_label("negative", "neutral", "positive", "ironic"), "not every label is known", id="one more"),
        pytest.param(_label("neg", "very negative", "neutral", "positive"), "answers with 3 numbers", id="too many"),
        pytest.param(_label(), "no label is negative", id="no labels"),
        pytest.param(lambda folder: tiny.make(folder, extra="pixels"), "asks for pixels", id="no model of texts"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_model_is_said(tmp_path: Path, harm: Callable[[Path], object], said: str) -> None:
    harm(tiny.make(tmp_path))
    with pytest.raises(ConfigError, match=said) as caught:
        load(tmp_path)
    assert caught.value.where == "EARSHOT_SENTIMENT_MODEL"
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["onnxruntime", "tokenizers"])
def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, folder: Path, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=r"pip install 'earshot\[onnx\]'"):
        choose(str(folder))


def test_without_a_directory_the_lexicons_judge_and_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert choose("") is assess


def test_the_model_is_asked_for_its_languages_only(folder: Path) -> None:
    feels = choose(str(folder), "de, en")
    assert feels("schlecht", GERMAN).label == "negative"
    assert feels("schlecht :-)", FRENCH) == assess("schlecht :-)", FRENCH)


def test_nothing_is_unsure_and_a_long_text_is_judged_by_its_beginning(folder: Path) -> None:
    model = load(folder)
    assert model("  ", GERMAN) == assess("", GERMAN)
    assert model("schlecht " * 64 + "gut " * 900, GERMAN).label == SentimentClass.NEGATIVE


def test_an_answer_that_is_no_number_is_no_judgement(tmp_path: Path) -> None:
    votes = {"[UNK]": (0.0, 0.0, 0.0), "kaputt": (float("nan"), 0.0, 0.0)}
    assert load(tiny.make(tmp_path, votes=votes))("kaputt", GERMAN).label == SentimentClass.UNSURE


def test_the_path_judges_towards_the_entity_with_it(tmp_path: Path) -> None:
    words = {"[UNK]": (0.0, 0.5, 0.0), "zork": (0.0, 0.0, 4.0), "mork": (4.0, 0.0, 0.0)}
    said = "acme zork, aber bolt mork mork"
    event = Event(platform="web", id="1", time=NOON, seen=NOON, source="s", text=said, lang="de")
    feels = load(tiny.make(tmp_path, votes=words))
    (found,) = listen(event, Matcher.compile([watch()]), feels)
    assert found.sentiment.label == "positive", "only the model knows these words"
    assert feels(said, GERMAN).label == "negative"
    assert "negativity" not in {one.name for one in found.score.factors if one.points > 0}
