"""What is known of a word is worked out once; a text weighs what its entries weigh, one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sentiment import german, german_words
from pipeline.sentiment.weight import Weighed, Weight, share_of
from pipeline.sentiment.words import Part, Remembered, cut, part_of

WORDS = [
    "nicht",
    "sehr",
    "kaum",
    "gut",
    "schlecht",
    "schlechte",
    "der",
    "Zug",
    "ist",
    "zu",
    "spät",
    "war",
    "nie",
    "wieder",
    "kein",
    "Problem",
    "ohne",
    "Verspätung",
]
SIGNS = [
    ".",
    ",",
    "!",
    "??",
    "…",
    "„",
    "“",
    ":)",
    "👍",
    "12",
    "https://t.co/x",
    "daneben",
    "geht",
    "gar",
    "super",
    "toll",
]


def test_a_word_is_worked_out_once() -> None:
    asked: list[str] = []

    def work_out(word: str) -> str:
        asked.append(word)
        return word.upper()

    known = Remembered(work_out)
    assert [known[word] for word in ("zug", "zug", "bahn", "zug")] == ["ZUG", "ZUG", "BAHN", "ZUG"]
    assert asked == ["zug", "bahn"]


def test_it_never_grows_beyond_its_bound_and_still_answers() -> None:
    class Few(Remembered[int]):
        MOST = 3

    known = Few(len)
    for number in range(100):
        assert known["x" * number] == number
        assert len(known) <= Few.MOST


def test_the_part_of_what_was_cut_is_the_part_itself() -> None:
    text = "Suuuper!!! :-))) „nie wieder“ xDDD … 👍 Straße"
    assert [part_of(part.text) for part in cut(text)] == list(cut(text))
    assert part_of("https://t.co/x") is None


def weigh_one_by_one(parts: tuple[Part, ...]) -> Weighed:
    """Weigh a text by all that `features` yields, as the training reads it."""
    found: dict[str, tuple[str, Weight]] = {}
    learnt, count = german_words.load_learnt(), 0
    for text, key, plain, degree in german.features(parts):
        count += 1
        single = german_words.weights_of(plain)[1] if plain else german_words.weights_of(key)[0]
        weight = learnt.get(key) if " " in key else single
        if key not in found and weight:
            found[key] = (text, weight.times(degree, degree) if degree != 1.0 else weight)
    german.mock(found, parts)
    every = share_of(count, german.ENOUGH)
    for key, (text, weight) in found.items():
        if german_words.PAIR in key:
            found[key] = text, weight.times(1.0 / every, 1.0 / every)
    return Weighed.of(list(found.values()), learnt[german_words.START], every)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, *SIGNS]), max_size=25))
def test_the_product_reads_a_text_as_the_training_does(words: list[str]) -> None:
    parts = cut(" ".join(words))
    assert german.weigh(parts) == weigh_one_by_one(parts)


def test_pairs_that_were_learnt_are_found() -> None:
    negated = german_words.NEGATED
    pairs = [
        key.split(" ") for key in german_words.load_learnt() if key.count(" ") == 1 and not key.startswith(negated)
    ]
    assert pairs
    for first, second in pairs[:500]:
        parts = cut(f"{first} {second}")
        assert german.weigh(parts) == weigh_one_by_one(parts), (first, second)
