"""What a transformer costs a text: python -m benchmarks.measure_transformer [DIRECTORY [DATA]]

DIRECTORY is what EARSHOT_SENTIMENT_MODEL would name; without it a tiny model is made, which tells what asking costs
and nothing of what a real one does. Prints the median of 15 batches, CPU of this process. DATA is the folder of
`make eval`: then it is also told how well the English tweets there (val) are judged, as `make eval` tells it of ours.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.eval_sentiment import SAMPLES, SEED, UNSURE, Answers, macro_recall
from benchmarks.labelled import CLASSES, read_numbered
from pipeline.sentiment.transformer import Transformer, load
from schemas.mention import Language
from tests.pipeline import tiny

TEXT = "Der Service ist schlecht und der Zug kommt zu spät, aber das Personal ist gut."
BATCHES, TEXTS = 15, 20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = load(Path(sys.argv[1]) if sys.argv[1:] else tiny.make(Path(folder)))
        german = Language(code="de", confidence=1.0)
        costs = []
        for _ in range(BATCHES):
            begun = time.process_time()
            for _ in range(TEXTS):
                model(TEXT, german)
            costs.append((time.process_time() - begun) / TEXTS * 1e6)
        print(f"{statistics.median(costs):,.0f} µs a text")
        if sys.argv[2:]:
            print(judged(model, Path(sys.argv[2])))


def judged(model: Transformer, data: Path) -> str:
    """Return how well the English tweets in `data` are judged."""
    english, number = Language(code="en", confidence=1.0), {name: at for at, name in enumerate(CLASSES)}
    texts = read_numbered(data / "english", "val")
    said = np.array([number.get(model(text, english).label, UNSURE) for _, text in texts])
    truth = np.array([number[label] for label, _ in texts])
    answers, random = Answers(truth, said, said, said), np.random.default_rng(SEED)
    samples = [macro_recall(answers.of(random.integers(0, len(said), len(said)))) for _ in range(SAMPLES)]
    low, high = np.percentile(samples, (2.5, 97.5))
    value, unsure = macro_recall(answers), float(np.mean(said == UNSURE))
    return f"macro-recall of English tweets {value:.3f} ({low:.3f} to {high:.3f}), {unsure:.1%} unsure"


if __name__ == "__main__":
    main()
