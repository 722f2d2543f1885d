"""Whether a process without a partition rightly has none, or its client stands still and has to be replaced.

A process may have no partition because the others have them all, or because nobody answers. Neither is cured by a new
client. It is another matter when the group answers and does not know the process, or gives it partitions that it
cannot prove, or has partitions that nobody holds: a client that stays so for a while does not come back by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from agents.roster import GroupState, Roster

STANDSTILL = 60.0
"""Seconds for which the same must be seen before a client is replaced: an ordinary rejoin takes a session at most."""
LONGEST = 16 * STANDSTILL
"""The most that is waited between two replacements that have not helped; it doubles up to here."""


class Standing(StrEnum):
    """How this process stands with the group; also the reason in the log."""

    PROVEN = "proven"
    """It holds leases."""
    SPARE = "spare"
    """It is a member, and others have all there is."""
    FORMING = "forming"
    """It is a member of a group that is being dealt out anew."""
    UNTOLD = "untold"
    """Nobody says."""
    OUT = "out"
    """The group does not know it."""
    UNPROVEN = "unproven"
    """The group has given it partitions, and it could prove none."""
    ORPHANED = "orphaned"
    """It is a member that was given nothing, and there are partitions that no living member has."""

    @property
    def still(self) -> bool:
        """Whether only a new client helps, if it stays so."""
        return self in (Standing.OUT, Standing.UNPROVEN, Standing.ORPHANED)


class Move(StrEnum):
    """What is to be done."""

    STAY = "stay"
    RENEW = "renew"


def standing(roster: Roster, member: str, former: Collection[str], partitions: int) -> Standing:
    """Return how a process without a proven lease stands.

    `member` is its id in the group ("" before it has one), `former` those of its replaced clients, which may still be
    named for a session; `partitions` is how many there are to be had.
    """
    if roster.state is GroupState.SILENT:
        return Standing.UNTOLD
    if member not in roster.members:
        return Standing.OUT
    if roster.state is GroupState.FORMING:
        return Standing.FORMING
    if roster.members[member]:
        return Standing.UNPROVEN
    held = [mine for name, mine in roster.members.items() if name not in former]
    return Standing.SPARE if len(frozenset[int]().union(*held)) >= partitions else Standing.ORPHANED


@dataclass(frozen=True, slots=True)
class Standstill:
    """Since when (monotonic seconds) the client has stood still, and how many replacements have not helped."""

    since: float | None = None
    tries: int = 0

    def step(self, seen: Standing, now: float) -> tuple["Standstill", Move]:
        """Take in how the process stands `now` (monotonic seconds); tell whether its client is to be replaced."""
        if not seen.still:
            helped = seen in (Standing.PROVEN, Standing.SPARE)
            return Standstill(tries=0 if helped else self.tries), Move.STAY
        if self.since is None:
            return replace(self, since=now), Move.STAY
        if now - self.since < min(STANDSTILL * 2**self.tries, LONGEST):
            return self, Move.STAY
        return Standstill(tries=self.tries + 1), Move.RENEW
