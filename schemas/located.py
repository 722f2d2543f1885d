"""YAML with lines: reads what a person wrote and remembers on which line each part of it stands.

Stricter than YAML on purpose. A key given twice is an error, not a quiet overwrite. Only `true`, `false`, `null` and
plain numbers are more than text, so that `query: no` or `id: 2015-04-01` stay what was typed. Tags, merge keys (`<<`)
and several documents are refused. An anchor may be used again, but the file as a whole stays bounded, so no file,
however it was made, can eat the memory.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from schemas.errors import ConfigError

MAX_BYTES = 16_777_216
MAX_DEPTH = 32
MAX_VALUES = 1_000_000
"""How many values a file may hold, those reached through an anchor counted each time."""

Path = tuple[str | int, ...]
LineOf = Callable[..., int]
"""`line_of("watches", 0, "rules", 1, "threshold")` is the line (from 1) of that field, or of what should contain it."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,2})?")
_BEGINS_A_NUMBER = frozenset("0123456789+-.")
_CONSTANTS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_NO_LINE_BREAKS = {0x85: " ", 0x2028: " ", 0x2029: " "}
"""Characters that YAML 1.1 takes for line breaks and no editor does: our lines are those that people see."""
_NO_CHILDREN: dict[str | int, Any] = {}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Value:
    """A part of the file as built: its data, the line it begins on, what it contains, its size and depth.

    `start` and `end` are where a scalar stands in the text. `key` is, for a mapping under construction, the key whose
    value comes next, `began` its line. A file may hold hundreds of thousands of these.
    """

    __slots__ = ("began", "children", "data", "depth", "end", "key", "line", "size", "start")

    def __init__(self, data: Any, line: int, start: int = 0, end: int = 0) -> None:
        self.data = data
        self.line = line
        self.start = start
        self.end = end
        self.children: dict[str | int, _Value] = {} if isinstance(data, dict | list) else _NO_CHILDREN
        self.size = 1
        self.depth = 1
        self.key: str | None = None
        self.began = 0

    def on(self, line: int) -> "_Value":
        """Return the same, standing on `line`."""
        if line == self.line:
            return self
        copy = _Value(self.data, line, self.start, self.end)
        copy.children, copy.size, copy.depth = self.children, self.size, self.depth
        return copy


