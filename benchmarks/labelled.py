"""Reads labelled texts, each set as its makers publish it, into pairs of class and text.

A folder holds what there is of `potts/`, `mobasa/`, `germeval2017/`, `sb10k/` (German), `goemotions/`, `vader/` and
`english/` (TweetEval's sentiment). docs/data-card.md says where each comes from and what its licence allows.
"""

import gzip
import html
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from schemas.mention import SentimentClass

CLASSES = (SentimentClass.NEGATIVE, SentimentClass.NEUTRAL, SentimentClass.POSITIVE)
NEGATIVE, NEUTRAL, POSITIVE = CLASSES
Texts = list[tuple[SentimentClass, str]]

_PRAISE = frozenset({0, 1, 4, 5, 8, 13, 15, 17, 18, 20, 21, 23})
_BLAME = frozenset({2, 3, 9, 10, 11, 12, 14, 16, 19, 24, 25})
_NEITHER = 27
"""GoEmotions numbers its emotions by the alphabet; its makers group them so. Realization, surprise, curiosity and
confusion may be either and are left out."""
_MASKS = ("[NAME]", "[RELIGION]")


def read(path: Path) -> Texts:
    """Return class and text of each entry of a TSV or an XML file, without those of a class that is none of ours."""
    content = read_text(path)
    rows = _documents(content) if ".xml" in path.suffixes else _lines(content)
    return [(SentimentClass(label), _plain(text)) for label, text in rows if label in CLASSES]


def read_numbered(folder: Path, split: str) -> Texts:
    """Return class and text of the lines of two files, as TweetEval has them: 0 negative, 1 neutral, 2 positive."""
    labels = (folder / f"{split}_labels.txt").read_text("utf-8").split()
    texts = (folder / f"{split}_text.txt").read_text("utf-8").rstrip("\n").split("\n")
    return [(CLASSES[int(label)], text) for label, text in zip(labels, texts, strict=True)]


def read_emotions(path: Path) -> Texts:
    """Return class and text of the comments of GoEmotions whose emotions are of one kind, without masks of names."""
    found: Texts = []
    for row in read_text(path).splitlines():
        text, numbers, _ = row.split("\t")
        kinds = {_kind(int(number)) for number in numbers.split(",")}
        kind = kinds.pop()
        if kind is not None and not kinds:
            for mask in _MASKS:
                text = text.replace(mask, "")
            found.append((kind, text))
    return found


def read_ratings(folder: Path, name: str) -> Texts:
    """Return class and text of the sentences that VADER's makers had rated: what most of about twenty people said."""
    rows = (row.split("\t", 2) for row in _rows(folder / f"{name}_GroundTruth.txt"))
    texts = {row[0]: row[2] for row in rows if len(row) == 3}
    found: Texts = []
    for row in _rows(folder / f"{name}_anonDataRatings.txt"):
        number, _, _, ratings = row.split("\t")
        if number in texts:
            said = json.loads(ratings)
            counts = (sum(one < 0 for one in said), said.count(0), sum(one > 0 for one in said))
            found.append((CLASSES[counts.index(max(counts))], html.unescape(texts[number])))
    return found


def read_text(path: Path) -> str:
    """Return the content of a file, unpacked where its name says it is packed."""
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")


def _rows(path: Path) -> list[str]:
    return [row for row in path.read_text("latin-1").split("\n") if row]


def _kind(emotion: int) -> SentimentClass | None:
    if emotion in _PRAISE:
        return POSITIVE
    if emotion in _BLAME:
        return NEGATIVE
    return NEUTRAL if emotion == _NEITHER else None


def _plain(text: str) -> str:
    return html.unescape(html.unescape(text))


def _lines(content: str) -> Iterator[tuple[str, str]]:
    """Yield class and text of lines that hold both one after the other, whatever stands before and after them."""
    for line in content.split("\n"):
        for label, text in pairwise(line.split("\t")):
            if label in CLASSES:
                yield label, text
                break


def _documents(content: str) -> Iterator[tuple[str, str]]:
    """Yield class and text of the documents that are about what was searched for."""
    for document in ElementTree.fromstring(content).iter("Document"):
        if document.findtext("relevance") == "true":
            yield document.findtext("sentiment") or "", document.findtext("text") or ""
