"""Learn the German lexicon from PotTS and measure it: python -m benchmarks.train_lexicon FOLDER.

FOLDER holds `train.tsv.gz` and `dev.tsv.gz` of PotTS (lines of class, tab, text). The lexicon is learnt from the
training part only: a logistic regression over the features that `pipeline.sentiment_de` reads, with classes weighted
alike, no randomness, and weights rounded to two digits, so the same data gives the same file. The dev part is only
measured on; the constants below were chosen by it. With `--check`, nothing is written: it says whether the file in the
tree is what the data gives.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure_sentiment import CLASSES, Texts, measure, read
from pipeline import sentiment_de
from pipeline.feeling_words import cut, fold_word

SUPPORT = 3
"""A feature must stand in this many texts."""
RIDGE = 3.0
STEPS = 200
RATE = 0.05
LEAST = 0.03
"""Features that weigh less than this in both numbers are left out."""
SEED = Path(__file__).with_name("german_seed.txt")
SEED_WEIGHT = 1.0
"""How much a seed word leans, and how far from neutral it is, before any text is seen."""
_TOPICS = """papst papstwahl konklave franziskus vatikan spd cdu csu fdp npd afd gruen gruene grune linke linken pirat
piraten piratenpartei merkel steinbrueck gabriel bruederle btw btw13 wahlkampf bundestag wahl rt"""
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
# German words with what they say about feeling: key, lean (below zero negative), feeling (away from neutral).
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


def keys_of(text: str) -> set[str]:
    """Return the lexicon keys of a text, without those of the topics the corpus was collected by."""
    keys = {key for _, key, _, _ in sentiment_de.features(cut(text))}
    return {key for key in keys if not TOPICS.intersection(key.removeprefix(sentiment_de.NEGATED).split())}


def learn(texts: Texts) -> dict[str, tuple[float, float]]:
    """Return lean and feeling of every feature with enough support."""
    found = [keys_of(text) for _, text in texts]
    counts = Counter(key for keys in found for key in keys)
    names = sorted(key for key, count in counts.items() if count >= SUPPORT)
    assumed = seed()
    names += sorted(assumed.keys() - names)
    index = {key: column for column, key in enumerate(names)}
    prior = np.array([assumed.get(key, (0.0, 0.0, 0.0)) for key in names])
    rows = np.concatenate([np.full(sum(key in index for key in keys), row) for row, keys in enumerate(found)])
    columns = np.concatenate([np.array(sorted(index[key] for key in keys if key in index), int) for keys in found])
    target = np.array([CLASSES.index(label) for label, _ in texts])
    weights, bias = descend((rows, columns), target, prior, [index[key] for key in names if key in FUNCTION_WORDS])
    table = {key: (weights[column, 0], weights[column, 1], weights[column, 2]) for key, column in index.items()}
    learnt = {sentiment_de.START: split(*bias)} | {key: split(*row) for key, row in table.items()}
    return {key: pair for key, pair in learnt.items() if max(map(abs, pair)) >= LEAST}


def seed() -> dict[str, tuple[float, float, float]]:
    """Return what is assumed of the seed words: weights for negative, neutral and positive."""
    assumed: dict[str, tuple[float, float, float]] = {}
    for part in SEED.read_text("utf-8").split("\n[")[1:]:
        heading, _, words = part.partition("]")
        lean = SEED_WEIGHT if heading == "positive" else -SEED_WEIGHT
        weights = (SEED_WEIGHT - lean, 0.0, SEED_WEIGHT + lean)
        assumed |= {sentiment_de.stem(fold_word(word)): weights for word in words.split()}
    return assumed


def split(negative: float, neutral: float, positive: float) -> tuple[float, float]:
    """Return lean and feeling, which say the same as the three weights."""
    return round((positive - negative) / 2, 2), round((positive + negative) / 2 - neutral, 2)


def descend(entries: tuple[Array, Array], target: Array, prior: Array, even: list[int]) -> tuple[Array, Array]:
    """Return the weights (feature, class) and the bias of the regression, by Adam with a falling rate.

    `entries` are rows and columns of the features that are there. The ridge holds the weights near `prior`, so a
    feature that no text speaks of keeps it; the features in `even` are held at a lean of nothing.
    """
    rows, columns = entries
    width = len(prior)
    share = np.bincount(target) / len(target)
    importance = (1 / (3 * share))[target][:, None]
    wanted = np.eye(3)[target]
    values = np.vstack([prior, np.zeros(3)])
    mean, square = np.zeros_like(values), np.zeros_like(values)
    for step in range(1, STEPS + 1):
        scores = np.stack([np.bincount(rows, values[columns, k], len(target)) for k in range(3)], 1) + values[width]
        odds = np.exp(scores - scores.max(1, keepdims=True))
        error = (odds / odds.sum(1, keepdims=True) - wanted) * importance
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
    same = sentiment_de.LEXICON.exists() and sentiment_de.LEXICON.read_text("utf-8") == content
    if not chosen.check:
        sentiment_de.LEXICON.write_text(content, "utf-8")
    print(f"{len(learnt)} entries, {len(content.encode()) / 1000:.0f} kB, {'as in the tree' if same else 'new'}\n")
    print(measure(read(chosen.folder / "dev.tsv.gz")))
    return int(chosen.check and not same)


if __name__ == "__main__":
    sys.exit(main())
