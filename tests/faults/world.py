"""What is said: posts whose matching and counting a child could predict. A pure value that follows from a seed.

A *lane* is a sequence of posts that reach the log through one partition, so that their order is defined; two watches
listen to each. A lane speaks in *waves*, hours apart, so that each wave is one incident or none. One lane is a file
that is replayed, years before the others, with the minutes in between as ticks; the rest is pushed to the webhook.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kafka.partitioner.default import murmur2

PARTITIONS = 4
WORDS = ("alvora", "bexim", "corvanta", "dulmex", "ervilo", "fintaro", "gossamir", "helvago", "ixomar", "jantevo")
"""The word of each watch; a watch's id is its word. Two neighbours share a lane, the last two listen to the file."""
FILE_LANE = len(WORDS) // 2 - 1
THRESHOLD = 5
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
FILE_START = datetime(2013, 5, 6, 6, tzinfo=UTC)
BETWEEN_WAVES = timedelta(hours=4)
ROOMS = 4
_SYLLABLES = ("ba", "de", "fi", "go", "lu", "me", "na", "po", "ri", "su", "ta", "vo", "wi", "ze")


@dataclass(frozen=True, slots=True)
class Said:
    """One post."""

    platform: str
    id: str
    time: datetime
    text: str

    @property
    def key(self) -> str:
        return f"{self.platform}:{self.id}"

    def line(self) -> dict[str, str]:
        """Return it as senders and files write it."""
        return {"platform": self.platform, "id": self.id, "time": self.time.isoformat(), "text": self.text}


@dataclass(frozen=True, slots=True)
class World:
    """All that is said: `rounds[r][lane]` are the requests of a lane in a round, each its posts; `file` the rest."""

    rounds: tuple[tuple[tuple[tuple[Said, ...], ...], ...], ...]
    file: tuple[Said, ...]

    def lanes(self) -> list[list[Said]]:
        """Return the posts of each lane in their order, the file's last; a post that was sent again is there again."""
        pushed = [
            [said for requests in self.rounds for request in requests[lane] for said in request]
            for lane in range(FILE_LANE)
        ]
        return [*pushed, list(self.file)]


def watches() -> str:
    """Return the watch file: every watch counts to `THRESHOLD` within half an hour and tells Slack and a mailbox."""
    return "watches:\n" + "".join(
        f"  - id: {word}\n"
        "    purpose: {goal: reputation, measure: answered within an hour}\n"
        f"    query: {word}\n"
        f"    rules: [{{kind: count, threshold: {THRESHOLD}, window: 30m}}]\n"
        "    owner: Press\n"
        "    routes:\n"
        f"      - {{channel: slack, to: '#{room(word)}'}}\n"
        f"      - {{channel: email, to: {word}@example.org}}\n"
        for word in WORDS
    )


def room(word: str) -> str:
    """Return the Slack channel of a watch."""
    return f"room-{WORDS.index(word) % ROOMS}"


def make(seed: int, rounds: int) -> World:
    """Return what is said in so many rounds."""
    lanes = [Lane(random.Random(f"{seed}/{lane}"), lane) for lane in range(FILE_LANE + 1)]
    made = tuple(tuple(lane.requests(lane.wave()) for lane in lanes[:FILE_LANE]) for _ in range(rounds))
    last = tuple(lane.requests(lane.farewell()) for lane in lanes[:FILE_LANE])
    file = tuple(said for _ in range(rounds) for said in lanes[FILE_LANE].wave())
    return World((*made, last), file)


class Lane:
    """Makes up the posts of one lane, one wave after the other."""

    def __init__(self, draw: random.Random, number: int) -> None:
        self._draw = draw
        self._number = number
        self._words = WORDS[2 * number : 2 * number + 2]
        self._start = FILE_START if number == FILE_LANE else START
        self._count = 0

    def wave(self) -> list[Said]:
        """Return a murmur, a crisis, or one that grows after a while; about either watch, or about both."""
        draw, about = self._draw, self._draw.choice([*((word,) for word in self._words), self._words])
        first = draw.choice([draw.randint(2, THRESHOLD - 1), draw.randint(THRESHOLD, 9), draw.randint(THRESHOLD, 9)])
        second = draw.choice([0, draw.randint(3, 9)]) if first >= THRESHOLD else 0
        made = list(self._burst(first, self._start, about))
        if second:
            made += self._burst(second, made[0].time + timedelta(minutes=draw.randint(16, 20)), about)
        self._start += BETWEEN_WAVES
        return made

    def farewell(self) -> list[Said]:
        """Return one post about each watch, so much later that every incident is over by then."""
        self._start += timedelta(hours=24)
        return list(self._burst(1, self._start, self._words))

    def requests(self, said: list[Said]) -> tuple[tuple[Said, ...], ...]:
        """Cut posts into requests; some are sent twice, and some begin with what was sent before."""
        found: list[tuple[Said, ...]] = []
        while said:
            size = self._draw.randint(1, 4)
            request, said = tuple(said[:size]), said[size:]
            if found and self._draw.random() < 0.1:
                request = (found[-1][-1], *request)
            found += [request, request] if self._draw.random() < 0.05 else [request]
        return tuple(found)

    def _burst(self, count: int, start: datetime, about: tuple[str, ...]) -> Iterator[Said]:
        texts: list[str] = []
        time = start
        for _ in range(count):
            if texts and self._draw.random() < 0.2:
                text = self._draw.choice(texts)
            else:
                text = f"{' '.join(about)} {' '.join(self._word() for _ in range(6))}"
                texts.append(text)
            yield Said("x", self._id(), time, text)
            if self._draw.random() < 0.1:
                yield Said("x", self._id(), time, f"nothing {self._word()} {self._word()}")
            time += timedelta(seconds=self._draw.randint(1, 20))

    def _word(self) -> str:
        return "".join(self._draw.choices(_SYLLABLES, k=4))

    def _id(self) -> str:
        """Return an id that Kafka's partitioner sends through the lane's partition of the raw topic."""
        self._count += 1
        for suffix in range(1000):
            name = f"{self._number}-{self._count}-{suffix}"
            if (murmur2(f"x:{name}".encode()) & 0x7FFFFFFF) % PARTITIONS == self._number % PARTITIONS:
                return name
        raise AssertionError("no such id")
