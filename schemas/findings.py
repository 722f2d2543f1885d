"""Findings: what is wrong with something a person wrote, in their words: file, line, field, and what was meant."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from schemas.errors import ConfigError
from schemas.located import LineOf, Path, describe

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a group of fields",
    "model_attributes_type": "a group of fields",
    "dict_type": "a group of fields",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}
_HINTS = {"a list": "begin each entry with `- `", "a group of fields": "write `field: value` lines, indented"}
_TIMES = {
    "datetime": "a day and a time such as 2026-12-24T08:00+01:00",
    "date": "a day such as 2026-12-24",
    "time": "a time such as 22:00",
}
_COMMA = re.compile(r"[0-9]+,[0-9]+")
_PERCENT = re.compile(r"([0-9]{1,2}(?:[.,][0-9]+)?)\s*%")
_YES, _NO = frozenset({"yes", "on", "y", "ja", "an", "wahr"}), frozenset({"no", "off", "n", "nein", "aus", "falsch"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file we are: its name, its lines, the path so far, and by field name what could be written there.

    `origins` are the parts that are written somewhere else, by their path below `base`: inherited fields.
    """

    name: str
    line_of: LineOf
    path: Path = ()
    examples: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[Path, "Place"] = field(default_factory=dict)
    base: int = 0

    def at(self, *path: str | int) -> "Place":
        """Return the place further down `path`."""
        return replace(self, path=self.path + path)

    def with_origins(self, origins: Mapping[Path, "Place"]) -> "Place":
        """Return the same place, of which some parts, by their path from here, are written elsewhere."""
        return replace(self, origins=origins, base=len(self.path))

    @property
    def real(self) -> "Place":
        """The place where this part is written."""
        below = self.path[self.base :]
        for length in range(len(below), 0, -1) if self.origins else ():
            if origin := self.origins.get(below[:length]):
                return origin.at(*below[length:])
        return self

    @property
    def line(self) -> int:
        """The line where this part is written."""
        real = self.real
        return real.line_of(*real.path)

    @property
    def where(self) -> str:
        """The file and the line, `file:line`, where this part is written."""
        return f"{self.real.name}:{self.line}"

    def seen_from(self, other: "Place") -> str:
        """Return where `other` is, said here: only its line if that is in the same file."""
        return f"on line {other.line}" if other.real.name == self.real.name else f"at {other.where}"

    def error(self, message: str, hint: str = "") -> ConfigError:
        """Return an error about this place; its message begins with the field's path."""
        subject = f"`{_dotted(self.real.path)}` " if self.path else ""
        return ConfigError(subject + message, where=self.where, hint=hint)

    def missing(self, how: str = "is missing") -> ConfigError:
        """Return the error that this field is not there, or is empty, with an example of what to write."""
        example = self.examples.get(str(self.path[-1]))
        return self.error(how, f"write for example `{self.path[-1]}: {example}`" if example else "")


def fit(model: type[M], data: Any, place: Place) -> tuple[M | None, list[ConfigError]]:
    """Return `data` as `model`, or nothing and everything that is wrong with it, in the order of the lines."""
    try:
        return model.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        return None, sorted(_findings(model, data, place, error), key=_line)


def nearest(written: str, known: Iterable[str], what: str = "known") -> str:
    """Return the hint that says what a misspelt word was meant to be, or which words there are."""
    words = sorted(known)
    lowered = {word.lower(): word for word in words}
    close = difflib.get_close_matches(written.lower(), lowered, 1, 0.6)
    return f"did you mean `{lowered[close[0]]}`?" if close else f"{what}: {', '.join(words)}"


def _line(error: ConfigError) -> int:
    return int(error.where.rpartition(":")[2])


