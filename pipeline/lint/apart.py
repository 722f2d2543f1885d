"""Apart: incidents told apart by what a rule does not know, and inhibitions that can never hold anything back."""

from collections.abc import Iterator

from pipeline.lint import Context, Finding, Watched

_ALWAYS = frozenset({"watch", "team", "rule", "kind", "severity", "entity"})
"""What every incident is known by."""


def look(watched: Watched, context: Context) -> Iterator[Finding]:  # noqa: ARG001 - the contract of a rule
    """Yield counts that are not made by what incidents are told apart by, and labels that no incident has."""
    watch = watched.watch
    by = [key for key in watch.group_by if key != "entity"]
    for number, rule in enumerate(watch.rules):
        if by and rule.kind == "count" and not rule.settings.get("per"):
            yield Finding(
                "apart",
                watched.where("rules", number),
                f"rule {rule.id} counts the whole watch",
                f"its incident belongs to no {by[0]}",
                f"write `per: {by[0]}` to count each for itself, or leave it for what concerns all",
            )
    for number, one in enumerate(watch.inhibit):
        for label in one.equal:
            if label not in _ALWAYS and label not in watch.group_by:
                yield Finding(
                    "apart",
                    watched.where("inhibit", number),
                    f"{label} must be equal, and no incident of this watch has one",
                    "it never holds anything back",
                    f"write `group_by: [{label}]`, or leave it out of `equal`",
                )
