"""State on disk: one RocksDB a worker, with memory set explicitly; a copy of what the changelog knows better.

Nothing here is the only place of anything, so there is no write-ahead log: what a crash takes away is read from the
changelog again, from the place that the database remembers. All of a batch is written at once, and RocksDB keeps the
order of what it writes, so the place always fits the rows. A copy that does not fit, is of another topic, is old, or
was being read into when the worker ended, is thrown away.

Keys: `<partition>/<watch>/<row>` and `<partition>` as in the changelog; `<partition>\\0<watch>\\0<table><key>` is an
entry of a watch's indexes, of which there are no others where `<partition>\\0<watch>\\0?` stands, and `<partition>\\0`
is the place.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from rocksdict import (
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from schemas.errors import ConfigError

MEMTABLE_BYTES = 16 * 2**20
MEMTABLES = 3
STORIES_IN_MEMORY = 20_000
"""So many of the latest stories are kept as they were decoded."""
Put = Callable[[bytes, bytes], None]
"""Gives a key a value."""
log = structlog.get_logger(__name__)


class DiskFailed(Exception):
    """The database cannot be written; what it lacks is in the changelog."""


class Disk:
    """The database of one worker, in a directory that no other worker uses."""

    def __init__(self, path: Path, cache_bytes: int) -> None:
        """Open the database, or make a new one.

        Raises:
            ConfigError: the directory cannot be used.
        """
        self._cache = Cache(cache_bytes)
        self.decoded: dict[bytes, Any] = {}
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(path), _options(self._cache))
        except Exception as error:  # noqa: BLE001 - rocksdict has no errors of its own
            raise ConfigError(
                f"the state directory {path} cannot be opened: {_first_line(error)}",
                where="EARSHOT_STATE_DIR",
                hint="a worker needs a directory of its own that it can write to; it may be emptied",
            ) from None
        options = WriteOptions()
        options.disable_wal = True  # type: ignore[method-assign,assignment] # its stub is wrong
        self._db.set_write_options(options)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`."""
        found: bytes | None = self._db.get(key)
        return found

    def get_all(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of `keys`, in their order."""
        found: list[bytes | None] = self._db.get(list(keys)) if keys else []  # type: ignore[assignment]
        return found

    def items(self, begin: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values from `begin` up to, not including, `end`."""
        bounds = _up_to(end)  # the iterator does not keep it alive
        yield from self._db.items(from_key=begin, read_opt=bounds)

    def values(self, begin: bytes, end: bytes) -> Iterator[bytes]:
        """Yield the values of the keys from `begin` up to, not including, `end`; without the keys that takes less."""
        bounds = _up_to(end)
        yield from self._db.values(from_key=begin, read_opt=bounds)

    def write(self, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Write `changes` at once; None removes a key.

        Raises:
            DiskFailed: they cannot be written.
        """
        batch = WriteBatch(raw_mode=True)
        put = batch.put
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                put(key, value)
        with _writing():
            self._db.write(batch)

    @contextmanager
    def at_once(self) -> Iterator[WriteBatch]:
        """Have all written at once, in the end, that is put or deleted meanwhile.

        Raises:
            DiskFailed: it cannot be written.
        """
        batch = WriteBatch(raw_mode=True)
        yield batch
        with _writing():
            self._db.write(batch)

    def remove(self, begin: bytes, end: bytes) -> None:
        """Remove everything from `begin` up to, not including, `end`.

        Raises:
            DiskFailed: it cannot be written.
        """
        with _writing():
            self._db.delete_range(begin, end)
        for key in [key for key in self.decoded if begin <= key < end]:
            self.decoded.pop(key, None)

    def decode(self, key: bytes, read: Callable[[bytes], Any]) -> Any:
        """Return what `read` makes of the value of `key`, which is kept in memory for a while."""
        if (known := self.decoded.pop(key, None)) is None:
            value = self.get(key)
            known = read(value) if value is not None else None
        if known is not None:
            self.remember(key, known)
        return known

    def remember(self, key: bytes, decoded: object) -> None:
        """Keep what was decoded of the value of `key`."""
        self.decoded[key] = decoded
        if len(self.decoded) > STORIES_IN_MEMORY:
            with suppress(KeyError, RuntimeError):  # somebody else was faster
                del self.decoded[next(iter(self.decoded))]

    def figures(self) -> dict[str, int]:
        """Return what is in use, in bytes: `disk`, `cache` and `memtables`."""
        names = {"disk": "total-sst-files-size", "cache": "block-cache-usage", "memtables": "size-all-mem-tables"}
        return {name: self._db.property_int_value(f"rocksdb.{asked}") or 0 for name, asked in names.items()}

    def flush(self) -> None:
        """Write out what is in memory."""
        self._db.flush()

    def close(self) -> None:
        """Write out what is in memory and let go of the directory."""
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - rocksdict has no errors of its own
            log.warning("state-on-disk-incomplete", reason=_first_line(error))
        self._db.close()


def _up_to(end: bytes) -> ReadOptions:
    """Return how to go through a part of the database that may be larger than the cache."""
    bounds = ReadOptions()
    bounds.set_iterate_upper_bound(end)
    bounds.fill_cache(False)  # type: ignore[call-arg] # its stub lacks that
    return bounds


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - rocksdict has no errors of its own
        raise DiskFailed(f"the state directory cannot be written: {_first_line(error)}") from None


def _options(cache: Cache) -> Options:
    table = BlockBasedOptions()
    table.set_block_cache(cache)
    # ten bits a key: most look-ups are for what is not there
    table.set_bloom_filter(10, False)
    # indexes and filters count as cache, in small parts, else they would grow with the state
    table.set_cache_index_and_filter_blocks(True)
    table.set_index_type(BlockBasedIndexType.two_level_index_search())
    table.set_partition_filters(True)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(MEMTABLE_BYTES)
    options.set_max_write_buffer_number(MEMTABLES)
    options.set_level_compaction_dynamic_level_bytes(True)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_max_background_jobs(max(2, (os.cpu_count() or 2) // 2))
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(2**20)
    options.set_stats_dump_period_sec(0)
    return options


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def after(prefix: bytes) -> bytes:
    """Return the first key behind all keys that begin with `prefix`."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1])
