"""Sentiment, explained word by word: what a text feels, how sure that is, and which words say so.

Every word found in the language's lexicon carries two numbers. Its *lean* says which way it points (below zero
negative, above positive), its *feeling* how far the text is from being neutral at all. Both are added up; the three
classes then stand at 0 (neutral), feeling + lean (positive) and feeling - lean (negative), and the usual soft maximum
turns that into probabilities. Praise and blame in one text cancel in lean but not in feeling, so the two classes come
out alike and the answer is *unsure* (`TORN`), which is also the answer where no class reaches `SURE`.

German and English have lexicons (`german.py`, `english.py`); in every other language only emoji and emoticons are
understood, and without them the answer is unsure. What this reaches is measured in docs/quality.md.
"""

import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Protocol

from pipeline.normalize import OFFERED
from pipeline.sentiment import english, german
from pipeline.sentiment.preference import Preference, Standing
from pipeline.sentiment.signs import weigh_sign
from pipeline.sentiment.target import aim
from pipeline.sentiment.weight import Weighed, Weight
from pipeline.sentiment.words import Part, cut
from schemas.mention import OWN, EntityMatch, Language, Sentiment, SentimentClass

SURE = 0.36
"""A class that is less probable than this is not claimed."""
TORN = 0.2
"""Where feeling prevails but leans less than this, praise and blame are about as strong, and nothing is claimed."""
BEND, STEP = 2.5, 3.4
"""Sums are bent, 3.4 x / sqrt(2.5² + size²): on texts of other kinds than those learnt from, the surest claims are the
ones that fail most. The order of the classes stays. Chosen on PotTS dev and SB10k (docs/quality.md)."""
FEW, REPEATS = 4, 0.2
"""From this many known words on a text is less sure by (4 / words)^0.2: words repeat each other, and claims that rest
on many fail most. The power was chosen by judging each set that German is learnt from with what the others teach."""
PREFERENCE = Weight(0.9, 0.5)
"""What it weighs that a text is built so that it prefers one entity to another: about 70 % sure; a convention."""
CONTRAST = 0.6
"""How much more feeling than any text something has that is set against something else; chosen on two_entities.tsv."""
CONTRASTED = 0.5
"""How sure what is said of the other one must be, to say the contrary of one of whom no word is known."""
CLASSES = (SentimentClass.NEGATIVE, SentimentClass.NEUTRAL, SentimentClass.POSITIVE)
MAX_WORDS = 8
"""How many words an explanation names, the heaviest first."""
LEAST = 0.2
"""A word that leans less than this is not worth naming."""
MAX_CHARACTERS = 5_000
"""Longer texts are judged by their beginning: an article's lead says what it feels."""

_OFFERS = re.compile(rf"(?:^|\n|(?<=\. )){OFFERED} [^\n]*")

_LEXICONS = {"de": german.weigh, "en": english.weigh}


class Feels(Protocol):
    """Says what a text feels: `assess`, or a model that the user supplies (see transformer.py)."""

    def __call__(self, text: str, language: Language, *, turned: bool = False) -> Sentiment:
        """Return what `text` feels; `turned` for the loser of a comparison."""


def assess(text: str, language: Language, *, turned: bool = False, contrasted: bool = False) -> Sentiment:
    """Return what `text` feels, as far as its language's lexicon can tell.

    `turned` for the loser of a comparison, `contrasted` for what is set against something else: it is seldom neutral.
    """
    weighed = weigh(text, language)
    if weighed is None:
        return nothing_felt()
    weighed = weighed.stirred(CONTRAST) if contrasted else weighed
    return conclude(weighed.turned() if turned else weighed)


