"""Named lists: what is kept in a file of its own and asked for in many queries by `@name`.

A file of lists, as people write it:

    lists:
      - name: tier1-media
        owner: Press office
        expires: 2027-06-30
        field: site              # each entry is read as site:entry; without a field, as part of a query
        entries: [spiegel.de, faz.net, tagesschau.de]
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from schemas.errors import ConfigError
from schemas.findings import Place, fit
from schemas.located import load_located
from schemas.model import Written

EXAMPLES = {
    "lists": "[{name: …, owner: …, expires: …, entries: …}]",
    "name": "tier1-media",
    "owner": "Press office",
    "expires": "2027-06-30",
    "field": "site",
    "entries": "[spiegel.de, faz.net]",
}


def _entry(value: Any) -> Any:
    """Read a number as the text of it: ids are entries too."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class NamedList(Written):
    """One list. It expires at the end of the day `expires`, and is used until somebody takes it out."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63)]
    owner: Annotated[str, Field(min_length=1, pattern=r"\S")]
    expires: date
    field: Literal["", "author", "site", "url", "hashtag", "mention", "raw", "part"] = ""
    entries: Annotated[
        tuple[Annotated[str, BeforeValidator(_entry), Field(min_length=1, pattern=r"\S", max_length=200)], ...],
        Field(min_length=1, max_length=10_000),
    ]

    def expired(self, today: date) -> bool:
        """Tell whether `today` is past the last day."""
        return today > self.expires


Lists = Mapping[str, NamedList]
"""Lists by their names: what `parse` and `Matcher.compile` look `@name` up in."""

NO_LISTS: Lists = {}


def by_name(lists: Iterable[NamedList]) -> Lists:
    """Return `lists` by their names.

    Raises:
        ConfigError: two lists have one name.
    """
    found: dict[str, NamedList] = {}
    for one in lists:
        if one.name in found:
            raise ConfigError(f"two lists are called {one.name}", hint="give each a name of its own")
        found[one.name] = one
    return found


def read_lists(text: str | bytes, name: str) -> tuple[Lists, list[ConfigError]]:
    """Return the lists of a file called `name` that fit, and what is wrong with the others, with `name:line`.

    Raises:
        ConfigError: the text cannot be read as fields with values at all.
    """
    data, line_of = load_located(text, name)
    place = Place(name, line_of, (), EXAMPLES)
    entries = data.get("lists") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        return NO_LISTS, [place.at("lists").missing("is missing or empty")]
    errors = [place.at(key).error("is not a field here", "the only field is `lists`") for key in data if key != "lists"]
    found: dict[str, NamedList] = {}
    for index, written in enumerate(entries):
        one, wrong = fit(NamedList, written, place.at("lists", index))
        errors += wrong
        if one is not None and one.name in found:
            errors.append(place.at("lists", index, "name").error(f"is {one.name!r}, which is already given"))
        elif one is not None:
            found[one.name] = one
    return found, errors
