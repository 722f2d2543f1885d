"""What the stream benchmarks run on: real short texts, and watches of which a set share of the texts match one."""

import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from pipeline.flow import listen
from pipeline.normalize import tokenize
from pipeline.query import Matcher
from schemas.event import Event
from schemas.watch import Watch

EXAMPLE = Path(__file__).parents[1] / "examples" / "crises" / "crises.jsonl"
TRIED, ROUNDS, CLOSE = 10_000, 4, 0.03
"""So many texts are matched to find the share of all that match, so often, until it is that close."""
START = datetime(2026, 1, 1, tzinfo=UTC)


def texts() -> list[str]:
    """Return the texts of EARSHOT_BENCH_TEXTS (JSON lines with `text`, perhaps .gz), else the example's; mixed."""
    path = Path(os.environ.get("EARSHOT_BENCH_TEXTS", EXAMPLE))
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        found = [json.loads(line)["text"] for line in lines]
    random.Random(7).shuffle(found)
    return found


def words_of(text: str) -> set[str]:
    """Return the words of a text that can stand in a query as they are."""
    return {word for word in tokenize(text).words if len(word) > 3 and word.isalpha()}


def watch_words(sample: list[str], count: int, share: float) -> list[str]:
    """Choose `count` words so that about `share` of the sample matches at least one (seeded, so always the same).

    A query finds more than its word as it stands: inflected forms, joints, umlauts written out. So fewer texts than
    `share` may hold one of the words; how many is found by matching.
    """
    some, holding = sample[:TRIED], share
    for _ in range(ROUNDS):
        words = _words_in(sample, count, holding)
        matcher = Matcher.compile(
            [Watch.model_validate_json(json.dumps(watch(number, word))) for number, word in enumerate(words)]
        )
        posts = [_event(number, text) for number, text in enumerate(some)]
        found = sum(bool(listen(post, matcher)) for post in posts) / len(posts)
        if not found or abs(found / share - 1) < CLOSE:
            break
        holding *= share / found
    return words


def _words_in(sample: list[str], count: int, share: float) -> list[str]:
    """Choose `count` words so that about `share` of the sample holds at least one as it stands."""
    frequency = Counter(word for text in sample for word in words_of(text))
    each = share * len(sample) / count
    rare = sorted(word for word, seen in frequency.items() if each <= seen <= max(2, 2 * each))
    random.Random(7).shuffle(rare)
    where: dict[str, set[int]] = {}
    for at, text in enumerate(sample):
        for word in words_of(text):
            where.setdefault(word, set()).add(at)
    chosen: list[str] = []
    covered: set[int] = set()
    for word in rare:
        if len(chosen) == count:
            break
        if len(covered | where[word]) <= share * len(sample):
            covered |= where[word]
            chosen.append(word)
    return chosen + [f"unheard{number}" for number in range(count - len(chosen))]


def watch(number: int, word: str, threshold: int = 10) -> dict[str, Any]:
    """Return the watch of a word, as it stands in a file."""
    return {
        "id": f"watch-{number}",
        "purpose": {"goal": "reputation", "measure": "benchmark"},
        "query": word,
        "rules": [{"kind": "count", "threshold": threshold, "window": "1h"}],
        "owner": "bench",
        "routes": [{"channel": "slack", "to": "#bench"}],
    }


def write_watches(path: Path, words: list[str], threshold: int = 10) -> None:
    """Write a watch file with one watch for each word."""
    watches = [watch(number, word, threshold) for number, word in enumerate(words)]
    path.write_text(yaml.safe_dump({"watches": watches}, allow_unicode=True), "utf-8")


def events(sample: list[str], count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield `count` records of a raw topic, key and value, ten a second of event time."""
    for number, text in enumerate(islice(cycle(sample), count)):
        yield f"x:{number}".encode(), json.dumps(_post(number, text), ensure_ascii=False).encode()


def _post(number: int, text: str) -> dict[str, Any]:
    time = (START + timedelta(seconds=number / 10)).isoformat()
    post = {"schema_version": 1, "type": "event", "platform": "x", "id": str(number), "time": time, "text": text}
    return post | {"source": "bench", "seen": time, "author": {"id": str(number % 997), "followers": number % 5000}}


def _event(number: int, text: str) -> Event:
    return Event.model_validate_json(json.dumps(_post(number, text)))
