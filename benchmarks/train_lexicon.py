"""Learn what the German lexicon leaves open: called by benchmarks/train.py.

What is learnt comes from the training part of PotTS, the development part of MobASA and sentences of our own
(`benchmarks/authored_de.tsv`): a logistic regression over the entries that `pipeline.sentiment.german` reads, held near
what `pipeline/sentiment/lexicon_de.tsv` says, with classes weighted alike in each set, no randomness, and weights
rounded to two digits. Names and topics are kept out: a word that is mostly written with a capital, and not in the
lexicon, is not learnt.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import authored
from benchmarks.labelled import Texts, read
from benchmarks.regression import Corpus, Entries, descend, nouns
from pipeline.sentiment import german, german_words
from pipeline.sentiment.lexicon import stem
from pipeline.sentiment.weight import share_of
from pipeline.sentiment.words import cut

SUPPORT = 4
"""A feature must stand in this many texts."""
HALFWAY = 0.5
"""How far the start goes from classes that are alike to their mean share in the two sets of posts."""
BEYOND = (-0.12, -0.27)
"""How far lean and feeling of the start go beyond that: elsewhere posts are neutral more often, and praise more seldom,
than tweets that were collected by their emoticons. Chosen on PotTS dev and SB10k: probabilities that are right on both,
while macro-F1 on PotTS dev stays."""
LEAST = 0.03
"""Features that weigh less than this in both numbers, and differ that little from the lexicon, are left out."""
_TOPICS = """papst papstwahl konklave franziskus vatikan spd cdu csu fdp npd afd gruen gruene grune linke linken pirat
piraten piratenpartei merkel steinbrueck gabriel bruederle btw btw13 wahlkampf bundestag wahl rt android ipad iphone
barrierefrei barrierefreiheit aufzug aufzueg fahrstuhl fahrstuehl rolltrepp rollstuhl rollstuehl"""
TOPICS = frozenset(_TOPICS.split())
"""What PotTS and MobASA were collected by; elsewhere these words say nothing about feeling."""
_FUNCTION_WORDS = """der die das den dem des ein eine einen einem einer eines ich du er sie es wir ihr mich dich ihn uns
euch mir dir ihm ihnen mein meine dein deine sein seine unser und oder aber dass weil wenn als wie wo wer was ist sind
war waren bin bist seid hat habe haben hast hatte wird werden wurde kann koennen muss soll will an am auf aus bei beim
bis durch fuer gegen hinter im in ins mit nach neben seit ueber um unter von vom vor zu zum zur zwischen auch da dann
denn doch hier ja jetzt man mal nun nur schon sich so this the of and to is i you"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""They say how personal a text is, which is feeling, but never which way it leans."""
NOTICE = """\
# What was learnt about German words beside lexicon_de.tsv: key, lean (below zero negative), feeling.
# Learnt by benchmarks/train_lexicon.py from the development part of MobASA, a corpus of German tweets on mobility
# (Aleksandra Gabryszak and Philippe Thomas, 2022, https://github.com/DFKI-NLP/sim3s-corpus), under CC BY 4.0
# (https://creativecommons.org/licenses/by/4.0/): of its tweets only weights of single words and pairs are here; from
# sentences of our own authorship (benchmarks/authored_de.tsv, Apache-2.0); and from the training part of PotTS, the
# Potsdam Twitter Sentiment Corpus:
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

SETS = (Path("potts/train.tsv.gz"), Path("mobasa/dev.xml.gz"))
"""The posts that are learnt from; of MobASA the development part, whose labels speak of barriers in transport."""
Found = list[dict[str, float]]


def read_sets(folder: Path) -> list[Texts]:
    """Return the sets that German is learnt from, the sentences of our own last."""
    return [*(read(folder / name) for name in SETS), authored.sentences()]


def keys_of(text: str) -> dict[str, float]:
    """Return the entries of a text and what each counts, without those of the topics a corpus was collected by."""
    found = list(german.features(cut(text)))
    share = share_of(len(found), german.ENOUGH)
    keys = {one.key: (1.0 if german_words.PAIR in one.key else share) * one.degree for one in reversed(found)}
    return {
        key: by for key, by in keys.items() if not TOPICS.intersection(key.removeprefix(german_words.NEGATED).split())
    }


def travels(key: str, named: frozenset[str]) -> bool:
    """Tell whether what is learnt of `key` may hold elsewhere: no noun or name, no pair with one, no bare number."""
    words = key.removeprefix(german_words.NEGATED).split()
    if german_words.PHRASE in key:
        return True
    return all(german_words.assumed(word) or (word not in named and len(word) > 1) for word in words) or not any(
        word[0].isalnum() for word in words
    )


def learn(sets: Sequence[Texts]) -> dict[str, tuple[float, float]]:
    """Return lean and feeling of every entry with enough support that differs from what the lexicon says of it."""
    corpus = Corpus.of(sets)
    named = nouns(corpus.texts, stem)
    every = [keys_of(text) for _, text in corpus.texts]
    found = [{key: share for key, share in keys.items() if travels(key, named)} for keys in every]
    counts = Counter(key for keys in found for key in keys)
    names = sorted(key for key, count in counts.items() if count >= SUPPORT or (count >= 2 and any(prior_of(key))))
    index = {key: column for column, key in enumerate(names)}
    # what the lexicon says of words that are too rare to be learnt moves a text all the same
    given = np.array([_given(keys, index) for keys in found])
    prior = np.array([prior_of(key) for key in names])
    free = np.array([(key not in FUNCTION_WORDS, True) for key in names], float)
    weights, biases = descend(corpus, Entries.of(found, index), prior, given, free)
    # the sentences of our own have no mood: how many of each class were written is no evidence
    lean, feeling = corpus.start(biases[: len(SETS)], HALFWAY)
    learnt = {german_words.START: (round(lean + BEYOND[0], 2), round(feeling + BEYOND[1], 2))}
    for key, column in index.items():
        pair, before = (round(float(weights[column, k]), 2) for k in (0, 1)), prior_of(key)
        lean, feeling = pair
        if max(abs(lean - before[0]), abs(feeling - before[1])) >= LEAST:
            learnt[key] = lean, feeling
    return learnt


def _given(keys: dict[str, float], index: dict[str, int]) -> tuple[float, float]:
    rare = [(share, prior_of(key)) for key, share in keys.items() if key not in index]
    return sum(share * one[0] for share, one in rare), sum(share * one[1] for share, one in rare)


def prior_of(key: str) -> tuple[float, float]:
    """Return what the lexicon assumes of an entry: lean and feeling."""
    plain = key.removeprefix(german_words.NEGATED)
    known = german_words.assumed(plain)
    if known is None:
        return 0.0, 0.0
    return known.lean * german_words.TURNED if plain != key else known.lean, known.feeling


def content(folder: Path) -> str:
    """Return what the file of German weights says."""
    learnt = learn(read_sets(folder))
    return NOTICE + "".join(f"{key}\t{lean:g}\t{feeling:g}\n" for key, (lean, feeling) in sorted(learnt.items()))
