"""A rule of X as a value: operators joined by AND (a space) and OR, everything, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What is true of every post, and of none."""

    EVERYTHING = "everything"
    NOTHING = "nothing"


class How(Enum):
    """How operands are joined."""

    ALL = " "
    ANY = " OR "


EVERYTHING, NOTHING = Verdict.EVERYTHING, Verdict.NOTHING
ALL, ANY = How.ALL, How.ANY
_OPERATORS = ("or", "and", "not")


@dataclass(frozen=True, slots=True)
class Atom:
    """One operator, such as `bahn` or `from:db_presse`; one that is not `standalone` needs one that is beside it."""

    text: str
    standalone: bool = True


@dataclass(frozen=True, slots=True)
class Joined:
    """At least two parts; none is joined in the same way, and none is a verdict."""

    how: How
    parts: tuple["Atom | Joined", ...]


Part = Atom | Joined
Said = Part | Verdict


def join(how: How, parts: Iterable[Said]) -> Said:
    """Return `parts` joined in normal form; of no parts, what joining none means."""
    wins, yields = (NOTHING, EVERYTHING) if how is ALL else (EVERYTHING, NOTHING)
    flat: list[Part] = []
    for part in parts:
        if part is wins:
            return wins
        if isinstance(part, Verdict):
            continue
        flat += part.parts if isinstance(part, Joined) and part.how is how else (part,)
    kept = tuple(dict.fromkeys(flat))
    if how is ANY and any(isinstance(part, Atom) and part.text.startswith("-") for part in kept):
        return EVERYTHING  # X refuses an exclusion as an alternative
    if not kept:
        return yields
    return kept[0] if len(kept) == 1 else Joined(how, kept)


def anchored(said: Said) -> bool:
    """Tell whether every way to satisfy `said` has an operator that can stand alone; without, X refuses the rule."""
    match said:
        case Verdict():
            return said is NOTHING
        case Atom():
            return said.standalone
        case Joined(how=How.ALL):
            return any(map(anchored, said.parts))
        case _:
            return all(map(anchored, said.parts))


def render(said: Said) -> str:
    """Return the text of a rule."""
    match said:
        case Atom():
            return f'"{said.text}"' if said.text in _OPERATORS or " " in said.text else said.text
        case Joined():
            return said.how.value.join(map(_bracketed, said.parts))
        case _:
            return ""


def _bracketed(part: Part) -> str:
    return f"({render(part)})" if isinstance(part, Joined) else render(part)
