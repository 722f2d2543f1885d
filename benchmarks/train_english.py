"""Learn what English words say beside VADER, and what VADER's sums say of the odds: called by benchmarks/train.py.

What is learnt comes from GoEmotions (train) and from sentences that VADER's makers had rated: tweets, editorials and
product reviews; their film reviews are left out, since hardly any of them is neutral. The sets count alike. A logistic
regression without randomness, classes weighted alike in each set, weights rounded to two digits; a word that is mostly
written with a capital is not learnt unless VADER knows it.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from vaderSentiment.vaderSentiment import NEGATE

from benchmarks.labelled import Texts, read_emotions, read_ratings
from benchmarks.regression import Corpus, Entries, descend, nouns
from pipeline.sentiment import english
from pipeline.sentiment.signs import vader_lexicon
from pipeline.sentiment.weight import share_of
from pipeline.sentiment.words import cut

EMOTIONS = Path("goemotions/train.tsv.gz")
RATED = ("tweets", "nytEditorialSnippets", "amazonReviewSnippets")
SETS = (EMOTIONS, *(Path(f"vader/{name}_{kind}.txt") for name in RATED for kind in ("GroundTruth", "anonDataRatings")))
SUPPORT = 20
"""An entry must stand in this many texts."""
LEAST = 0.05
"""Entries that weigh less than this in both numbers are left out."""
_FUNCTION_WORDS = """a an the and or but if so of to in on at for with from by as about than then too also all is are
was were be been being am im its it i you he she we they me my your his her our their him them us this that these those
there here what which who when where how why do does did done have has had will would can could should just very"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split()) | {word.replace("'", "") for word in NEGATE} | {"no"}
"""They say how personal a text is, which is feeling, but never which way it leans."""
NOTICE = """\
# What was learnt about English words beside VADER's lexicon: key, lean (below zero negative), feeling.
# Learnt by benchmarks/train_english.py from GoEmotions (Dorottya Demszky and others, 2020,
# https://github.com/google-research/google-research/tree/master/goemotions), under CC BY 4.0
# (https://creativecommons.org/licenses/by/4.0/): of its comments only weights of single words are here; and from the
# sentences rated for VADER (C.J. Hutto and Eric Gilbert, 2014, https://github.com/cjhutto/vaderSentiment):
#
# The MIT License (MIT)
# Copyright (c) 2016 C.J. Hutto
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
START, LEXICON = english.START, english.LEXICON
_LEANS, _FEELS = "*leans*", "*feels*"
"""The two columns of VADER's sums: one that leans only, one that feels only."""


def read_sets(folder: Path) -> list[Texts]:
    """Return the sets that English is learnt from."""
    return [read_emotions(folder / EMOTIONS), *(read_ratings(folder / "vader", name) for name in RATED)]


def keys_of(text: str) -> dict[str, float]:
    """Return the entries of a text and what each counts, with VADER's sums as two of them."""
    words, keys, found = english.read(cut(text))
    lean, feeling = sum(found), sum(map(abs, found))
    share = share_of(len(words), english.ENOUGH)
    return dict.fromkeys(keys, share) | {
        _LEANS: lean * english.slope(lean),
        _FEELS: feeling * english.slope(feeling),
    }


def learn(sets: Sequence[Texts]) -> dict[str, tuple[float, float]]:
    """Return lean and feeling of every entry with enough support."""
    corpus = Corpus.of(sets, evenly=True)
    named = nouns(corpus.texts, lambda folded: folded.replace("'", ""))
    known = {word.replace("'", "") for word in vader_lexicon()}
    found = [keys_of(text) for _, text in corpus.texts]
    counts = Counter(key for keys in found for key in keys)
    names = sorted(key for key, count in counts.items() if count >= SUPPORT and _travels(key, named, known))
    even = {_FEELS, *FUNCTION_WORDS, *(english.NEGATED + word for word in FUNCTION_WORDS)}
    free = np.array([(key not in even, key != _LEANS) for key in names], float)
    # the ridge is meant for words: from here VADER's sums have little to go
    prior = np.array([(float(key == _LEANS) * 2, float(key == _FEELS) * 2) for key in names])
    index = {key: column for column, key in enumerate(names)}
    weights, biases = descend(corpus, Entries.of(found, index), prior, np.zeros((len(found), 2)), free)
    sure = english.SURENESS
    start = corpus.start(biases, 0.0)
    learnt = {
        START: (round(start[0] * sure, 2), round(start[1] * sure, 2)),
        LEXICON: (round(float(weights[index[_LEANS], 0]) * sure, 2), round(float(weights[index[_FEELS], 1]) * sure, 2)),
    }
    for key, column in index.items():
        lean, feeling = (round(float(one), 2) for one in weights[column])
        if max(abs(lean), abs(feeling)) >= LEAST and key not in (_LEANS, _FEELS):
            learnt[key] = lean, feeling
    return learnt


def _travels(key: str, named: frozenset[str], known: set[str]) -> bool:
    plain = key.removeprefix(english.NEGATED)
    return not plain.isdigit() and (plain not in named or plain in known)


def content(folder: Path) -> str:
    """Return what the file of English weights says."""
    learnt = learn(read_sets(folder))
    return NOTICE + "".join(f"{key}\t{lean:g}\t{feeling:g}\n" for key, (lean, feeling) in sorted(learnt.items()))
