"""Suspects: which rows may not count, noted while the changelog is read: no row has to be looked at again. Pure.

What does not count is newer than the commit record, and so it stands near the end. Of what stands further away it is
enough to know that none of it is newer.
"""

from collections import deque
from collections.abc import Mapping

from pipeline.stream.rows import row_head

_CHUNKS = 2
"""So many of the latest chunks are remembered row by row."""
MOST = 50_000
"""So many deleted rows are remembered; where there are more, all rows are looked at in the end."""


class Suspects:
    """What is known of the rows that were read."""

    def __init__(self) -> None:
        """Begin where all rows that are known count."""
        self._latest: deque[dict[bytes, int]] = deque()
        self._before = -1
        self._deleted: set[bytes] = set()

    def note(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Note the next rows of the changelog, in their stored form; None removes one.

        Raises:
            ValueError: a row was written by another version.
        """
        chunk: dict[bytes, int] = {}
        for key, value in rows.items():
            if value is not None:
                chunk[key], length = row_head(value)
                if length is None and len(self._deleted) <= MOST:
                    self._deleted.add(key)
        self._latest.append(chunk)
        if len(self._latest) > _CHUNKS:
            self._before = max(self._before, max(self._latest.popleft().values(), default=-1))

    def newer(self, applied: int) -> set[bytes] | None:
        """Return the keys of rows that may be newer than a commit record of `applied` or are kept as deleted.

        None if there may be others.
        """
        if self._before > applied or len(self._deleted) > MOST:
            return None
        return self._deleted.union(*({key for key, at in chunk.items() if at > applied} for chunk in self._latest))
