"""Measure sentiment on labelled German texts: python -m benchmarks.measure_sentiment FILE...

A FILE is a gzipped TSV of class and text (PotTS, SB10k) or a gzipped XML of GermEval 2017, of which the relevant
documents are taken. Prints precision, recall and F1 of each class, with *unsure* counted as wrong, and how often a
claimed probability was right. Nothing is learnt here.
"""

import gzip
import html
import sys
from pathlib import Path
from xml.etree import ElementTree

from pipeline.sentiment import assess
from schemas.mention import Language, Sentiment, SentimentClass

CLASSES = (SentimentClass.NEGATIVE, SentimentClass.NEUTRAL, SentimentClass.POSITIVE)
GERMAN = Language(code="de", confidence=1.0)
STEPS = (0.45, 0.55, 0.65, 0.75, 0.85, 0.95)

Texts = list[tuple[SentimentClass, str]]
Answers = list[tuple[SentimentClass, Sentiment]]


def read(path: Path) -> Texts:
    """Return class and text of each entry; entries of a class that is none of ours (`mixed`) are left out."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        content = file.read()
    rows = _documents(content) if path.name.endswith(".xml.gz") else _lines(content)
    return [(SentimentClass(label), html.unescape(html.unescape(text))) for label, text in rows if label in CLASSES]


def _lines(content: str) -> list[tuple[str, str]]:
    rows = (line.partition("\t") for line in content.split("\n") if line)
    return [(label, text) for label, _, text in rows]


def _documents(content: str) -> list[tuple[str, str]]:
    found = ElementTree.fromstring(content).iter("Document")
    relevant = (document for document in found if document.findtext("relevance") == "true")
    return [(document.findtext("sentiment") or "", document.findtext("text") or "") for document in relevant]


def measure(texts: Texts) -> str:
    """Return the tables of what the product answers on `texts`."""
    answers = [(label, assess(text, GERMAN)) for label, text in texts]
    lines = ["| class | texts | precision | recall | F1 |", "|---|---|---|---|---|"]
    scores = []
    for name in CLASSES:
        there = sum(label == name for label, _ in answers)
        hits = sum(label == name == answer.label for label, answer in answers)
        precision = hits / max(1, sum(answer.label == name for _, answer in answers))
        recall = hits / max(1, there)
        scores.append(2 * precision * recall / max(1e-9, precision + recall))
        lines.append(f"| {name} | {there} | {precision:.3f} | {recall:.3f} | {scores[-1]:.3f} |")
    unsure = sum(answer.label == SentimentClass.UNSURE for _, answer in answers) / max(1, len(answers))
    summary = f"macro-F1 {sum(scores) / len(scores):.3f}, {len(answers)} texts, unsure {unsure:.1%}"
    return "\n".join([*lines, "", summary, "", *_reliability(answers)])


def _reliability(answers: Answers) -> list[str]:
    """Return the table of claimed probability against how often the claim was right."""
    lines = ["| claimed | texts | mean claim | right |", "|---|---|---|---|"]
    for low in STEPS:
        inside = [(label, got) for label, got in answers if low <= got.probability < low + 0.1]
        inside = [(label, got) for label, got in inside if got.label != SentimentClass.UNSURE]
        if inside:
            claim = sum(got.probability for _, got in inside) / len(inside)
            right = sum(label == got.label for label, got in inside) / len(inside)
            lines.append(f"| {low:.2f} to {min(1.0, low + 0.1):.2f} | {len(inside)} | {claim:.2f} | {right:.2f} |")
    return lines


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{Path(name).name}\n\n{measure(read(Path(name)))}\n")
