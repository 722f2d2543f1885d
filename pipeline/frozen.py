"""Frozen values, made and copied in a part of the time that `dataclasses` takes.

Judge makes two dozen of them for every match. The `__init__` that `dataclass` writes for a frozen class sets each field
through `object.__setattr__`, by its name, and so does its `replace`. Here the fields are set while the value is still
of a class of the same shape that is not frozen; then it becomes what it is. The code is written out for each class, as
`dataclass` does it.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_COPIES: dict[type, Callable[..., Any]] = {}


def replace(value: T, /, **changes: Any) -> T:
    """Return a copy of `value`, a dataclass with slots, that has `changes` for their fields.

    Raises:
        AttributeError: it has no such field.
    """
    kind = type(value)
    copy = _COPIES.get(kind) or _COPIES.setdefault(kind, _copy(kind))
    made: T = copy(value, changes)
    return made


def swift(kind: type[T]) -> type[T]:
    """Return a frozen dataclass with slots, and without heirs, whose `__init__` does the same faster."""
    parameters, lines = ["self"], ["turn(self, '__class__', soft)"]
    known: dict[str, Any] = {"turn": object.__setattr__, "soft": _soft(kind), "kind": kind, "MISSING": MISSING}  # type: ignore[arg-type]
    for field in fields(kind):  # type: ignore[arg-type]
        name, value = field.name, field.name
        if field.default_factory is not MISSING:
            known[f"make_{name}"], value = field.default_factory, f"make_{name}() if {name} is MISSING else {name}"
        optional = field.default is not MISSING or field.default_factory is not MISSING
        known[f"default_{name}"] = field.default
        parameters.append(f"{name}=default_{name}" if optional else name)
        lines.append(f"self.{name} = {value}")
    made = _written("__init__", parameters, [*lines, "self.__class__ = kind"], known)
    made.__annotations__ = kind.__init__.__annotations__
    kind.__init__ = made  # type: ignore[method-assign]
    kind.__init_subclass__ = classmethod(_refuse)  # type: ignore[assignment]
    return kind


def _refuse(heir: type) -> None:
    raise TypeError(f"{heir.__name__} is the heir of a swift class, whose __init__ would make it one of these")


def _copy(kind: type) -> Callable[..., Any]:
    """Return a function that copies a value of this class and writes changes into the copy."""
    names = [field.name for field in fields(kind)]
    lines = [
        "made = new(soft)",
        *(f"made.{name} = value.{name}" for name in names),
        "for name in changes:",
        "    setattr(made, name, changes[name])",
        "made.__class__ = kind",
        "return made",
    ]
    known = {"new": object.__new__, "soft": _soft(kind), "kind": kind}
    copy: Callable[..., Any] = _written("copy", ["value", "changes"], lines, known)
    return copy


@cache
def _soft(kind: type) -> type:
    """Return a class of the same shape whose fields can be set."""
    setting = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(kind.__name__, (kind,), {"__slots__": (), **setting})


def _written(name: str, parameters: list[str], lines: list[str], known: dict[str, Any]) -> Any:
    """Return a function of these lines, which sees what is `known`; there is nothing in them but names of fields."""
    inner = "".join(f"        {line}\n" for line in lines)
    text = f"def make({', '.join(known)}):\n    def {name}({', '.join(parameters)}):\n{inner}    return {name}"
    scope: dict[str, Any] = {}
    exec(text, scope)  # noqa: S102 - the text is made of names of fields only
    return scope["make"](**known)