@dataclass(frozen=True)
class Located:
    """A file that has been read: its fields with their values, and where each part stands."""

    name: str
    data: dict[str, Any]
    source: str = field(repr=False)
    root: _Value = field(repr=False)

    def line_of(self, *path: str | int) -> int:
        """Return the line of a part, or of what should contain it."""
        value, line = self.root, self.root.line
        for part in path:
            if part not in value.children:
                break
            value = value.children[part]
            line = value.line
        return line

    def span_of(self, *path: str | int) -> tuple[int, int]:
        """Return from where to where in `source` a scalar stands as written, quotes included; empty for all else."""
        value = self.root
        for part in path:
            if part not in value.children:
                return 0, 0
            value = value.children[part]
        return value.start, value.end

    def point(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of a character of `source`."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    @cached_property
    def _lines(self) -> list[int]:
        """Where in `source` each line begins."""
        return [0, *(found.end() for found in re.finditer("\n", self.source))]


def locate(text: str | bytes, name: str) -> Located:
    """Return the mapping written in `text` with the places of all its parts. `name` is the file's, for messages.

    Raises:
        ConfigError: not UTF-8, too large, not YAML, no mapping, a key twice, a tag; `where` is `name:line`.
    """
    source = _decode(text, name)
    root = _Builder(name, source).build()
    if root is None or root.data is None:
        raise ConfigError("the file is empty", where=f"{name}:1")
    if not isinstance(root.data, dict):
        raise ConfigError(
            f"the file must be fields with values, not {describe(root.data)}",
            where=f"{name}:{root.line}",
            hint="begin with a field such as `watches:` or `sources:`",
        )
    return Located(name, root.data, source, root)


def load_located(text: str | bytes, name: str) -> tuple[dict[str, Any], LineOf]:
    """Return the mapping written in `text` and the function that tells the line of any part of it; see `locate`."""
    return (found := locate(text, name)).data, found.line_of


def describe(value: Any) -> str:
    """Return what kind of thing a value of a YAML file is, in words for an error message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a group of fields"


def _decode(text: str | bytes, name: str) -> str:
    """Return `text` as characters.

    Raises:
        ConfigError: it is too large or not UTF-8.
    """
    try:
        data = text.encode() if isinstance(text, str) else text
        decoded = data.decode("utf-8-sig")
    except UnicodeError as error:
        line = data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 1
        raise ConfigError("the file is not UTF-8 text", where=f"{name}:{line}", hint="save it as UTF-8") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"the file is larger than {MAX_BYTES // 1_048_576} MiB", where=f"{name}:1")
    return decoded.translate(_NO_LINE_BREAKS) if any(chr(one) in decoded for one in _NO_LINE_BREAKS) else decoded


class _Builder:
    """Builds values from YAML events with a stack of its own, so that depth and size are bounded as they grow."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source
        self._open: list[tuple[_Value, str | None]] = []
        self._anchors: dict[str, _Value] = {}
        self._root: _Value | None = None
        self._documents = 0
        self._size = 0

    def build(self) -> _Value | None:
        """Return the one document, or nothing where there is none."""
        for event in self._events():
            self._take(event)
        return self._root

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._source, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from error
        except yaml.reader.ReaderError as error:
            line = self._source.count("\n", 0, error.position) + 1
            raise self._error(line, "holds a control character", "remove it or retype the line") from error

    def _take(self, event: Any) -> None:
        kind, mark = type(event), event.start_mark
        line = mark.line + 1
        if kind is yaml.ScalarEvent:
            self._no_tag(event, line)
            data = event.value if self._wants_key() else self._scalar(event)
            self._add(_Value(data, line, mark.index, event.end_mark.index), event.anchor)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._no_tag(event, line)
            self._enter(_Value({} if kind is yaml.MappingStartEvent else [], line), event.anchor)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            value, anchor = self._open.pop()
            self._add(value, anchor)
        elif kind is yaml.AliasEvent:
            self._add(self._resolve(str(event.anchor), line), None, line)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                raise self._error(line, "a second document begins here", "remove the `---` above it")

    def _wants_key(self) -> bool:
        """Tell whether the next value is the key of a mapping."""
        return bool(self._open) and isinstance(self._open[-1][0].data, dict) and self._open[-1][0].key is None

    def _enter(self, value: _Value, anchor: str | None) -> None:
        if self._wants_key():
            raise self._error(value.line, "a field's name must be a text", "put texts with { or [ in quotes")
        if len(self._open) >= MAX_DEPTH:
            raise self._error(value.line, f"is nested more than {MAX_DEPTH} deep")
        self._open.append((value, anchor))

    def _add(self, value: _Value, anchor: str | None, line: int | None = None) -> None:
        """Put a finished value into what contains it; `line` is where it is used, if not where it was written."""
        at = line or value.line
        self._size += value.size if line else 1
        if self._size > MAX_VALUES:
            raise self._error(at, f"holds more than {MAX_VALUES} values", "use fewer anchors or split the file")
        if anchor:
            self._anchors[anchor] = value
        if not self._open:
            self._root = value
            return
        parent = self._open[-1][0]
        parent.size += value.size
        parent.depth = max(parent.depth, value.depth + 1)
        if len(self._open) + value.depth > MAX_DEPTH:
            raise self._error(at, f"is nested more than {MAX_DEPTH} deep")
        if isinstance(parent.data, list):
            parent.children[len(parent.data)] = value.on(at)
            parent.data.append(value.data)
        elif parent.key is None:
            self._begin_field(parent, value, at)
        else:
            key, parent.key = parent.key, None
            parent.data[key] = value.data
            parent.children[key] = value.on(parent.began)

    def _begin_field(self, parent: _Value, key: _Value, line: int) -> None:
        if not isinstance(key.data, str):
            raise self._error(line, "a field's name must be a text")
        if key.data == "<<":
            raise self._error(line, "merge keys (<<) are not read", "write the fields out")
        if key.data in parent.children:
            first = parent.children[key.data].line
            raise self._error(line, f"`{key.data}` is given twice, first on line {first}", "keep one of them")
        parent.key, parent.began = key.data, line

    def _resolve(self, anchor: str, line: int) -> _Value:
        """Return what `*anchor` stands for; one that is still open would contain itself."""
        if anchor not in self._anchors:
            raise self._error(line, f"`*{anchor}` names nothing that was finished above", f"define it with `&{anchor}`")
        return self._anchors[anchor]

    def _no_tag(self, event: Any, line: int) -> None:
        if event.tag:
            raise self._error(line, f"the tag {event.tag} is not read", "remove it, or put the text in quotes")

    @staticmethod
    def _scalar(event: Any) -> Any:
        """Return the value of a scalar: only a plain one can be anything but text."""
        text: str = event.value
        if event.style not in (None, ""):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in _BEGINS_A_NUMBER:
            return text
        return int(text) if _INTEGER.fullmatch(text) else float(text) if _DECIMAL.fullmatch(text) else text

    def _syntax(self, error: yaml.MarkedYAMLError) -> ConfigError:
        """Say what is wrong with the YAML, and name the usual cause where the line shows it."""
        problem, begun = error.problem or "it cannot be read", error.context_mark
        if begun and "quoted" in (error.context or "") and "end of stream" in problem:
            return self._error(begun.line + 1, "is not YAML: a quote is never closed", "close it on the same line")
        line = mark.line + 1 if (mark := error.problem_mark or begun) else 1
        *_, written = near = self._source.splitlines()[max(0, line - 2) : line] or [""]
        if "\t" in written[: len(written) - len(written.lstrip())]:
            return self._error(line, "is indented with a tab", "use spaces")
        hint = "check the indentation and the quotes of this line"
        if "escape" in problem or "hexdecimal" in problem:
            hint = "put a text with \\ in single quotes"
        elif re.search(r"[:,{-]\s+#|\[\s*#", "\n".join(near)):
            hint = "put a text that begins with # in quotes"
        elif written.count(": ") > 1 or "mapping values" in problem:
            hint = "put a text that contains `: ` in quotes"
        return self._error(line, f"is not YAML: {problem}", hint)

    def _error(self, line: int, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, where=f"{self._name}:{line}", hint=hint)
