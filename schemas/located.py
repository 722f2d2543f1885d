"""YAML with lines: reads what a person wrote and remembers on which line each part of it stands.

Stricter than YAML on purpose. A key given twice is an error, not a quiet overwrite. Only `true`, `false`, `null` and
plain numbers are more than text, so that `query: no` or `id: 2015-04-01` stay what was typed. Tags, merge keys (`<<`)
and several documents are refused. An anchor may be used again, but the file as a whole stays bounded, so no file,
however it was made, can eat the memory.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from schemas.errors import ConfigError

MAX_BYTES = 4_194_304
MAX_DEPTH = 32
MAX_VALUES = 200_000
"""How many values a file may hold, those reached through an anchor counted each time."""

Path = tuple[str | int, ...]
LineOf = Callable[..., int]
"""`line_of("watches", 0, "rules", 1, "threshold")` is the line (from 1) of that field, or of what should contain it."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,2})?")
_CONSTANTS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_NO_LINE_BREAKS = {0x85: " ", 0x2028: " ", 0x2029: " "}
"""Characters that YAML 1.1 takes for line breaks and no editor does: our lines are those that people see."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Value:
    """A part of the file as built: its data, the line it begins on, what it contains, its size and depth."""

    data: Any
    line: int
    children: dict[str | int, "_Value"] = field(default_factory=dict)
    size: int = 1
    depth: int = 1
    key: str | None = None
    """For a mapping under construction: the key whose value comes next."""


def load_located(text: str | bytes, name: str) -> tuple[dict[str, Any], LineOf]:
    """Return the mapping written in `text` and the function that tells the line of any part of it.

    `name` is the file's name for error messages.

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
    found = root

    def line_of(*path: str | int) -> int:
        value = found
        line = value.line
        for part in path:
            if part not in value.children:
                break
            value = value.children[part]
            line = value.line
        return line

    return found.data, line_of


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
    return decoded.translate(_NO_LINE_BREAKS)


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
        line = event.start_mark.line + 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._error(line, "a second document begins here", "remove the `---` above it")
            case yaml.ScalarEvent():
                self._no_tag(event, line)
                data = event.value if self._wants_key() else self._scalar(event)
                self._add(_Value(data, line), event.anchor)
            case yaml.SequenceStartEvent():
                self._no_tag(event, line)
                self._enter(_Value([], line), event.anchor)
            case yaml.MappingStartEvent():
                self._no_tag(event, line)
                self._enter(_Value({}, line), event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                value, anchor = self._open.pop()
                self._add(value, anchor)
            case yaml.AliasEvent():
                self._add(self._resolve(str(event.anchor), line), None, line)

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
            parent.children[len(parent.data)] = replace(value, line=at)
            parent.data.append(value.data)
        elif parent.key is None:
            self._begin_field(parent, value, at)
        else:
            key, parent.key = parent.key, None
            parent.data[key] = value.data
            parent.children[key] = replace(value, line=parent.children[key].line)

    def _begin_field(self, parent: _Value, key: _Value, line: int) -> None:
        if not isinstance(key.data, str):
            raise self._error(line, "a field's name must be a text")
        if key.data == "<<":
            raise self._error(line, "merge keys (<<) are not read", "write the fields out")
        if key.data in parent.children:
            first = parent.children[key.data].line
            raise self._error(line, f"`{key.data}` is given twice, first on line {first}", "keep one of them")
        parent.key = key.data
        parent.children[key.data] = _Value(None, line)

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
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _DECIMAL.fullmatch(text) else text

    def _syntax(self, error: yaml.MarkedYAMLError) -> ConfigError:
        """Say what is wrong with the YAML, and name the usual cause where the line shows it."""
        problem, begun = error.problem or "it cannot be read", error.context_mark
        if begun and "quoted" in (error.context or "") and "end of stream" in problem:
            return self._error(begun.line + 1, "is not YAML: a quote is never closed", "close it on the same line")
        mark = error.problem_mark or begun
        line = mark.line + 1 if mark else 1
        lines = self._source.splitlines()
        written = lines[line - 1] if line <= len(lines) else ""
        if "\t" in written[: len(written) - len(written.lstrip())]:
            return self._error(line, "is indented with a tab", "use spaces")
        if written.count(": ") > 1 or "mapping values" in problem:
            return self._error(line, f"is not YAML: {problem}", "put a text that contains `: ` in quotes")
        return self._error(line, f"is not YAML: {problem}", "check the indentation and the quotes of this line")

    def _error(self, line: int, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, where=f"{self._name}:{line}", hint=hint)
