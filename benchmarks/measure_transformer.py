"""What a transformer costs a text: python -m benchmarks.measure_transformer [DIRECTORY]

DIRECTORY is what EARSHOT_SENTIMENT_MODEL would name; without it a tiny model is made, which tells what asking costs
and nothing of what a real one does. Prints the median of 15 batches, CPU of this process.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from pipeline.sentiment_onnx import load
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


if __name__ == "__main__":
    main()
