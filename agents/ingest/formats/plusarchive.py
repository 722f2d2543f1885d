"""Archives of Google+ as they lie on a disk: a folder, a .zip, a .tgz or a .json. Nothing is unpacked to the disk."""

import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agents.ingest.formats.posts import InvalidPost
from agents.ingest.formats.replayfile import packed_posts
from agents.ingest.platforms.googleplus import posts_in
from agents.ingest.web.client import read_json
from schemas.errors import ConfigError, InvalidMessage, SourceError
from schemas.event import Post

LARGEST_FILE = 67_108_864
MOST_POSTS = 2_000_000
"""An archive is held in memory while it is put into order: about a kilobyte a post."""
_SUFFIXES = (".json", ".zip", ".tgz", ".tar.gz", ".tar")


@dataclass(frozen=True, slots=True)
class Fault:
    """A file of an archive, or a part of one, that could not be read: its name, and why."""

    name: str
    why: InvalidPost


def is_archive(path: Path) -> bool:
    """Tell whether `path` is what an archive of Google+ may be; recorded posts have other names."""
    lowered = path.name.lower()
    if path.is_file() and lowered.endswith(".json"):
        # recorded posts may be called so too
        with path.open("rb") as file:
            begin = file.read(65_536)
        return b'"plus#' in begin or b'"creationTime"' in begin
    if lowered.endswith(".zip") and packed_posts(path):
        return False
    return path.is_dir() or lowered.endswith(_SUFFIXES[1:])


def units(path: Path) -> list[Path]:
    """Return the files that make up the archive at `path`, in the order of their names.

    Raises:
        ConfigError: there is nothing there.
    """
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file() and one.name.lower().endswith(_SUFFIXES))
        # what else Takeout packs beside the posts
        return [one for one in found if one.suffix != ".json" or _may_hold_posts(str(one))]
    if not path.is_file():
        raise ConfigError("is neither a folder nor a file", where=str(path), hint="name what Takeout gave you")
    return [path]


def read_units(paths: Iterable[Path]) -> tuple[list[Post], list[Fault]]:
    """Return the public posts of some files, the oldest first and each once, and what could not be read.

    Raises:
        ConfigError: a file cannot be opened, or there are more posts than fit.
    """
    posts: dict[str, Post] = {}
    faults: list[Fault] = []
    for name, data in (one for path in paths for one in _members(path)):
        if isinstance(data, InvalidPost):
            faults.append(Fault(name, data))
            continue
        try:
            for post in posts_in(read_json(data)):
                posts.setdefault(post.id, post)
        except SourceError:
            faults.append(Fault(name, InvalidPost("not-json", "it is no JSON, or nested too deep")))
        except InvalidMessage as error:
            faults.append(Fault(name, InvalidPost(error.reason, error.detail)))
        if len(posts) > MOST_POSTS:
            raise ConfigError(f"holds more than {MOST_POSTS} posts", where=name, hint="split the archive")
    return sorted(posts.values(), key=lambda post: (post.time, post.id)), faults


def read_archive(path: Path) -> tuple[list[Post], list[Fault]]:
    """Return the public posts of the archive at `path`; see `read_units`.

    Raises:
        ConfigError: it holds no posts of Google+, or see `read_units`.
    """
    found = units(path)
    if not found:
        raise ConfigError("is a directory without an archive of Google+", where=str(path), hint="name a file of posts")
    posts, faults = read_units(found)
    if not posts and not faults:
        hint = "unpack it, and name a file of posts"
        raise ConfigError("is an archive without public posts of Google+", where=str(path), hint=hint)
    return posts, faults


def _members(path: Path) -> Iterator[tuple[str, bytes | InvalidPost]]:
    """Yield the JSON files in `path`, each with its name and content, or with why it is not read."""
    lowered = path.name.lower()
    try:
        if lowered.endswith(".zip"):
            yield from _zipped(path)
        elif lowered.endswith(".json"):
            with path.open("rb") as file:
                yield str(path), _bounded(file)
        else:
            yield from _tarred(path)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        yield str(path), InvalidPost("not-archive", f"it is no whole archive ({type(error).__name__})")
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _zipped(path: Path) -> Iterator[tuple[str, bytes | InvalidPost]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if _may_hold_posts(member.filename):
                with archive.open(member) as file:
                    yield f"{path.name}/{member.filename}", _bounded(file)


def _tarred(path: Path) -> Iterator[tuple[str, bytes | InvalidPost]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and _may_hold_posts(member.name) else None
            if file is not None:
                yield f"{path.name}/{member.name}", _bounded(file)


def _may_hold_posts(name: str) -> bool:
    """Tell whether a file may hold posts: all in a folder of Takeout called Posts, and JSON of anywhere else."""
    lowered = name.replace("\\", "/").lower()
    if not lowered.endswith(".json"):
        return False
    return "takeout/" not in lowered or "/posts/" in lowered


def _bounded(file: IO[bytes]) -> bytes | InvalidPost:
    data = file.read(LARGEST_FILE + 1)
    # what it claims to be is not asked: a bomb claims little
    return data if len(data) <= LARGEST_FILE else InvalidPost("too-large", f"more than {LARGEST_FILE} bytes")
