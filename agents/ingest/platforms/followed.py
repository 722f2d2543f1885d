"""What a reader of YouTube remembers: where it stands, and what went on."""

import json
from dataclasses import dataclass, field, replace

from schemas.checkpoint import Checkpoint

KEPT = 1000
"""So many videos and comments that went on are asked for again; of more, the oldest are not."""
DUTY = 7 * 86_400.0
"""Seconds for which they are: as long as the topic keeps them, well within the 30 days that are allowed."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept between polls.

    `times` holds when something was last done (unix seconds) by its name, `known` what went on: its state and when.
    `videos` are those of `known` that are videos, `followed` those whose comments are read, the latest last.
    """

    times: dict[str, float] = field(default_factory=dict)
    known: dict[str, tuple[str, float]] = field(default_factory=dict)
    videos: frozenset[str] = frozenset()
    followed: tuple[str, ...] = ()

    def did(self, what: str, when: float) -> "Memory":
        """Return the memory after `what` was done."""
        return replace(self, times={**self.times, what: when})

    def passed_on(self, name: str, state: str, when: float | None) -> "Memory":
        """Return the memory after something went on in this state; without `when`, it had gone on before."""
        since = self.known[name][1] if when is None and name in self.known else when or 0.0
        known = {**self.known, name: (state, since)}
        return replace(self, known=dict(list(known.items())[-KEPT:]))

    def follow(self, video: str, most: int) -> "Memory":
        """Return the memory after a video went on, whose comments are read from then on."""
        followed = (*(one for one in self.followed if one != video), video)[-most:]
        return replace(self, videos=self.videos | {video}, followed=followed)

    def same(self, name: str, state: str) -> bool:
        """Tell whether something is as it was when it went on."""
        return self.known[name][0] == state

    def without(self, name: str) -> "Memory":
        """Return the memory without something that is gone."""
        known = {one: kept for one, kept in self.known.items() if one != name}
        followed = tuple(one for one in self.followed if one != name)
        return replace(self, known=known, videos=self.videos - {name}, followed=followed)

    def fresh(self, now: float) -> "Memory":
        """Return the memory without what need not be asked for again."""
        known = {name: kept for name, kept in self.known.items() if now - kept[1] <= DUTY}
        return replace(self, known=known, videos=self.videos & known.keys())

    def cursor(self) -> dict[str, str]:
        """Return the memory as a cursor of a checkpoint."""
        lists = {"times": self.times, "known": self.known, "videos": sorted(self.videos), "followed": self.followed}
        return {name: json.dumps(value, separators=(",", ":")) for name, value in lists.items()}

    @classmethod
    def resume(cls, checkpoint: Checkpoint | None) -> "Memory":
        """Return the memory that a checkpoint holds."""
        cursor = checkpoint.cursor if checkpoint else {}
        known = {name: (state, when) for name, (state, when) in json.loads(cursor.get("known", "{}")).items()}
        return cls(
            json.loads(cursor.get("times", "{}")),
            known,
            frozenset(json.loads(cursor.get("videos", "[]"))),
            tuple(json.loads(cursor.get("followed", "[]"))),
        )
