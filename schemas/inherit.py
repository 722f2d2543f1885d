"""What a watch inherits: from its team, and below that from the defaults of its file.

A field that is a group (`purpose`, `owner`) is filled up field by field; any other is replaced as a whole. Whatever is
wrong with an inherited field is told where it is written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from schemas.errors import ConfigError
from schemas.findings import Place, nearest
from schemas.handling import Inhibition
from schemas.located import Located, Path, locate
from schemas.model import Written
from schemas.watch import Competitor, GroupBy, Identifier, Route, Rule

Group = dict[str, Any]


class Team(Written):
    """What the watches of a team have in common; each of them may write any of it anew."""

    purpose: Group = {}
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)] | None = None
    owner: str | Group = {}
    routes: Annotated[tuple[Route, ...], Field(min_length=1)] | None = None
    competitors: tuple[Competitor, ...] = ()
    group_by: GroupBy = ()
    inhibit: tuple[Inhibition, ...] = ()


class Defaults(Team):
    """What the watches of a file have in common; `team` among it."""

    team: Identifier | None = None


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file as read, and its place; `written` is what it was read from."""

    located: Located
    place: Place
    written: str | bytes = field(default="", repr=False, compare=False)

    @classmethod
    def read(
        cls, name: str, written: str | bytes, examples: Mapping[str, str], before: "LoadedFile | None"
    ) -> "LoadedFile":
        """Return the file called `name`, the very one of `before` where that was read from the same.

        Raises:
            ConfigError: it is no mapping in YAML.
        """
        if before is not None and before.written == written:
            return before
        located = locate(written, name)
        return cls(located, Place(name, located.line_of, (), examples), written)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.located.name

    @property
    def data(self) -> dict[str, Any]:
        """Its fields with their values."""
        return self.located.data

    def partial(self) -> Iterator[tuple[Path, Any]]:
        """Yield what watches may inherit from this file, with where it stands."""
        if "defaults" in self.data:
            yield ("defaults",), self.data["defaults"]
        teams = self.data.get("teams")
        for name, team in teams.items() if isinstance(teams, dict) else ():
            yield ("teams", name), team


Teams = dict[str, tuple[Group, Place]]
"""Every team by its name, as written, and where."""


def teams_of(files: Iterable[LoadedFile]) -> Teams:
    """Return the teams of all files; of two with the same name the first."""
    found: Teams = {}
    for file in files:
        for path, team in file.partial():
            if path[0] == "teams" and isinstance(team, dict):
                found.setdefault(str(path[1]), (team, file.place.at(*path)))
    return found


def idle(file: LoadedFile) -> ConfigError:
    """Say that what was probably meant for all files is inherited by none: told where something else is wrong."""
    hint = "write them below `teams:`, which hold for every file, and `team:` in each watch or in the defaults there"
    return file.place.at("defaults").error("help no watch: they hold for the watches of their own file only", hint)


def inherit(written: Group, file: LoadedFile, index: int, teams: Teams) -> tuple[Group, Place, list[ConfigError]]:
    """Return a watch with all that it inherits, a place that knows where each part is written, and what is wrong."""
    own = file.place.at("watches", index)
    defaults = file.data.get("defaults")
    layers = [(defaults, file.place.at("defaults"))] if isinstance(defaults, dict) else []
    name, where = written.get("team"), own
    if "team" not in written and layers:
        name, where = layers[0][0].get("team"), layers[0][1]
    errors: list[ConfigError] = []
    if isinstance(name, str) and name not in teams:
        hint = nearest(name, teams, "the teams are") if teams else "write it below `teams:`"
        errors.append(where.at("team").error(f"is {name!r}, which is no team", hint))
    elif isinstance(name, str):
        layers.append(teams[name])
    if not layers:
        return written, own, errors
    merged, origins = _merge([*layers, (written, own)])
    return merged, own.with_origins(origins), errors


def _merge(layers: list[tuple[dict[str, Any], Place]]) -> tuple[dict[str, Any], dict[Path, Place]]:
    """Return the layers over one another, the last on top, and where the fields that are not its own stand."""
    merged: dict[str, Any] = {}
    origins: dict[Path, Place] = {}
    top = layers[-1][0]
    for written, place in layers:
        for key, value in written.items():
            below = merged.get(key)
            if isinstance(value, dict) and isinstance(below, dict):
                merged[key] = below | value
            else:
                merged[key] = value
                origins = {path: there for path, there in origins.items() if path[0] != key}
            if written is top:
                origins = {path: there for path, there in origins.items() if path != (key,)}
                for inner in value if isinstance(value, dict) else ():
                    origins.pop((key, inner), None)
                continue
            origins[(key,)] = place.at(key)
            for inner in value if isinstance(value, dict) else ():
                origins[key, inner] = place.at(key, inner)
    return merged, origins
