"""How far a source has got: the cursor behind which everything is acknowledged, whatever order the answers came in."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Step:
    """One item under way, and the cursor that counts once it and all before it are acknowledged."""

    cursor: Mapping[str, str] | None
    done: bool = False


@dataclass(slots=True)
class Progress:
    """The steps under way, oldest first, and the last `cursor` that counts."""

    cursor: Mapping[str, str] = field(default_factory=dict)
    _steps: deque[Step] = field(default_factory=deque)

    def begin(self, cursor: Mapping[str, str] | None) -> Step:
        """Note that an item is under way."""
        step = Step(cursor)
        self._steps.append(step)
        return step

    def finish(self, step: Step) -> None:
        """Note that `step` is acknowledged, and move the cursor as far as nothing is missing before it."""
        step.done = True
        if len(self._steps) > 1 and self._steps[-1] is step and self._steps[-2].done:
            # heartbeats behind an item that a broker has not acknowledged for hours: the latest stands for all
            before = self._steps[-2]
            del self._steps[-2]
            step.cursor = before.cursor if step.cursor is None else step.cursor
        while self._steps and self._steps[0].done:
            first = self._steps.popleft()
            if first.cursor is not None:
                self.cursor = first.cursor

    @property
    def waiting(self) -> int:
        """Tell how many items are not acknowledged, or wait for one that is not (several of these may count as one)."""
        return len(self._steps)
