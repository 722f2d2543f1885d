"""Learn what the German lexicon leaves open, and measure it: python -m benchmarks.train_lexicon FOLDER.

FOLDER holds `train.tsv.gz` and `dev.tsv.gz` of PotTS (lines of class, tab, text). What is learnt comes from the
training part only: a logistic regression over the features that `pipeline.sentiment_de` reads, held near what
`pipeline/lexicon_de.tsv` says, with classes weighted alike, no randomness, and weights rounded to two digits, so the
same data gives the same file. Names and topics are kept out: a word that is mostly written with a capital, and not in
the lexicon, is not learnt. The dev part is only measured on; the constants below were chosen by it. With `--check`,
nothing is written: it says whether the file in the tree is what the data gives.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure_sentiment import CLASSES, Texts, measure, read
from pipeline import sentiment_de
from pipeline.feeling_words import Part, cut
from pipeline.sentiment_lexicon import stem

SUPPORT = 4
"""A feature must stand in this many texts."""
CAPITALS = 0.4
"""A word that is written with a capital more often than this is a noun or a name; that is no feeling."""
RIDGE = 6.0
STEPS = 200
RATE = 0.05
LEAST = 0.03
"""Features that weigh less than this in both numbers, and differ that little from the lexicon, are left out."""
_TOPICS = """papst papstwahl konklave franziskus vatikan spd cdu csu fdp npd afd gruen gruene grune linke linken pirat
piraten piratenpartei merkel steinbrueck gabriel bruederle btw btw13 wahlkampf bundestag wahl rt android ipad iphone"""
TOPICS = frozenset(_TOPICS.split())
"""What PotTS was collected by; elsewhere these words say nothing about feeling."""
_FUNCTION_WORDS = """der die das den dem des ein eine einen einem einer eines ich du er sie es wir ihr mich dich ihn uns
euch mir dir ihm ihnen mein meine dein deine sein seine unser und oder aber dass weil wenn als wie wo wer was ist sind
war waren bin bist seid hat habe haben hast hatte wird werden wurde kann koennen muss soll will an am auf aus bei beim
bis durch fuer gegen hinter im in ins mit nach neben seit ueber um unter von vom vor zu zum zur zwischen auch da dann
denn doch hier ja jetzt man mal nun nur schon sich so this the of and to is i you"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""They say how personal a text is, which is feeling, but never which way it leans."""
NOTICE = """\
# What was learnt about German words beside lexicon_de.tsv: key, lean (below zero negative), feeling.
# Learnt by benchmarks/train_lexicon.py from the training part of PotTS, the Potsdam Twitter Sentiment Corpus:
#
# The MIT License (MIT)
# Copyright (c) 2015 Uladzimir Sidarenka (Wladimir Sidorenko)
#
# Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
# documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
# rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
# persons to whom the Software is furnished to do so, subject to the following conditions:
#
# The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
# Software.
#
# THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
# WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
# COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
# OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

Array = np.ndarray[Any, Any]


Keys = set[str]


def keys_of(text: str) -> Keys:
    """Return the keys of a text, without those of the topics the corpus was collected by."""
    keys = {one.key for one in sentiment_de.features(cut(text))}
    return {key for key in keys if not TOPICS.intersection(key.removeprefix(sentiment_de.NEGATED).split())}


def nouns(texts: Texts) -> frozenset[str]:
    """Return the stems that are mostly written with a capital inside a sentence: nouns and names."""
    capital: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for _, text in texts:
        parts = [part for part in cut(text) if part.kind in ("word", "stop", "mark")]
        for before, part in zip([Part(".", ".", "stop"), *parts], parts, strict=False):
            if part.kind == "word" and before.kind == "word":
                key = stem(part.folded)
                every[key] += 1
                capital[key] += part.text[0].isupper() and not part.text.isupper()
    return frozenset(key for key, count in every.items() if capital[key] > CAPITALS * count)


def travels(key: str, named: frozenset[str]) -> bool:
    """Tell whether what is learnt of `key` may hold elsewhere: no noun or name, no pair with one, no bare number."""
    words = key.removeprefix(sentiment_de.NEGATED).split()
    if sentiment_de.PHRASE in key:
        return True
    return all(sentiment_de.assumed(word) or (word not in named and len(word) > 1) for word in words) or not any(
        word[0].isalnum() for word in words
    )


def learn(texts: Texts) -> dict[str, tuple[float, float]]:
    """Return lean and feeling of every feature with enough support."""
    named = nouns(texts)
    found = [{key for key in keys_of(text) if travels(key, named)} for _, text in texts]
    counts = Counter(key for keys in found for key in keys)
    names = sorted(key for key, count in counts.items() if count >= SUPPORT or (count >= 2 and any(prior_of(key))))
    index = {key: column for column, key in enumerate(names)}
    # what the lexicon says of words that are too rare to be learnt moves a text all the same
    given = np.array([[sum(prior_of(key)[k] for key in keys if key not in index) for k in range(3)] for keys in found])
    prior = np.array([prior_of(key) for key in names])
    rows = np.concatenate([np.full(sum(key in index for key in keys), row) for row, keys in enumerate(found)])
    columns = np.concatenate([np.array(sorted(index[key] for key in keys if key in index), int) for keys in found])
    target = np.array([CLASSES.index(label) for label, _ in texts])
    share = np.bincount(target) / len(texts)
    importance = (1 / (3 * share))[target][:, None]
    even = [index[key] for key in names if key in FUNCTION_WORDS]
    weights, bias = descend((rows, columns), (target, importance), (prior, given), even)
    learnt = {sentiment_de.START: split(*bias)}
    for key, column in index.items():
        pair, before = split(*weights[column]), split(*prior_of(key))
        if max(abs(pair[0] - before[0]), abs(pair[1] - before[1])) >= LEAST:
            learnt[key] = pair
    return learnt


def prior_of(key: str) -> tuple[float, float, float]:
    """Return what the lexicon assumes of a key: weights for negative, neutral and positive."""
    plain = key.removeprefix(sentiment_de.NEGATED)
    known = sentiment_de.assumed(plain)
    if known is None:
        return 0.0, 0.0, 0.0
    lean = known.lean * sentiment_de.TURNED if plain != key else known.lean
    return known.feeling - lean, 0.0, known.feeling + lean


def split(negative: float, neutral: float, positive: float) -> tuple[float, float]:
    """Return lean and feeling, which say the same as the three weights."""
    return round((positive - negative) / 2, 2), round((positive + negative) / 2 - neutral, 2)


def descend(
    entries: tuple[Array, Array], wanted: tuple[Array, Array], start: tuple[Array, Array], even: list[int]
) -> tuple[Array, Array]:
    """Return the weights (feature, class) and the bias of the regression, by Adam with a falling rate.

    `entries` are rows and columns of the features that are there, `wanted` the classes and what each text counts,
    `start` the weights of before and what each text scores beside them. The ridge holds the weights near those of
    before, so a feature that no text speaks of keeps them; the features in `even` are held at a lean of nothing.
    """
    (rows, columns), (target, importance), (prior, given) = entries, wanted, start
    width = len(prior)
    truth = np.eye(3)[target]
    values = np.vstack([prior, np.zeros(3)])
    mean, square = np.zeros_like(values), np.zeros_like(values)
    for step in range(1, STEPS + 1):
        sums = np.stack([np.bincount(rows, values[columns, k], len(target)) for k in range(3)], 1)
        scores = sums + values[width] + given
        odds = np.exp(scores - scores.max(1, keepdims=True))
        error = (odds / odds.sum(1, keepdims=True) - truth) * importance
        gradient = np.stack([np.bincount(columns, error[rows, k], width) for k in range(3)], 1)
        slope = np.vstack([gradient + RIDGE * (values[:width] - prior), error.sum(0)])
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope * slope
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        values -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        values[even, 0] = values[even, 2] = (values[even, 0] + values[even, 2]) / 2
    return values[:width], values[width]


def main() -> int:
    """Learn, write or check, and measure."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--check", action="store_true")
    chosen = arguments.parse_args()
    learnt = learn(read(chosen.folder / "train.tsv.gz"))
    content = NOTICE + "".join(f"{key}\t{lean:g}\t{feeling:g}\n" for key, (lean, feeling) in sorted(learnt.items()))
    same = sentiment_de.LEARNT.exists() and sentiment_de.LEARNT.read_text("utf-8") == content
    if not chosen.check:
        sentiment_de.LEARNT.write_text(content, "utf-8")
        sentiment_de.load_learnt.cache_clear()
        sentiment_de.weight_of.cache_clear()
    print(f"{len(learnt)} entries, {len(content.encode()) / 1000:.0f} kB, {'as in the tree' if same else 'new'}\n")
    print(measure(read(chosen.folder / "dev.tsv.gz")))
    return int(chosen.check and not same)


if __name__ == "__main__":
    sys.exit(main())
