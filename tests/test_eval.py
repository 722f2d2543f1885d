"""`make eval`: the table, what counts as worse, and that missing data is said in one line."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import eval as evaluation
from benchmarks import eval_entities, eval_language, eval_sentiment
from benchmarks.eval_relevance import choose, f1, judge, judge_nested, recall
from benchmarks.eval_sentiment import UNSURE, Answers, calibration_error, error_of_claims
from benchmarks.figures import Figure
from pipeline.learnt import Example
from schemas.mention import SentimentClass

LINES = {
    "cs": "Proč jsi to neřekl dříve, než jsme odešli z domu",
    "da": "Hvorfor sagde du det ikke, før vi gik hjemmefra i dag",
    "de": "Warum hast du das nicht gesagt, bevor wir gegangen sind",
    "en": "Why did you not say so before we left the house today",
    "es": "Por qué no lo dijiste antes de que saliéramos de casa",
    "fi": "Miksi et sanonut sitä aikaisemmin ennen kuin lähdimme kotoa",
    "fr": "Pourquoi ne l'as-tu pas dit avant que nous partions",
    "hu": "Miért nem mondtad ezt korábban, mielőtt elindultunk otthonról",
    "it": "Perché non lo hai detto prima che uscissimo di casa",
    "nl": "Waarom heb je dat niet gezegd voordat wij weggingen",
    "pl": "Dlaczego nie powiedziałeś tego, zanim wyszliśmy z domu",
    "pt": "Por que não disseste isso antes de sairmos de casa",
    "sv": "Varför sade du inte det innan vi gick hemifrån idag",
    "tr": "Evden çıkmadan önce bunu neden bize söylemedin acaba",
}
FIGURE = Figure("F1", "set", "test", 0.6, 0.55, 0.65, 100, 0.3, 0.5)
ERROR = replace(FIGURE, name="error", target=0.7, higher_is_better=False)


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        pytest.param([FIGURE], [], id="the same"),
        pytest.param([replace(FIGURE, value=0.56)], [], id="lower within its noise"),
        pytest.param([replace(FIGURE, value=0.54)], ["0.540, but 0.600"], id="lower than its noise"),
        pytest.param([replace(FIGURE, value=0.9)], [], id="better"),
        pytest.param([], ["is no more"], id="gone"),
    ],
)
def test_what_is_worse_by_more_than_its_noise(now: list[Figure], worse: list[str]) -> None:
    found = evaluation.regressions(now, {evaluation.key(FIGURE): asdict(FIGURE)})
    assert len(found) == len(worse)
    assert all(said in one for said, one in zip(worse, found, strict=True))


COST = replace(FIGURE, name="CPU µs a text", value=60.0, baseline=20.0, higher_is_better=False)


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        pytest.param(COST, [], id="the same"),
        pytest.param(replace(COST, value=150.0, baseline=50.0), [], id="a slower machine"),
        pytest.param(replace(COST, value=115.0), [], id="dearer, as a busy machine may make it"),
        pytest.param(replace(COST, value=130.0), ["6.5 times its floor, but 3.0 times"], id="twice as dear"),
    ],
)
def test_a_cost_is_held_against_its_floor_in_the_same_run(now: Figure, worse: list[str]) -> None:
    found = evaluation.regressions([now], {evaluation.key(COST): asdict(COST)})
    assert [said in one for said, one in zip(worse, found, strict=True)] == [True] * len(worse)


def test_what_a_text_costs_is_measured_cold_and_warm() -> None:
    part = eval_sentiment.DEV[0]
    texts = [(SentimentClass.NEUTRAL, f"Der Zug{number} kommt nicht") for number in range(50)]
    first, again = eval_sentiment.costs(texts, part, lambda some: np.zeros(len(some)))
    assert (first.target, again.target) == (150.0, None)
    assert 0 < again.low <= again.value <= again.high
    assert first.baseline is not None


def test_a_data_set_that_is_not_there_is_not_missed_but_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {evaluation.key(FIGURE): asdict(FIGURE)}
    assert evaluation.regressions([], record, {"set"}) == []
    assert evaluation.regressions([], record, {"another"})
    monkeypatch.setattr(evaluation, "measure", lambda _: [])
    monkeypatch.setattr(evaluation, "RECORD", tmp_path / "none.json")
    monkeypatch.setenv(evaluation.VARIABLE, str(tmp_path))
    assert evaluation.main([]) == 0
    assert "SB10k: not in EARSHOT_EVAL_DATA" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "all_texts", "claims"),
    [
        pytest.param([0, 0, 2, 2], 0.3, 0.3, id="claims of .9 and .7, one of each two right"),
        pytest.param([0, 0, UNSURE, UNSURE], 0.3, 0.4, id="what is unsure is no claim, yet has a most probable class"),
    ],
)
def test_calibration_is_the_gap_between_claims_and_what_is_right(
    said: list[int], all_texts: float, claims: float
) -> None:
    answers = Answers(np.array([0, 1, 2, 2]), np.array(said), np.array([0, 0, 2, 0]), np.array([0.9, 0.9, 0.7, 0.7]))
    assert calibration_error(answers) == pytest.approx(all_texts)
    assert error_of_claims(answers) == pytest.approx(claims)


def test_where_less_is_better_more_is_worse() -> None:
    record = {evaluation.key(ERROR): asdict(ERROR)}
    assert evaluation.regressions([replace(ERROR, value=0.66)], record)
    assert not evaluation.regressions([replace(ERROR, value=0.1)], record)


def test_the_table_says_what_is_reached() -> None:
    said = evaluation.table([FIGURE, replace(FIGURE, target=0.9), ERROR])
    assert [line.split("|")[-2].strip() for line in said.splitlines()[2:]] == ["yes", "no", "yes"]


def test_without_data_nothing_is_measured_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(evaluation.VARIABLE, raising=False)
    assert evaluation.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_languages_are_asked_of_lines_that_are_long_enough(tmp_path: Path) -> None:
    alone = eval_language.figures(tmp_path)
    assert {one.dataset for one in alone} == {"posts of our own"}
    assert {one.split for one in alone} == {"mixed", "hashtags", "short"}
    assert all(one.baseline is None for one in alone)
    (tmp_path / "xed").mkdir()
    for code, line in LINES.items():
        rows = [f'- "{line} {word}"\t1, 2' for word in ("eins", "zwei", "drei")]
        rows += [f"{line} Nr {number}\t3" for number in range(eval_language.EACH)] + ["Ja!\t1"]
        (tmp_path / "xed" / f"{code}-projections.tsv").write_text("\n".join(rows), "utf-8")
    assert len(eval_language.read(tmp_path / "xed" / "de-projections.tsv")) == eval_language.EACH + 3
    found = {one.name: one for one in eval_language.figures(tmp_path) if one.dataset == eval_language.DATASET}
    assert found["language: right"].n == eval_language.EACH * len(LINES)
    assert found["language: right"].value > 0.9
    assert found["language: German right"].value == 1.0
    assert found["language: German right"].low < 1.0


def test_relevance_is_judged_by_what_other_folds_taught() -> None:
    posts = [Example(us=True, words=("gleis", f"w{n}")) for n in range(40)]
    posts += [Example(us=False, words=("kuchen", f"v{n}")) for n in range(40)]
    pairs = judge(posts)
    assert len(pairs) == 80
    assert (f1(pairs), recall(pairs)) == (1.0, 1.0)
    nested = judge_nested(posts)
    assert (f1(nested), recall(nested)) == (1.0, 1.0)


def test_what_is_chosen_inside_the_folds_is_what_is_best_there() -> None:
    posts = [
        Example(us=us, words=(f"site:{'a' if us else 'b'}.de", f"w{n}")) for n in range(60) for us in (True, False)
    ]
    choice, _ = choose(posts)
    assert choice.site, "nothing else tells them apart"
    assert f1(judge_nested(posts)) == 1.0


def test_two_companies_are_measured_on_sentences_of_our_own() -> None:
    rows = eval_entities.read(eval_entities.TABLE)
    assert len(rows) >= 60
    assert {code for code, *_ in rows} == {"de", "en"}
    assert all(one in text and other in text for _, text, ((one, _), (other, _)) in rows)
    assert len({text for _, text, _ in rows}) == len(rows)
    found = {(one.name, one.split): one for one in eval_entities.figures()}
    contrary = found["judged as the contrary", "both"]
    assert contrary.n == 2 * len(rows)
    assert contrary.baseline is not None
    assert contrary.value < contrary.baseline, "judging per entity is worth its while"


def test_a_judgement_is_right_or_the_contrary_or_neither() -> None:
    good, bad, flat = SentimentClass.POSITIVE, SentimentClass.NEGATIVE, SentimentClass.NEUTRAL
    found = [((good, good, bad), (bad, flat, bad)), ((bad, good, bad), (flat, flat, flat))]
    assert (eval_entities.right(found), eval_entities.contrary(found)) == (0.5, 0.25)
    assert eval_entities.right(eval_entities.whole(found)) == 0.75
