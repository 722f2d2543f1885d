"""Where watch files lie: one file, or a folder of them. Reads and checks them, and tells when one has changed."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from agents.alert.channel import check_routes
from pipeline.check import check
from schemas.errors import ConfigError
from schemas.findings import Place
from schemas.settings import Settings, load_settings
from schemas.watch import Watch
from schemas.watchfile import MOST_FILES, WatchFiles, read_files

log = structlog.get_logger(__name__)
ENDINGS = {".yml", ".yaml"}
Look = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and time of change of every file: what differs when somebody has written one."""


def read_watches(path: Path, before: WatchFiles | None = None) -> WatchFiles:
    """Return what the watch file or the folder `path` holds, checked in every respect: fields, queries, rules, routes.

    What is wrong inside is told by the files returned. `before` is what was read the last time.

    Raises:
        ConfigError: there is no such file or folder, or it holds no watch file.
    """
    names = names_in(path)
    top = path if path.is_dir() else path.parent
    files = check(read_files(names, lambda name: _read(Path(name)), str(top), before.parts if before else ()))
    settings = load_settings()
    for entry in files.entries:
        if entry.watch is not None and (error := _route_error(entry.watch, entry.place, settings)):
            entry.watch = None
            entry.errors.append(error)
    return files


def _route_error(watch: Watch, place: Place, settings: Settings) -> ConfigError | None:
    try:
        check_routes((watch,), settings, where=lambda _, route: place.at("routes", route).where)
    except ConfigError as error:
        return error
    return None


def check_deliverable(settings: Settings) -> None:
    """Find out before the first alert whether the routes of the watches can be used.

    Alerts bring their routes along, so a watch with a mistake is no reason not to start: it is only logged.

    Raises:
        ConfigError: the watch files are not there, or a secret that a route needs is not.
    """
    if settings.watches_from == "topic":
        return
    files = read_watches(settings.watches)
    for error in files.wrong():
        log.warning("watch-wrong", reason=str(error))
    good = [entry for entry in files.entries if entry.good]
    check_routes(
        files.watches,
        settings,
        require_secrets=True,
        where=lambda watch, route: good[watch].place.at("routes", route).where,
    )


def names_in(path: Path) -> list[str]:
    """Return the names of the watch files of `path`: itself, or all in and below a folder, but none that is hidden.

    Raises:
        ConfigError: there is none, or too many.
    """
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [str(path)]
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    try:
        names = sorted(str(path / name) for name in _below(path))
    except OSError as error:  # such as a folder that is being replaced at this moment
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not names:
        raise ConfigError("holds no watch file", where=str(path), hint="their names end in .yml or .yaml")
    if len(names) > MOST_FILES:
        raise ConfigError(f"holds more than {MOST_FILES} files", where=str(path), hint="name a folder of watch files")
    return names


def _below(folder: Path) -> Iterator[Path]:
    for found in folder.rglob("*"):
        name = found.relative_to(folder)
        if found.suffix in ENDINGS and not any(part.startswith(".") for part in name.parts) and found.is_file():
            yield name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error


@dataclass(slots=True)
class Folder:
    """A watch file or folder that is looked at again and again. `news()` is true until `taken`.

    A file that is just being written is left alone until two looks have seen the same: half a file may look like a
    whole one with fewer watches.
    """

    path: Path
    included: tuple[str, ...] = ()
    _taken: Look = ()
    _last: Look = field(default=())

    def news(self) -> bool:
        """Look, and tell whether there is something that has not been taken and has settled."""
        look = self.look()
        settled = look == self._last
        self._last = look
        return settled and look != self._taken

    def look(self) -> Look:
        """Return what the files look like from outside; one that is gone is not among them."""
        try:
            names = {*names_in(self.path), *self.included}
        except (ConfigError, OSError):
            names = set(self.included)
        return tuple(found for name in sorted(names) if (found := _seen(name)))

    def taken(self, look: Look, files: WatchFiles | None) -> None:
        """Note that what there was at `look` has been read, which gave `files`."""
        self._taken = look
        if files is not None:
            self.included = tuple(part.name for part in files.parts)


def _seen(name: str) -> tuple[str, int, int, int] | None:
    try:
        found = Path(name).stat()
    except OSError:
        return None
    return name, found.st_ino, found.st_size, found.st_mtime_ns
