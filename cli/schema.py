"""`earshot schema`: the form of a watch file as JSON Schema, for editors that help while one is written.

It knows the kinds of rule and the channels there are. What no schema can say is left to `earshot check`: names given
twice, what a query means, and what a watch inherits, so a field that may come from a team is not demanded.
"""

from typing import Any

import typer

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OWN = ("id", "query")
"""What no watch can inherit."""


def schema() -> None:
    """Print the JSON Schema of watch files; docs/watch-language.md says how to tell your editor."""
    from json import dumps

    typer.echo(dumps(watch_file_schema(), indent=2, ensure_ascii=False))


def watch_file_schema() -> Schema:
    """Return the JSON Schema of a watch file."""
    from agents.alert.channel import channels
    from pipeline.detect import detectors
    from schemas.watchfile import WatchFile

    made: Schema = _plain(WatchFile.model_json_schema())
    parts = made["$defs"]
    rules = {kind: _plain(detector.Config.model_json_schema()) for kind, detector in detectors().items()}
    parts["Rule"] = {"oneOf": [_one(parts["Rule"], "kind", kind, form) for kind, form in rules.items()]}
    routes = {kind: _plain(channel.Config.model_json_schema()) for kind, channel in channels().items()}
    for form in routes.values():
        one = form["properties"]["to"]
        form["properties"]["to"] = {"anyOf": [one, {"type": "array", "items": {"type": "string"}}]}
    parts["Route"] = {"oneOf": [_one(parts["Route"], "channel", kind, form) for kind, form in routes.items()]}
    parts["Watch"]["required"] = list(_OWN)
    for name in ("Team", "Defaults"):
        parts[name]["properties"] |= {"purpose": _partly(parts["Purpose"]), "owner": _named(_partly(parts["Owner"]))}
    for name in ("Watch", "NamedList"):
        parts[name]["properties"]["owner"] = _named({"$ref": "#/$defs/Owner"})
    parts["Watch"]["properties"] |= {
        "purpose": _partly(parts["Purpose"]),
        "owner": _named(_partly(parts["Owner"])),
    }
    for group in ("must_match", "must_not_match"):
        parts["Proof"]["properties"][group]["items"] = _named({"$ref": "#/$defs/Example"})
    for name in ("teams", "lists"):
        made["properties"][name]["additionalProperties"] = False
    return {"$schema": DRAFT, "title": "Earshot watch file", **made}


def _one(general: Schema, field: str, kind: str, form: Schema) -> Schema:
    """Return the form of a rule or a route of one kind: its own fields, and those that all have."""
    shared = {name: value for name, value in general["properties"].items() if name not in ("kind", "channel", "to")}
    return {
        "type": "object",
        "title": kind,
        "description": form.get("description", ""),
        "properties": {field: {"const": kind}, **shared, **form["properties"]},
        "required": [field, *form.get("required", ())],
        "additionalProperties": False,
    }


def _partly(form: Schema) -> Schema:
    """Return a form of which the rest may be inherited."""
    return {name: value for name, value in form.items() if name != "required"}


def _named(form: Schema) -> Schema:
    """Return a form for which a bare text will do as well."""
    return {"anyOf": [{"type": "string", "minLength": 1}, form]}


def _plain(form: Any, *, names: bool = False) -> Any:
    """Return a schema without the titles that pydantic makes up; `names` where the keys are names of fields."""
    if isinstance(form, list):
        return [_plain(part) for part in form]
    if not isinstance(form, dict):
        return form
    return {
        key: _plain(part, names=not names and key in ("properties", "$defs"))
        for key, part in form.items()
        if names or key != "title"
    }
