"""Frozen values with some fields changed, in a part of the time that `dataclasses.replace` takes.

Judge makes a dozen of them for every match. The generated `__init__` of a frozen dataclass sets each field through
`object.__setattr__`, by its name; here the slots are copied as they are, by code written out for each class, as
`dataclasses` writes an `__init__`.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")
_COPIES: dict[type, Callable[..., Any]] = {}


def replace(value: T, /, **changes: Any) -> T:
    """Return a copy of `value`, a dataclass with slots, that has `changes` for their fields.

    Raises:
        KeyError: it has no such field.
    """
    kind = type(value)
    copy = _COPIES.get(kind) or _COPIES.setdefault(kind, _written(kind))
    made: T = copy(value, changes)
    return made


def _written(kind: Any) -> Callable[..., Any]:
    """Return a function that copies a value of this class and writes the changes into the copy."""
    names = [field.name for field in fields(kind)]
    write = {name: getattr(kind, name).__set__ for name in names}
    lines = [
        f"def make(new, kind, write, {', '.join(f'set_{name}' for name in names)}):",
        "    def copy(value, changes):",
        "        made = new(kind)",
        *(f"        set_{name}(made, value.{name})" for name in names),
        "        for name in changes:",
        "            write[name](made, changes[name])",
        "        return made",
        "    return copy",
    ]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)  # noqa: S102 - nothing in it but the names of fields
    made: Callable[..., Any] = scope["make"](object.__new__, kind, write, *write.values())
    return made
