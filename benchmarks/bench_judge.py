"""What judge costs for one match while a watch remembers many stories: CPU time, so that neighbours do not count.

    python -m benchmarks.bench_judge [STORIES [MATCHES]]

Every tenth match is a near copy of a story that is known, the others are new; prints one JSON object. Garbage is looked
for as in a worker. Stage by stage: `benchmarks/stages.py`.
"""

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from time import process_time

from pipeline.flow import judge
from pipeline.state import WatchState
from pipeline.stream import garbage
from schemas.control import WatchVersion
from schemas.mention import OWN, EntityMatch, Language, Match, Mention, Score, Sentiment, SentimentClass
from schemas.watch import Watch

START = datetime(2026, 1, 1, tzinfo=UTC)
WATCH = Watch.model_validate(
    {
        "id": "bench",
        "purpose": {"goal": "reputation", "measure": "benchmark"},
        "query": "word",
        "rules": (
            {"kind": "count", "threshold": 10, "window": "1h"},
            {"kind": "spike", "window": "1h", "factor": 3, "floor": 10},
        ),
        "owner": "bench",
        "routes": ({"channel": "slack", "to": "#bench"},),
    }
)
Known = list[list[str]]


def texts(chance: random.Random, known: Known) -> str:
    """Return a text of about twenty words: new, or that of a known story with one word changed."""
    if known and chance.random() < 0.1:
        words = list(chance.choice(known))
        words[-1] = f"w{chance.randrange(5000)}"
        return " ".join(words)
    words = [f"w{min(chance.randrange(5000), chance.randrange(5000))}" for _ in range(chance.randrange(12, 26))]
    known.append(words)
    return " ".join(word.translate(_LETTERS) for word in words)


_LETTERS = str.maketrans("0123456789", "abcdefghij")


def match(number: int, text: str, perday: int) -> Match:
    """Return the match number `number`, of which `perday` are heard in a day."""
    time = START + timedelta(days=number / perday)
    mention = Mention(id=f"x:{number}", platform="x", source="bench", time=time, seen=time, text=text)
    return Match(
        watch=WATCH.id,
        entities=(EntityMatch(entity=OWN),),
        mention=mention,
        language=Language(code="en", confidence=0.9),
        sentiment=Sentiment(label=SentimentClass.NEGATIVE, probability=0.8),
        score=Score(value=40.0),
    )


def fill(stories: int, matches: int) -> tuple[WatchState, list[Match]]:
    """Return a watch that remembers so many stories, its state just written, and the next matches."""
    chance, known = random.Random(7), Known()
    version = WatchVersion(watch=WATCH, version="1", at=START)
    state, _ = judge(WatchState.empty(), version, START)
    number = 0
    while state.memory.size < stories:
        state, _ = judge(state, match(number, texts(chance, known).translate(_LETTERS), stories), START)
        number += 1
    state, _ = state.persist()
    return state, [match(number + at, texts(chance, known).translate(_LETTERS), stories) for at in range(matches)]


def main(stories: int, matches: int) -> None:
    """Fill a watch with `stories`, then time `matches` more."""
    garbage.look_rarely()
    state, more = fill(stories, matches)
    began = process_time()
    folded = 0
    for one in more:
        state, verdict = judge(state, one, START)
        folded += bool(verdict.folded)
    took = process_time() - began
    began = process_time()
    state, rows = state.persist()
    stored = process_time() - began
    began = process_time()
    all_rows = state.rows()
    WatchState.restore(all_rows)
    restored = process_time() - began
    result = {
        "stories": state.memory.size,
        "matches": matches,
        "folded": folded,
        "microseconds_per_match": round(took / matches * 1e6, 1),
        "persist_microseconds_per_match": round(stored / matches * 1e6, 1),
        "rows_written": len(rows),
        "restore_seconds": round(restored, 2),
        "state_bytes": sum(map(len, all_rows.values())),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*(int(argument) for argument in (sys.argv[1:] + ["10000", "2000"])[: max(2, len(sys.argv) - 1)]))
