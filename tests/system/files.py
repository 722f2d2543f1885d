"""What the tests read from the files in deploy/."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.system.engine import ROOT

VARIABLES = {"$__rate_interval": "1m", "$__interval": "30s", "$__range": "1h"}
METRIC = re.compile(r"\bearshot_\w+")


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dashboards/earshot.json").read_text())
    return found


def panels() -> Iterator[dict[str, Any]]:
    """Return the panels of the dashboard, without the rows that group them."""
    for panel in dashboard()["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", [])


def dashboard_queries() -> list[tuple[str, str]]:
    """Return (title, expression) of every query, as Grafana would send it."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            found.append((panel["title"], expression))
    return found


def alert_rules() -> list[dict[str, Any]]:
    """Return the rules of Prometheus."""
    data = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())
    return [rule for group in data["groups"] for rule in group["rules"]]


def compose_file() -> dict[str, Any]:
    """Return docker-compose.yml with its anchors resolved and its variables as written."""
    data: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return data