def _dotted(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _findings(model: type[BaseModel], data: Any, place: Place, error: ValidationError) -> Iterator[ConfigError]:
    """Turn pydantic's errors into ours: those of one field together, a misspelt field not also as a missing one."""
    by_path: dict[Path, list[Any]] = {}
    for found in error.errors(include_url=False):
        by_path.setdefault(_in_data(found["loc"], data, found["type"]), []).append(found)
    for path, errors in by_path.items():
        if any(len(other) > len(path) and other[: len(path)] == path for other in by_path):
            continue  # the member of a union that was not meant, or a list whose entries are wrong
        here, kind = place.at(*path), errors[0]["type"]
        if kind == "extra_forbidden" and str(path[-1]).isdecimal() and errors[0]["input"] is None:
            yield here.error("is not a field here", "write decimals with a point, as in 3.5")
        elif kind == "extra_forbidden":
            yield here.error("is not a field here", nearest(str(path[-1]), _fields(model, path[:-1]), "the fields are"))
        elif kind == "missing":
            meant = _misspelt(model, data, path)
            if meant is None:
                yield here.missing()
            elif (*path[:-1], meant) not in by_path:
                yield place.at(*path[:-1], meant).error("is not a field here", f"did you mean `{path[-1]}`?")
        elif errors[0]["input"] is None and path:
            yield here.missing("is empty")
        else:
            yield _wrong(here, errors)


def _wrong(here: Place, errors: list[Any]) -> ConfigError:
    """Say what a value must be instead; several errors are those of the members of a union."""
    expected = list(dict.fromkeys(_EXPECTED[error["type"]] for error in errors if error["type"] in _EXPECTED))
    first = errors[0]
    if expected and len(expected) == len(errors):
        hint = _hint(expected, first["input"]) or _HINTS.get(expected[0], "")
        number = isinstance(first["input"], float) and "a whole number" in expected
        shown = str(first["input"]) if number else describe(first["input"])
        return here.error(f"must be {' or '.join(expected)}, not {shown}", hint)
    match first["type"]:
        case "string_too_short" | "too_short":
            return here.missing("is empty")
        case "string_too_long":
            return here.error(f"is longer than {first['ctx']['max_length']} characters", "shorten it")
        case "string_pattern_mismatch":
            return here.error(*_pattern(first["input"], first["ctx"]["pattern"]))
        case "literal_error":
            known = [str(word) for word in first["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")]
            return here.error(f"is {first['input']!r}", nearest(str(first["input"]), known, "it must be one of"))
        case _:
            said = str(first["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
            said = f"must be {time}" if (time := _TIMES.get(str(first["type"]).partition("_")[0])) else said
            whole = "not " in said or repr(first["input"]) in said
            return here.error(f"is wrong: {said}" if whole else f"{said}, not {first['input']!r}"[:300])


def _hint(expected: list[str], written: Any) -> str:
    """Return what somebody meant who wrote a value of another kind; nothing where it cannot be told."""
    if "a text" in expected and isinstance(written, int | float):
        return "put it in quotes"
    if isinstance(written, float) and "a whole number" in expected:
        return "write it without a point, also where it has thousands"
    text = str(written).strip().lower()
    if "true or false" in expected and text in _YES | _NO:
        return f"write {'true' if text in _YES else 'false'}"
    return _number(text) if {"a number", "a whole number"} & set(expected) else ""


def _number(text: str) -> str:
    """Return how a number that was written as a text should be written."""
    if _COMMA.fullmatch(text):
        return f"write decimals with a point, as in {text.replace(',', '.')}"
    if share := _PERCENT.fullmatch(text):
        return f"write it as a part of 1, as in {float(share[1].replace(',', '.')) / 100:g}"
    return "remove the quotes" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else ""


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _pattern(written: str, pattern: str) -> tuple[str, str]:
    """Return message and hint for a text of a wrong form."""
    if re.fullmatch(r"\^\([a-z|]+\)\$", pattern):
        words = pattern[2:-2].split("|")
        return f"is {written!r}", nearest(written, words, "it must be one of")
    if not written.strip():
        return "is empty", "write something into it"
    shown = repr(written if len(written) <= 80 else f"{written[:80]}…")
    if (form := _form(pattern)) not in {"", _LETTERS}:
        address = form == _FORMS[0][1] and re.fullmatch(r"[\w.-]+\.[a-z]{2,}(/\S*)?", written)
        return f"is {shown}, but must be {form}", f"did you mean `https://{written}`?" if address else ""
    plain = written[:200].lower().translate(_UMLAUTS)
    name = re.sub(r"[^a-z0-9]+" if not form else r"[^a-z]+", "-" if not form else "", plain).strip("-")[:63].rstrip("-")
    hint = f"did you mean `{name}`?" if name else ""
    return f"is {shown}, but must be made of {form or 'lower-case letters, digits and hyphens'}", hint


_LETTERS = "lower-case letters"
_FORMS = (
    (re.compile(r"\^\(?https\?://"), "a web address that begins with https://"),
    (re.compile(r"\^(\\d|\[0-9\])\{[0-9,]+\}\$"), "made of digits"),
    (re.compile(r"\^\(?v"), "a version such as v26.0"),
    (re.compile(r"\^\(\[01\]"), "a time of day such as 07:30"),
    (re.compile(r"\^\[a-z\]\+\$"), _LETTERS),
)
"""What texts of other forms than an id's are, by how their pattern begins."""


def _form(pattern: str) -> str:
    """Return what a text has to be that fits `pattern`; nothing for an id."""
    if pattern.startswith("^[a-z0-9]"):
        return ""
    return next((said for form, said in _FORMS if form.match(pattern)), f"of the form {pattern}")


def _in_data(location: tuple[str | int, ...], data: Any, kind: str) -> Path:
    """Return the path of an error without the parts that only pydantic knows, such as the members of a union."""
    path: list[str | int] = []
    for part in location:
        inside = isinstance(data, dict) and part in data
        inside = inside or (isinstance(data, list) and isinstance(part, int) and part < len(data))
        if inside:
            data = data[part]
            path.append(part)
    return (*path, location[-1]) if kind == "missing" else tuple(path)


def _misspelt(model: type[BaseModel], data: Any, path: Path) -> str | None:
    """Return the unknown field beside a missing one that it was probably meant to be."""
    for part in path[:-1]:
        data = data[part]
    fields = _fields(model, path[:-1])
    unknown = [key for key in data if key not in fields] if isinstance(data, dict) else []
    return next(iter(difflib.get_close_matches(str(path[-1]), unknown, 1, 0.6)), None)


def _fields(model: type[BaseModel], path: Path) -> set[str]:
    """Return the names of the fields of the model that stands at `path` in `model`."""
    here = model
    for part in path:
        if isinstance(part, str) and part in here.model_fields:
            here = _model_in(here.model_fields[part].annotation) or here
    return set(here.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation such as `tuple[Rule, ...]` or `Owner | None` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
