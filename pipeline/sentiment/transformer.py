"""Sentiment by a transformer that the user supplies: a directory as `optimum-cli export onnx` writes it.

It holds `model.onnx`, `tokenizer.json` and `config.json`; of the last, `id2label` says which class each output is.
What the model says is turned into the two numbers that the lexicons add up, so that its probabilities are those of the
soft maximum and *unsure* is decided as ever (`sentiment.conclude`). It names no words: why a transformer answers as it
does, it does not tell. What of a text is about the watched entity is decided before it is asked (`target.py`).
Needs the extra `earshot[onnx]`.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.sentiment import MAX_CHARACTERS, Feels, assess, conclude, nothing_felt, without_offers
from pipeline.sentiment.weight import Weighed, Weight
from schemas.errors import ConfigError
from schemas.mention import Language, Sentiment, SentimentClass

WHERE = "EARSHOT_SENTIMENT_MODEL"
MODEL, TOKENIZER, CONFIG, LIMITS = "model.onnx", "tokenizer.json", "config.json", "tokenizer_config.json"
LONGEST = 512
"""No text is longer in tokens, whatever a model could take; a text that is, is judged by its beginning."""

_NAMES = {
    SentimentClass.NEGATIVE: "negative neg negativ very-negative 1-star 2-stars",
    SentimentClass.NEUTRAL: "neutral neu 3-stars",
    SentimentClass.POSITIVE: "positive pos positiv very-positive 4-stars 5-stars",
}
_CLASSES = {name: found for found, names in _NAMES.items() for name in names.split()}
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def choose(directory: str, languages: str = "") -> Feels:
    """Return what judges sentiment: the model in `directory`, or the lexicons where that is empty.

    `languages` are the codes, with commas between them, of what the model is asked for; empty is every language. The
    lexicons judge the rest.

    Raises:
        ConfigError: the extra is missing, or the directory is not what it must be.
    """
    codes = frozenset(code.strip().lower() for code in languages.split(",") if code.strip())
    return load(Path(directory), codes) if directory else assess


def load(directory: Path, languages: Collection[str] = ()) -> "Transformer":
    """Return the model that `directory` holds, after it has judged a text.

    Raises:
        ConfigError: as in `choose`.
    """
    try:
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer
    except ImportError:
        raise ConfigError(
            "onnxruntime or tokenizers is not installed", where=WHERE, hint="pip install 'earshot[onnx]'"
        ) from None
    for name in (MODEL, TOKENIZER, CONFIG):
        if not (directory / name).is_file():
            raise _unfit(f"{directory} has no {name}", "export the model with `optimum-cli export onnx`")
    config = _json(directory / CONFIG)
    classes = _classes(config)
    options = SessionOptions()
    # a worker is one core's work, and more of them share the partitions
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        tokenizer = Tokenizer.from_file(str(directory / TOKENIZER))
        session = InferenceSession(str(directory / MODEL), options, ["CPUExecutionProvider"])
    except Exception as error:  # neither library has an error of its own for a file that it cannot read
        said = " ".join(str(error).split())[:200]
        raise _unfit(f"{directory} cannot be loaded: {said}", "export it anew") from error
    tokenizer.enable_truncation(_longest(directory, config))
    tokenizer.no_padding()
    if unknown := sorted({one.name for one in session.get_inputs()} - set(_INPUTS)):
        raise _unfit(f"{directory / MODEL} asks for {', '.join(unknown)}", "export it for text classification")
    model = Transformer(session, tokenizer, classes, languages)
    if (found := model.outputs("Guten Morgen")) != len(classes):
        raise _unfit(
            f"{directory / MODEL} answers with {found} numbers, and {CONFIG} has {len(classes)} labels",
            "the two belong to different models",
        )
    return model


def _unfit(message: str, hint: str) -> ConfigError:
    return ConfigError(message, where=WHERE, hint=hint)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _unfit(f"{path} is no JSON object", "export the model anew")
    return found


def _classes(config: Mapping[str, Any]) -> tuple[SentimentClass, ...]:
    """Return the class of each output of the model; several may be one, such as stars."""
    labels = config.get("id2label")
    if not isinstance(labels, dict) or sorted(labels) != sorted(map(str, range(len(labels)))):
        raise _unfit(f"{CONFIG} has no `id2label` that numbers the labels from 0", "take it from the model's page")
    written = [str(labels[str(at)]) for at in range(len(labels))]
    found = [_CLASSES.get("-".join(label.lower().replace("_", " ").split())) for label in written]
    missing = [name.value for name in _NAMES if name not in found]
    if missing or None in found:
        wrong = f"no label is {missing[0]}" if missing else "not every label is known"
        raise _unfit(
            f"{wrong} among {', '.join(written)}",
            f"name them negative, neutral and positive in `id2label` of {CONFIG}",
        )
    return tuple(one for one in found if one is not None)


def _longest(directory: Path, config: Mapping[str, Any]) -> int:
    """Return how many tokens the model takes: the least of what its files say."""
    limits = _json(directory / LIMITS) if (directory / LIMITS).is_file() else {}
    said = (config.get("max_position_embeddings"), limits.get("model_max_length"), LONGEST)
    return int(min(one for one in said if isinstance(one, int | float) and one > 0))


class Transformer:
    """A model with its tokenizer; it is a `Feels`. Languages it is not asked for are judged by the lexicons."""

    def __init__(
        self, session: Any, tokenizer: Any, classes: Sequence[SentimentClass], languages: Collection[str] = ()
    ) -> None:
        self._session, self._tokenizer = session, tokenizer
        self._wanted = [one.name for one in session.get_inputs()]
        self._classes, self._languages = tuple(classes), frozenset(languages)

    def __call__(self, text: str, language: Language, *, turned: bool = False) -> Sentiment:
        """Return what the model says that `text` feels; `turned` for the loser of a comparison."""
        if self._languages and language.code not in self._languages:
            return assess(text, language, turned=turned)
        if not text.strip():
            return nothing_felt()
        weighed = self._weigh(text)
        if weighed is None:
            return nothing_felt()
        return conclude(weighed.turned() if turned else weighed)

    def outputs(self, text: str) -> int:
        """Return how many numbers the model answers with."""
        return len(self._ask(text))

    def _weigh(self, text: str) -> Weighed | None:
        """Return the answer in the terms of the lexicons; None where it is no number."""
        odds: dict[SentimentClass, float] = {}
        for name, logit in zip(self._classes, self._ask(text), strict=True):
            odds[name] = _both(odds[name], logit) if name in odds else logit
        if not all(map(math.isfinite, odds.values())):
            return None
        negative, neutral, positive = (odds[name] for name in _NAMES)
        return Weighed.of([], Weight((positive - negative) / 2, (positive + negative) / 2 - neutral))

    def _ask(self, text: str) -> list[float]:
        import numpy as np

        encoded = self._tokenizer.encode(without_offers(text[:MAX_CHARACTERS]))
        known = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}
        asked = {name: np.array([known[name]], np.int64) for name in self._wanted}
        answer = np.asarray(self._session.run(None, asked)[0], np.float64)
        return [float(one) for one in answer.reshape(-1)]


def _both(one: float, other: float) -> float:
    """Return the logit of two labels that are one class: the logarithm of the sum of their odds."""
    most = max(one, other)
    return most + math.log(math.exp(one - most) + math.exp(other - most)) if math.isfinite(most) else most
