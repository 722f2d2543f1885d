"""Where in a JSON answer something stands, as people write it in a sources file.

`a.b` is a field inside a field, `a[0]` an element (`[-1]` the last), `a[*].b` all of them, `"a.b"` a name with a full
stop in it, `'text'` a fixed text. Of several with ` | ` between them the first that holds something counts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

_STEP = re.compile(r"""\s*(?:\.?\s*(?:"([^"]+)"|([^\s.\[\]|"']+))|\[(-?\d{1,6}|\*)\])""")
_EVERY = "*"
MOST = 10_000
"""So many elements are looked at on the way, whatever is inside of what."""


@dataclass(frozen=True, slots=True)
class _Literal:
    text: str


_Steps = tuple[str | int | None, ...]
"""A name, an index, or None for all elements."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an answer; make one with `parse`."""

    alternatives: tuple[_Steps | _Literal, ...]

    def all(self, data: Any) -> list[Any]:
        """Return everything that stands there; nothing where the answer has another shape."""
        for one in self.alternatives:
            found = [one.text] if isinstance(one, _Literal) else list(_walk(data, one))[:MOST]
            if any(value not in (None, "") for value in found):
                return found
        return []

    def first(self, data: Any) -> Any:
        """Return the first that stands there and is not empty, or None."""
        return next((value for value in self.all(data) if value not in (None, "")), None)


def parse(written: str) -> Place:
    """Return the place that `written` means.

    >>> parse("name | author[0].\\"full.name\\" | 'nobody'").first({"author": [{"full.name": "Eva"}], "name": ""})
    'Eva'
    >>> parse("items[*].id").all({"items": [{"id": 1}, {}, {"id": 2}]})
    [1, 2]

    Raises:
        ValueError: it means none; the text says where it stops making sense.
    """
    return Place(tuple(_alternative(one.strip(), written) for one in _split(written)))


def _split(written: str) -> list[str]:
    """Split at the bars that stand in no quotes."""
    return re.findall(r"""(?:[^|"']|"[^"]*"|'[^']*')+""", written) or [""]


def _alternative(text: str, written: str) -> _Steps | _Literal:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return _Literal(text[1:-1])
    steps: list[str | int | None] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise ValueError(f"{written!r} means nothing from {text[at : at + 20]!r} on: write such as `data[0].name`")
        quoted, name, index = found.groups()
        steps.append((None if index == _EVERY else int(index)) if index else quoted or name)
        at = found.end()
    return tuple(steps)


def _walk(data: Any, steps: _Steps) -> Iterator[Any]:
    values = [data]
    for step in steps:
        following: list[Any] = []
        for value in values[:MOST]:
            if step is None:
                following += value if isinstance(value, list) else []
            elif isinstance(step, int):
                following += [value[step]] if isinstance(value, list) and -len(value) <= step < len(value) else []
            elif isinstance(value, dict) and step in value:
                following.append(value[step])
        values = following
    yield from values


def _checked(written: str) -> str:
    parse(written)
    return written


Written = Annotated[str, AfterValidator(_checked)]
"""A place as a person writes it."""
