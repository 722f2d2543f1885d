"""A validator for the part of JSON Schema that our own schema uses; an unknown word is an error."""

import re
from collections.abc import Callable
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool,
    "null": type(None),
}  # fmt: skip
SILENT = {"$schema", "$defs", "title", "description", "default", "format"}


def wrong(value: Any, form: dict[str, Any], root: dict[str, Any], where: str = "") -> str:
    """Return what is wrong with `value`, or nothing."""
    for word, wanted in form.items():
        if word not in SILENT and (said := _check(word, wanted, value, form, root, where)):
            return said
    return ""


def _check(word: str, wanted: Any, value: Any, form: dict[str, Any], root: dict[str, Any], where: str) -> str:
    is_text, is_list = isinstance(value, str), isinstance(value, list)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    held: dict[str, Callable[[], bool]] = {
        "const": lambda: value == wanted,
        "enum": lambda: value in wanted,
        "type": lambda: isinstance(value, TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool)),
        "pattern": lambda: not is_text or re.search(wanted, value) is not None,
        "minLength": lambda: not is_text or len(value) >= wanted,
        "maxLength": lambda: not is_text or len(value) <= wanted,
        "minItems": lambda: not is_list or len(value) >= wanted,
        "maxItems": lambda: not is_list or len(value) <= wanted,
        "minimum": lambda: not is_number or value >= wanted,
        "maximum": lambda: not is_number or value <= wanted,
        "exclusiveMinimum": lambda: not is_number or value > wanted,
        "required": lambda: not isinstance(value, dict) or not set(wanted) - value.keys(),
        "anyOf": lambda: any(not wrong(value, one, root) for one in wanted),
        "oneOf": lambda: sum(not wrong(value, one, root) for one in wanted) == 1,
        "$ref": lambda: True,
        "items": lambda: True,
        "properties": lambda: True,
        "patternProperties": lambda: True,
        "additionalProperties": lambda: True,
    }
    if not held[word]():
        return f"{where} {word} {wanted}: {value!r}"
    return _inside(word, wanted, value, form, root, where)


def _inside(word: str, wanted: Any, value: Any, form: dict[str, Any], root: dict[str, Any], where: str) -> str:
    found: list[str] = []
    if word == "$ref":
        found = [wrong(value, root["$defs"][wanted.rpartition("/")[2]], root, where)]
    elif word == "items" and isinstance(value, list):
        found = [wrong(one, wanted, root, f"{where}[{n}]") for n, one in enumerate(value)]
    elif word == "properties" and isinstance(value, dict):
        found = [wrong(value[name], one, root, f"{where}.{name}") for name, one in wanted.items() if name in value]
    elif word == "patternProperties" and isinstance(value, dict):
        found = [
            wrong(one, inner, root, f"{where}.{name}")
            for pattern, inner in wanted.items()
            for name, one in value.items()
            if re.search(pattern, name)
        ]
    elif word == "additionalProperties" and isinstance(value, dict):
        patterns = form.get("patternProperties", {})
        named = {name for name in value if any(re.search(pattern, name) for pattern in patterns)}
        more = value.keys() - form.get("properties", {}).keys() - named
        if wanted is False:
            found = [f"{where}.{name} is unknown" for name in more]
        elif wanted is not True:
            found = [wrong(value[name], wanted, root, f"{where}.{name}") for name in more]
    return next((said for said in found if said), "")
