"""What the watches ask for, for sources that can ask a platform for just that, or see more than anybody wants."""

from collections.abc import Iterable

from pipeline.normalize import normalize, readable
from pipeline.query import Matcher
from schemas.event import Event
from schemas.watch import Watch


class Asks:
    """The watches as a source sees them. One object for the whole process, whose content changes with the watches.

    `version` changes whenever the content does, so a source sees that its rules are to be reconciled.
    """

    def __init__(self, watches: Iterable[Watch] = ()) -> None:
        self.version = 0
        self.adopt(watches)

    def adopt(self, watches: Iterable[Watch]) -> None:
        """Ask from now on for what `watches` ask.

        Raises:
            ConfigError: a query cannot be read; what was asked before stays.
        """
        kept = tuple(watches)
        self._matcher, self.watches = Matcher.compile(kept), kept
        self.version += 1

    @property
    def queries(self) -> dict[str, tuple[str, ...]]:
        """The queries of each watch, by its id: the own brand's first, then its competitors'."""
        return {watch.id: tuple(watch.queries.values()) for watch in self.watches}

    def wants(self, event: Event) -> bool:
        """Tell whether a watch asks for `event`: exactly as the worker that reads it later decides."""
        # of nearly all posts their letters alone say that nobody asked
        if not (candidates := self._matcher.candidates(*readable(event), event)):
            return False
        return bool(self._matcher.match(normalize(event), candidates))
