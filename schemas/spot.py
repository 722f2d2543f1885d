"""Spots: where in a file the characters of a value are written, through quotes, escapes and folded lines."""

from schemas.located import Located, Path

_ESCAPED = '"\\/'


def spot(located: Located, path: Path, index: int) -> int | None:
    """Return where in the file the character `index` of the text at `path` stands; None if it is not told so easily.

    That is so where an escape such as `\\u00e4` is written for a character.
    """
    start, end = located.span_of(*path)
    value = _value(located.data, path)
    if not isinstance(value, str) or start == end:
        return None
    found = _offset(located.source[start:end], value, index)
    return None if found is None else start + found


def _value(data: object, path: Path) -> object:
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _offset(raw: str, value: str, index: int) -> int | None:
    quote = raw[0] if raw[:1] in ("'", '"') else ""
    place = raw.find("\n") + 1 if raw[:1] in ("|", ">") else len(quote)
    for number, character in enumerate(value):
        if character.isspace():
            if number == index:
                return place
            continue
        while place < len(raw) and raw[place].isspace():
            place += 1
        width = _width(raw, place, quote)
        if raw[place + width - 1 : place + width] != character:
            return None
        if number == index:
            return place
        place += width
    return None


def _width(raw: str, place: int, quote: str) -> int:
    """Return how many characters stand for one: two where it is escaped."""
    if quote == "'" and raw.startswith("''", place):
        return 2
    return 2 if quote == '"' and raw[place : place + 1] == "\\" and raw[place + 1 : place + 2] in _ESCAPED else 1
