"""Makes values of any of our models for Hypothesis, from the annotations of their fields."""

import builtins
import types
import typing
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.about import FACTORS, Doubt, Risk
from schemas.handling import DAYS, Budget, Campaign, GroupKey, Handling, Inhibition, QuietHours

M = TypeVar("M", bound=BaseModel)

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

INSTANTS = st.integers(0, 130 * 366 * 86_400 * 1_000_000).map(lambda n: EARLIEST + timedelta(microseconds=n))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = TEXTS.filter(lambda text: bool(text.strip()) and len(text) > 0)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(0, 2**53),
    float: st.floats(1e-3, 1e8, allow_nan=False),
    bool: st.booleans(),
    date: st.dates(),
    datetime: INSTANTS,
    type(None): st.none(),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True),
    "kind": st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True),
    "channel": st.sampled_from(["slack", "email", "console"]),
    "language": st.sampled_from(["de", "en"]),
    "platform": st.sampled_from(["x", "web", "linkedin", "new-platform"]),
    **dict.fromkeys(("goal", "measure", "name", "query"), NAMES),
}
"""Fields whose form the annotation alone does not tell; harmless where the form is free."""
CONSTRAINED: dict[str, st.SearchStrategy[Any]] = {
    "group_by": st.lists(st.sampled_from(get_args(GroupKey)), unique=True).map(tuple),
    "team": st.none() | FIELDS["id"],
}
"""Fields whose annotation does not tell all that they must be."""


_SECONDS = st.integers(1, 100_000).map(float)
WHOLE: dict[Any, st.SearchStrategy[Any]] = {
    QuietHours: st.builds(
        QuietHours,
        begin=st.sampled_from(["00:00", "22:30"]),
        end=st.sampled_from(["07:00", "22:30"]),
        zone=st.sampled_from(["Europe/Berlin", "UTC"]),
        days=st.sets(st.sampled_from(DAYS), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    Campaign: st.builds(
        Campaign,
        name=NAMES,
        begin=st.just(EARLIEST),
        end=_SECONDS.map(lambda seconds: EARLIEST + timedelta(seconds=seconds)),
        factor=st.floats(0.01, 1000),
    ),
    Doubt: st.builds(Doubt, least=st.floats(0, 1)),
    Risk: st.builds(Risk, weights=st.dictionaries(st.sampled_from(FACTORS), st.floats(0, 10), max_size=3)),
    Inhibition: st.builds(
        Inhibition,
        source=st.just(("severity=crisis",)),
        target=st.sampled_from([("rule=every",), ("rule!=a,b", "watch=w")]),
        equal=st.sampled_from([(), ("entity",), ("team", "story")]),
        across=st.booleans(),
    ),
    Budget: st.builds(Budget, alerts=st.integers(1, 1000), per=_SECONDS),
    Handling: st.builds(Handling, worse_by=st.floats(1.1, 9), cool_down=st.just(60.0), remind=st.none() | _SECONDS),
}
"""Models whose fields have to fit each other."""


def made_of(model: type[M]) -> st.SearchStrategy[M]:
    """Return a strategy of instances of `model`, optional fields now there and now not."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        if field.exclude:  # it is no part of what is recorded
            continue
        plain = field.annotation is str
        if name in CONSTRAINED:
            strategy = CONSTRAINED[name]
        else:
            strategy = FIELDS[name] if name in FIELDS and plain else _of(field.annotation, bool(field.metadata))
        (required if field.is_required() else optional)[name] = strategy
    return st.fixed_dictionaries(required, optional=optional).map(lambda values: model(**values))


def _of(annotation: Any, constrained: bool = False) -> st.SearchStrategy[Any]:
    """Return a strategy of one annotation; `constrained` lists and texts are not empty."""
    if annotation is str and constrained:
        return NAMES
    if annotation in SCALARS:
        return SCALARS[annotation]
    if annotation in WHOLE:
        return WHOLE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: made_of(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    return _of_parts(get_origin(annotation), get_args(annotation), constrained)


def _of_parts(origin: Any, arguments: tuple[Any, ...], constrained: bool) -> st.SearchStrategy[Any]:
    match origin:
        case typing.Annotated:
            return NAMES if arguments[0] is str else _of(arguments[0], constrained=True)
        case typing.Union | types.UnionType:
            return st.one_of([_of(argument) for argument in arguments])
        case typing.Literal:
            return st.sampled_from(arguments)
        case builtins.tuple:
            return st.lists(_of(arguments[0]), min_size=int(constrained), max_size=3).map(tuple)
        case builtins.dict:
            return st.dictionaries(_of(arguments[0]), _of(arguments[1]), max_size=3)
    raise TypeError(f"no values for {origin}")
