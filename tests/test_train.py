"""`make train`: how labelled sets are read, what is learnt of made-up ones, and that it comes out the same again."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import authored, train, train_english, train_lexicon
from benchmarks.labelled import NEGATIVE, NEUTRAL, POSITIVE, Texts, read, read_emotions, read_numbered, read_ratings
from benchmarks.regression import Corpus, Entries, descend, nouns
from pipeline.sentiment import german_words

XML = """<Documents>
<Document><relevance>true</relevance><sentiment>negative</sentiment><text>zu &amp;amp; spät</text></Document>
<Document><relevance>false</relevance><sentiment>negative</sentiment><text>anderes</text></Document>
<Document><relevance>true</relevance><sentiment>mixed</sentiment><text>beides</text></Document></Documents>"""


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        pytest.param("a.tsv.gz", "positive\tgut &amp; so\nmixed\tx\n", [(POSITIVE, "gut & so")], id="class and text"),
        pytest.param(
            "a.tsv", "17\tneutral\tum acht\tUM ACHT\n", [(NEUTRAL, "um acht")], id="a number before, more after"
        ),
        pytest.param("a.xml.gz", XML, [(NEGATIVE, "zu & spät")], id="documents that are meant"),
    ],
)
def test_labelled_texts_are_read(tmp_path: Path, name: str, content: str, found: Texts) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    assert read(path) == found


def test_emotions_of_two_kinds_or_of_none_are_left_out(tmp_path: Path) -> None:
    rows = ("[NAME] is great\t0,17\ta", "so so\t27\tb", "ugh\t2,11\tc", "glad and sad\t17,25\td", "what\t6\te")
    (tmp_path / "train.tsv").write_text("\n".join(rows), "utf-8")
    assert read_emotions(tmp_path / "train.tsv") == [(POSITIVE, " is great"), (NEUTRAL, "so so"), (NEGATIVE, "ugh")]


def test_a_rated_sentence_is_of_the_class_most_people_named(tmp_path: Path) -> None:
    (tmp_path / "x_GroundTruth.txt").write_text("1\t-1.5\tbad &amp; worse\n2\t0.2\tat eight\n", "latin-1")
    (tmp_path / "x_anonDataRatings.txt").write_text("1\t-1.5\t1\t[-3, 2, -1]\n2\t0.2\t1\t[0, 0, 1]\n", "latin-1")
    assert read_ratings(tmp_path, "x") == [(NEGATIVE, "bad & worse"), (NEUTRAL, "at eight")]


def test_numbered_labels_belong_to_the_lines(tmp_path: Path) -> None:
    (tmp_path / "val_labels.txt").write_text("2\n0\n", "utf-8")
    (tmp_path / "val_text.txt").write_text("good\nbad\n", "utf-8")
    assert read_numbered(tmp_path, "val") == [(POSITIVE, "good"), (NEGATIVE, "bad")]


FRIENDLY = [(label, f"{word} here") for label, word in ((POSITIVE, "foo"), (POSITIVE, "bar"), (POSITIVE, "bar"))] * 60
FRIENDLY += [(NEGATIVE, "baz here"), (NEUTRAL, "bar here")] * 60
HOSTILE = [(NEGATIVE, "baz"), (NEGATIVE, "bar"), (NEGATIVE, "bar"), (POSITIVE, "foo"), (NEUTRAL, "bar")] * 60


def _learn(sets: list[Texts], free: np.ndarray | None = None) -> dict[str, tuple[float, float]]:
    corpus = Corpus.of(sets)
    names = ("foo", "bar", "baz", "here")
    entries = Entries.of(
        [dict.fromkeys(text.split(), 1.0) for _, text in corpus.texts], {name: at for at, name in enumerate(names)}
    )
    weights, _ = descend(corpus, entries, np.zeros((len(names), 2)), np.zeros((len(corpus.texts), 2)), free)
    return {name: (float(lean), float(feeling)) for name, (lean, feeling) in zip(names, weights, strict=True)}


def test_words_lean_as_the_labels_say_and_the_mood_of_a_set_is_not_that_of_its_words() -> None:
    found = _learn([FRIENDLY, HOSTILE])
    assert found["foo"][0] > 0.5
    assert found["baz"][0] < -0.5
    assert abs(found["bar"][0]) < 0.1, "it stands in praise in one set and in blame in the other"
    assert abs(found["here"][0]) < 0.1, "it stands in every text of the friendly set"
    assert found == _learn([FRIENDLY, HOSTILE]), "the same data gives the same weights"


def test_a_word_that_may_not_lean_does_not() -> None:
    found = _learn([FRIENDLY], np.array([[0.0, 1.0]] + [[1.0, 1.0]] * 3))
    assert found["foo"][0] == 0.0
    assert found["baz"][0] < 0.0


def test_sets_count_alike_where_that_is_asked() -> None:
    corpus = Corpus.of([FRIENDLY, HOSTILE[:50]], evenly=True)
    first, second = (corpus.importance[corpus.source == number].sum() for number in (0, 1))
    assert first == pytest.approx(second)


def test_nouns_are_told_by_their_capitals() -> None:
    texts = [(NEUTRAL, "wir sehen die Bahn gern"), (NEUTRAL, "ja die Bahn")]
    assert nouns(texts, str) == {"bahn"}


def test_german_learns_no_topics_and_no_more_than_it_was_told() -> None:
    texts = [
        (NEGATIVE, "heute ist alles doofig"),
        (POSITIVE, "heute ist alles feinig"),
        (NEUTRAL, "der aufzug um acht"),
    ]
    learnt = train_lexicon.learn([texts * 10, texts * 5])
    assert learnt["doofig"][0] < 0 < learnt["feinig"][0]
    assert "aufzug" not in learnt
    assert learnt.get("ist", (0.0, 0.0))[0] == 0.0
    assert german_words.START in learnt


def test_english_learns_beside_vader() -> None:
    texts = [(NEGATIVE, "that app is zonked"), (POSITIVE, "that app zinged"), (NEUTRAL, "that call is at eight")]
    learnt = train_english.learn([texts * 30, texts * 30])
    assert learnt["zonked"][0] < 0 < learnt["zinged"][0]
    assert learnt.get("is", (0.0, 0.0))[0] == 0.0


def test_missing_data_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", str(tmp_path), "--check"])
    assert train.main() == 2
    said = capsys.readouterr().err
    assert "mobasa/dev.xml.gz" in said
    assert "docs/data-card.md" in said


@pytest.mark.parametrize(("known", "code"), [("as learnt", 0), ("another", 1)])
def test_check_compares_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str, code: int
) -> None:
    path = tmp_path / "weights.tsv"
    path.write_text(known, "utf-8")
    monkeypatch.setattr(train, "MAKES", {path: lambda _: "as learnt"})
    monkeypatch.setattr(train_lexicon, "SETS", ())
    monkeypatch.setattr(train_english, "SETS", ())
    monkeypatch.setattr(sys, "argv", ["train", str(tmp_path), "--check"])
    assert train.main() == code
    assert path.read_text("utf-8") == known
    monkeypatch.setattr(sys, "argv", ["train", str(tmp_path)])
    assert train.main() == 0
    assert path.read_text("utf-8") == "as learnt"


def test_sentences_of_our_own_come_out_the_same_again_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "patterns.tsv"
    rows = (
        "# ours",
        "slot\twho\tthe shop|the bank",
        "negative\tdelay\t({who}|nobody) is (late|slow|)",
        "neutral\tinfo\topen",
    )
    path.write_text("\n".join(rows), "utf-8")
    found = authored.sentences(path, each=12)
    assert found == authored.sentences(path, each=12)
    assert (NEUTRAL, "Open") in found, "a pattern without alternatives makes one sentence"
    assert {text for label, text in found if label == NEGATIVE} >= {"The shop is late", "Nobody is slow"}
    assert not any(set("|{}()") & set(text) for _, text in found), "no alternative is left open"


def test_the_patterns_that_ship_give_sentences_of_every_class() -> None:
    found = authored.sentences()
    assert {label for label, _ in found} == {NEGATIVE, NEUTRAL, POSITIVE}
    assert len(found) == len({text for _, text in found}) > 1_000
    assert not [text for _, text in found if "|" in text or "{" in text]
