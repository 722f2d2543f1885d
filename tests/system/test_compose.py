"""The containers as they are shipped: built, started, healthy, hardened, watched; a post becomes a Slack message."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.system.engine import IMAGE, ROOT, Engine, until
from tests.system.files import dashboard_queries
from tests.system.stack import SOURCE_SECRET, Stack

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]

OURS = {"ingest", "worker", "deliver"}
THRESHOLD = 5


def post(number: int, text: str) -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat()
    return {"platform": "x", "id": f"{moment}-{number}", "time": moment, "text": text, "author": {"name": f"a{number}"}}


TEXTS = (
    "Die Musterbahn steht wieder, seit einer Stunde nichts im Abteil gehört.",
    "Ausfall bei #Musterbahn, Ersatzverkehr Fehlanzeige. Danke für nichts.",
    "Warum sagt mir bei Musterbahn niemand, wann der nächste Zug fährt?",
    "Hunderte stehen am Hauptbahnhof, Musterbahn schweigt.",
    "Musterbahn: Oberleitung gerissen, Strecke nach Norden gesperrt.",
    "Mein Termin ist geplatzt. Musterbahn, das war's mit uns.",
)


@pytest.fixture(scope="session")
def told(running: Stack) -> list[dict[str, Any]]:
    """What stands in Slack after enough people complained to trip the count rule."""
    assert running.post(*(post(number, text) for number, text in enumerate(TEXTS))) == 202
    return until(lambda: slack_messages(running), 60, "an alert in Slack")


def slack_messages(running: Stack) -> list[dict[str, Any]]:
    return [message for place in running.get("SLACK", "/messages").values() for message in place]


def test_everything_is_healthy(running: Stack) -> None:
    assert running.healthy()
    assert running.containers()["provision"]["State"]["ExitCode"] == 0


def test_nothing_runs_as_root_or_can_write_to_its_image(running: Stack) -> None:
    containers = running.containers()
    for name, found in containers.items():
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        assert found["Config"]["User"].split(":")[0] not in {"", "0", "root"}, name
    for name in running.services():
        if name != "provision":
            proof = running.compose(
                "exec", "-T", name, "sh", "-c", "id -u; touch /usr/x 2>/dev/null && echo written; :"
            )
            assert re.fullmatch(r"[1-9]\d*\n", proof), f"{name}: {proof}"


def test_only_this_machine_can_reach_what_is_published(running: Stack) -> None:
    bindings = [
        binding["HostIp"]
        for found in running.containers().values()
        for published in found["NetworkSettings"]["Ports"].values()
        for binding in published or []
    ]
    assert bindings
    assert set(bindings) == {"127.0.0.1"}


def test_a_post_to_the_webhook_becomes_a_message_in_slack(running: Stack, told: list[dict[str, Any]]) -> None:
    shown = json.dumps(told[0], ensure_ascii=False)
    assert "musterbahn" in shown.lower()
    assert any(text[:30] in shown for text in TEXTS), shown
    logs = running.compose("logs", "--no-color", "--no-log-prefix", "deliver")
    assert "Pressestelle" in logs, "the console route tells as well"


@pytest.mark.usefixtures("told")
def test_the_commands_of_the_manual_send_posts_that_are_accepted(running: Stack) -> None:
    manual = (ROOT / "docs/operations.md").read_text()
    script = manual.split("### Try it")[1].split("```sh\n")[1].split("```")[0]
    here = script.replace("deploy/secrets/example", running.environment["EARSHOT_SECRETS"])
    here = here.replace(":8080/", f":{running.ports['EARSHOT_WEBHOOK']}/")
    running.engine.run("bash", "-euo", "pipefail", "-c", here)
    heard = 'sum(earshot_events_ingested_total{source="push"})'
    until(lambda: numbers(running, heard) == [len(TEXTS) + 5], 30, "the posts are counted")


def test_a_post_with_a_wrong_signature_is_refused(running: Stack) -> None:
    assert running.post(post(0, "Musterbahn"), secret=b"not the secret") == 401


def test_prometheus_reaches_everything(running: Stack) -> None:
    wanted = OURS | {"prometheus", "alertmanager"}

    def up() -> bool:
        found = {series["metric"]["job"]: series["value"][1] for series in running.query("up")}
        return found == dict.fromkeys(wanted, "1")

    until(up, 60, f"up is 1 for {sorted(wanted)}")


def test_the_rules_are_loaded_and_none_fires_on_a_healthy_stack(running: Stack) -> None:
    groups = running.get("PROMETHEUS", "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == (ROOT / "deploy/prometheus/rules.yml").read_text().count("- alert:")
    assert {rule["name"]: rule["state"] for rule in rules if rule["health"] == "err"} == {}
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []


def test_prometheus_sends_its_alerts_to_the_alertmanager(running: Stack) -> None:
    found = running.get("PROMETHEUS", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [entry["url"].split("/")[-1] for entry in found] == ["alerts"]


@pytest.mark.usefixtures("told")
def test_every_panel_of_the_dashboard_shows_something(running: Stack) -> None:
    def full() -> bool:
        empty = [f"{title}: {query}" for title, query in dashboard_queries() if not numbers(running, query)]
        assert not empty, "\n".join(empty)
        return True

    until(full, 90, "every panel has data")


@pytest.mark.usefixtures("told")
def test_the_first_alert_of_a_stack_is_counted_and_its_time_shown(running: Stack) -> None:
    queries = dict(dashboard_queries())
    assert numbers(running, queries["Alerts, last 24 h"]) == [1]
    assert 0 < numbers(running, queries["Post seen → alert accepted, p95"])[0] < 60


def numbers(running: Stack, query: str) -> list[float]:
    """Return the values that a panel would draw."""
    values = [float(series["value"][1]) for series in running.query(query)]
    return [value for value in values if not math.isnan(value)]


@pytest.mark.parametrize(
    ("image", "tool", "arguments"),
    [
        ("prom/prometheus", "promtool", ["check", "config", "/deploy/prometheus/prometheus.yml"]),
        ("prom/prometheus", "promtool", ["check", "rules", "/deploy/prometheus/rules.yml"]),
        ("prom/prometheus", "promtool", ["test", "rules", "/deploy/prometheus/rules_test.yml"]),
        ("prom/alertmanager", "amtool", ["check-config", "/deploy/alertmanager/alertmanager.yml"]),
    ],
    ids=["prometheus config", "rules", "rules on invented days", "alertmanager config"],
)
def test_the_monitoring_files_are_right(docker: Engine, image: str, tool: str, arguments: list[str]) -> None:
    found = re.search(rf"{image}:[\w.]+", (ROOT / "docker-compose.yml").read_text())
    assert found
    mounts = ["-v", f"{ROOT}/deploy:/deploy:ro", "-v", f"{ROOT}/deploy/prometheus:/etc/prometheus:ro"]
    docker.docker("run", "--rm", "--network", "none", *mounts, "--entrypoint", tool, found[0], *arguments)


def test_the_shipped_watch_file_passes_the_check_of_the_image(docker: Engine) -> None:
    mount = f"{ROOT}/deploy/config:/etc/earshot:ro"
    docker.docker(
        "run", "--rm", "--network", "none", "--read-only", "-v", mount, IMAGE, "check", "/etc/earshot/watches.yml"
    )


def test_what_a_source_logs_in_with_is_in_ingest_alone(running: Stack) -> None:
    def read(service: str) -> str:
        return running.compose("exec", "-T", service, "cat", "/run/secrets/sources/feed", check=False)

    assert {service for service in OURS if read(service) == SOURCE_SECRET} == {"ingest"}


def test_a_missing_secret_file_or_configuration_is_named(running: Stack) -> None:
    for variable, needed in (("EARSHOT_SECRETS", "webhook_secrets"), ("EARSHOT_CONFIG", "/nowhere")):
        environment = running.environment | {variable: "/nowhere"}
        command = (running.engine.compose_binary, "-p", "earshot-other", "run", "--rm", "--no-deps", "ingest")
        with pytest.raises(AssertionError, match=needed):
            running.engine.run(*command, environment=environment)


def test_the_example_of_an_env_file_fits_the_compose_file(running: Stack) -> None:
    command = (running.engine.compose_binary, "--env-file", ".env.example", "config", "--environment")
    known = running.engine.run(*command)
    written = [
        line.split("=")[0].strip("# ") for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line
    ]
    compose = (ROOT / "docker-compose.yml").read_text()
    assert [name for name in written if f"${{{name}:-" not in compose] == []
    assert "EARSHOT_SECRETS=./secrets" in known


def test_an_image_without_its_settings_says_what_is_missing(docker: Engine) -> None:
    with pytest.raises(AssertionError, match=r"earshot: .*sources\.yml.*EARSHOT_SOURCES"):
        docker.docker("run", "--rm", "--network", "none", "--read-only", IMAGE, "ingest")
