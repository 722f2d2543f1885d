"""A disk of a few megabytes that can be filled: the state directory of one worker lies on it. Needs root."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

MEGABYTES = 24
MEMTABLE_BYTES = 65_536
"""What RocksDB keeps in memory before it writes to the disk, so that a short run writes at all."""
MISSING = "" if os.geteuid() == 0 else "only root can mount a small disk"


class SmallDisk:
    """A tmpfs at `path`, or just a directory where that cannot be had. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.can_be_filled = False

    def __enter__(self) -> "SmallDisk":
        self.path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(self.path)]
        self.can_be_filled = not MISSING and subprocess.run(command, capture_output=True, check=False).returncode == 0
        return self

    def __exit__(self, *_error: object) -> None:
        if self.can_be_filled:
            # lazily: whoever has been killed may not have let go yet
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    def fill(self) -> None:
        """Take all the room there is."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> None:
        """Give it back."""
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.path / "filler"
