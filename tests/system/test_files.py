"""What can be checked about the files in deploy/ without a container."""

import re

import pytest
import yaml
from pydantic import SecretStr

from schemas.metrics import CATALOGUE, Kind
from schemas.settings import Settings, _variable
from tests.system.engine import ROOT
from tests.system.files import METRIC, alert_rules, compose_file, dashboard, dashboard_queries, panels

SERIES = {
    name
    for metric in CATALOGUE
    for name in {
        Kind.COUNTER: [f"{metric.name}_total"],
        Kind.GAUGE: [metric.name],
        Kind.HISTOGRAM: [f"{metric.name}_{part}" for part in ("bucket", "count", "sum")],
    }[metric.kind]
}
IN_THE_IMAGE = {
    "EARSHOT_WATCHES",
    "EARSHOT_SOURCES",
    "EARSHOT_STATE",
    "EARSHOT_HOST",
    "EARSHOT_METRICS_PORT",
    "EARSHOT_WEBHOOK_PORT",
}
"""Settings that the Dockerfile fixes: where things are inside a container."""


def plain(default: object) -> str:
    """Return a default as a person would write it."""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_every_setting_can_be_given_to_the_containers() -> None:
    given = {
        name.removesuffix("_FILE") if value.startswith("/run/secrets/") else name
        for service in compose_file()["services"].values()
        for name, value in service.get("environment", {}).items()
    }
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    assert {_variable(name) for name in Settings.model_fields} - given == IN_THE_IMAGE
    assert [name for name in IN_THE_IMAGE if f"{name}=" not in dockerfile] == []


def test_defaults_of_the_compose_file_are_those_of_the_settings() -> None:
    differing = {}
    for service in compose_file()["services"].values():
        for name, value in service.get("environment", {}).items():
            default = re.fullmatch(r"\$\{" + name + r":-(.*)\}", str(value))
            field = Settings.model_fields.get(name.removeprefix("EARSHOT_").lower())
            chosen = name in {"EARSHOT_KAFKA", "EARSHOT_LOG"}
            if default and field and not chosen and plain(field.default) != default[1]:
                differing[name] = (default[1], plain(field.default))
    assert differing == {}


def test_the_image_can_hold_what_runs_a_transformer() -> None:
    plain_pins, with_extra = (pins(name) for name in ("requirements.txt", "requirements-onnx.txt"))
    assert plain_pins <= with_extra, "the extra changes nothing else: make lock"
    assert {"onnxruntime", "tokenizers"} <= {pin.split("==")[0] for pin in with_extra - plain_pins}
    dockerfile, let_in = (ROOT / "deploy/Dockerfile").read_text(), (ROOT / ".dockerignore").read_text().split()
    assert "requirements${EXTRAS:+-${EXTRAS}}.txt" in dockerfile
    assert [name for name in ("requirements.txt", "requirements-onnx.txt") if f"!{name}" not in let_in] == []


def pins(name: str) -> set[str]:
    """Return the requirements of a locked file, each of which has a hash."""
    entries = re.split(r"\n(?=\w)", (ROOT / name).read_text())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    return {entry.split()[0] for entry in entries}


@pytest.mark.parametrize("name", sorted(compose_file()["services"]))
def test_a_service_is_hardened_and_limited(name: str) -> None:
    service = compose_file()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] != "0"
    assert service["mem_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_table_of_settings_is_complete_and_right() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    told = dict(re.findall(r"^\| `((?:EARSHOT|SLACK)_\w+)` \| (?:`(.*?)`)? ?\|", page, re.MULTILINE))
    defaults = {_variable(name): plain(field.default) for name, field in Settings.model_fields.items()}
    assert told == defaults


def test_every_long_running_service_has_a_health_check() -> None:
    services = compose_file()["services"]
    without = [name for name, service in services.items() if "healthcheck" not in service and "build" not in service]
    assert without == []
    assert "HEALTHCHECK" in (ROOT / "deploy/Dockerfile").read_text()


def test_every_secret_has_an_example_file() -> None:
    examples = {path.name for path in (ROOT / "deploy/secrets/example").iterdir() if path.is_file()}
    assert set(compose_file()["secrets"]) == examples


@pytest.mark.parametrize(("title", "expression"), dashboard_queries())
def test_a_panel_asks_for_metrics_that_exist(title: str, expression: str) -> None:
    assert set(METRIC.findall(expression)) - SERIES == set(), title


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_metrics_that_exist_and_has_a_test_and_a_runbook(rule: dict[str, str]) -> None:
    assert set(METRIC.findall(rule["expr"])) - SERIES == set()
    page, anchor = yaml.safe_load(yaml.safe_dump(rule))["annotations"]["runbook"].split("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    assert f"alertname: {rule['alert']}\n        exp_alerts" in (ROOT / "deploy/prometheus/rules_test.yml").read_text()


def test_every_metric_is_shown_or_alerted_on() -> None:
    used = {name for _, expression in dashboard_queries() for name in METRIC.findall(expression)}
    used |= {name for rule in alert_rules() for name in METRIC.findall(rule["expr"])}
    unused = [metric.name for metric in CATALOGUE if not any(name.startswith(metric.name) for name in used)]
    assert unused == []


def test_panels_and_provisioning_agree_on_the_data_source() -> None:
    folder = ROOT / "deploy/grafana/provisioning"
    sources = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    asked = {panel["datasource"]["uid"] for panel in panels()}
    asked |= {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert asked == uids
    mounted = "".join(str(volume) for volume in compose_file()["services"]["grafana"]["volumes"])
    (provider,) = yaml.safe_load((folder / "dashboards/earshot.yml").read_text())["providers"]
    assert provider["options"]["path"] in mounted


def test_panels_have_their_own_ids_and_do_not_overlap() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