def assess_towards(
    text: str, language: Language, entities: Sequence[EntityMatch], body: int = 0, feels: Feels = assess
) -> Sentiment | None:
    """Return what `text` feels towards the watched entity, or None where all of it is about that one.

    `body` is where the text of the mention, which the spans of `entities` count from, begins. Watched is the own brand
    where it is among the entities, else the first of them. `feels` judges what of the text is about it.
    """
    if len(entities) < 2:
        return None
    text = text[:MAX_CHARACTERS]
    watched = next((one for one in entities if one.entity == OWN), entities[0])
    own = [(body + span.start, body + span.end) for span in watched.spans]
    others = [(body + span.start, body + span.end) for one in entities if one is not watched for span in one.spans]
    aimed = aim(text, own, others, lambda word: _leaning(word, language))
    if aimed == (text, False, None, ""):
        return None
    if aimed.preference:
        return _preferred(aimed.preference)
    ours = feels is assess
    if ours and (aimed.against or aimed.turned):
        feels = partial(assess, contrasted=True)
    found = feels(aimed.text, language, turned=aimed.turned)
    # ours names the words that lean; a model names none, so what it calls neutral is neutral
    silent = not found.words and (ours or found.label == SentimentClass.UNSURE)
    if aimed.against and silent:
        contrary = feels(aimed.against, language, turned=True)
        felt = contrary.label in (SentimentClass.NEGATIVE, SentimentClass.POSITIVE)
        return contrary if felt and contrary.probability >= CONTRASTED else found
    return found


def _leaning(word: str, language: Language) -> float:
    weighed = weigh(word, language)
    return weighed.swing if weighed else 0.0


def _preferred(preference: Preference) -> Sentiment:
    """Return the judgement of who is preferred or rejected by how the text is built, with the words that say so."""
    lean = PREFERENCE.lean if preference.standing is Standing.PREFERRED else -PREFERENCE.lean
    return conclude(Weighed.of([(preference.words, Weight(lean, PREFERENCE.feeling))], Weight(0.0, 0.0)))


def nothing_felt() -> Sentiment:
    """Return the answer for a text of which nothing can be said."""
    return Sentiment(label=SentimentClass.UNSURE, probability=round(1 / 3, 3))


def conclude(weighed: Weighed) -> Sentiment:
    """Return the judgement that follows from what a text weighs in all, whoever has weighed it."""
    chances = _chances(weighed.total, len(weighed.words))
    probability = max(chances)
    label = CLASSES[chances.index(probability)]
    if probability < SURE or (max(abs(weighed.swing), abs(weighed.total.lean)) < TORN and weighed.total.feeling > 0):
        label = SentimentClass.UNSURE
    found: Sentiment = _sentiment(
        {"label": label, "probability": round(probability, 3), "words": tuple(_explain(weighed))}
    )
    return found


def without_offers(text: str) -> str:
    """Return a text without the answers that a poll offers: nobody has said any of them, so they weigh nothing."""
    return _OFFERS.sub("", text) if OFFERED in text else text


def weigh(text: str, language: Language) -> Weighed | None:
    """Return what the words of `text` weigh; nothing where none can be understood."""
    parts = cut(without_offers(text[:MAX_CHARACTERS]))
    return _LEXICONS.get(language.code, _weigh_signs)(parts) if parts else None


_sentiment = Sentiment.__pydantic_validator__.validate_python
"""Makes the words as well, at half the price of making each."""


def classify(total: Weight, words: int = 0) -> dict[SentimentClass, float]:
    """Return the probability of each of the three classes.

    The more the words add up to, and the more `words` weigh anything, the less each step counts.
    """
    return dict(zip(CLASSES, _chances(total, words), strict=True))


def _chances(total: Weight, words: int) -> tuple[float, float, float]:
    """Return the probabilities in the order of `CLASSES`."""
    lean, feeling = total
    by = STEP * (BEND * BEND + (abs(lean) + abs(feeling)) ** 2) ** -0.5
    if words > FEW:
        by *= (FEW / words) ** REPEATS
    negative, positive = math.exp(by * (feeling - lean)), math.exp(by * (feeling + lean))
    whole = negative + 1.0 + positive
    return negative / whole, 1.0 / whole, positive / whole


def _weigh_signs(parts: Sequence[Part]) -> Weighed | None:
    """Weigh only emoji and emoticons; nothing where there are none."""
    found = [(part.text, weight) for part in parts if (weight := weigh_sign(part))]
    return Weighed.of(found, Weight(0.0, 0.0)) if found else None


def _explain(weighed: Weighed) -> Iterator[dict[str, object]]:
    """Yield the words that carried the judgement, the heaviest first, each once, with their weights."""
    leans: dict[str, float] = {}
    share = weighed.share
    for text, (lean, _) in weighed.words:
        leans[text] = leans.get(text, 0.0) + lean * share
    heaviest = sorted([(-abs(lean), text) for text, lean in leans.items() if not -LEAST < lean < LEAST])
    for _, text in heaviest[:MAX_WORDS]:
        yield {"text": text, "weight": round(leans[text], 2)}
