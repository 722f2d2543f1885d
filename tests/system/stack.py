"""The stack of docker-compose.yml, started with stand-ins and a Slack inside, and what tests ask of it."""

import json
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from agents.ingest.web.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from cli.broker import free_port
from tests.system.engine import ROOT, Engine, until

SECRET = b"a secret of this test"
SOURCE_SECRET = "what a source of this test logs in with"
OTHER = "Nebenbahn"
"""What a second watch asks for, of which nobody has been told before a test says it."""
LEFT_OUT = "grafana"
"""Its image is in no package registry; the dashboard is checked against the live Prometheus instead."""


class Stack:
    """A running stack; `ports` are those it publishes on loopback."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        names = ("EARSHOT_WEBHOOK", "PROMETHEUS", "ALERTMANAGER", "GRAFANA", "SLACK")
        self.ports = {name: free_port() for name in names}
        self.environment = {f"{name}_PUBLISH": str(port) for name, port in self.ports.items()} | {
            "EARSHOT_CONFIG": str(folder / "config"),
            "EARSHOT_SECRETS": str(folder / "secrets"),
            "EARSHOT_SLACK_API_URL": "http://slack:8080/api/",
            "EARSHOT_STATE_DIR": "/var/lib/earshot/state",
        }
        _configure(folder)

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run docker compose on the stack."""
        files = ("-f", "docker-compose.yml", "-f", "tests/system/slack.yml")
        command = (self.engine.compose_binary, "-p", "earshot-test", *files, *arguments)
        return self.engine.run(*command, check=check, environment=self.environment)

    def services(self) -> list[str]:
        """Return the services that are started."""
        return [name for name in self.compose("config", "--services").split() if name != LEFT_OUT]

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what the engine knows about the container of every service."""
        names = self.compose("ps", "-aq").split()
        return {found["Config"]["Labels"]["com.docker.compose.service"]: found for found in self.engine.inspect(*names)}

    def get(self, service: str, path: str, **query: str) -> Any:
        """Return the JSON that a published service answers."""
        url = f"http://127.0.0.1:{self.ports[service]}{path}"
        with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
            return json.load(answer)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that Prometheus finds."""
        found: list[dict[str, Any]] = self.get("PROMETHEUS", "/api/v1/query", query=expression)["data"]["result"]
        return found

    def post(self, *posts: dict[str, Any], secret: bytes = SECRET) -> int:
        """Send posts to the webhook, signed; return the status."""
        body = json.dumps(posts).encode()
        now = int(time.time())
        headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(secret, now, body)}
        url = f"http://127.0.0.1:{self.ports['EARSHOT_WEBHOOK']}/v1/events"
        request = urllib.request.Request(url, body, headers | {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def healthy(self) -> bool:
        """Tell whether every long-running container is healthy and the one-shot has succeeded."""
        states = {name: found["State"] for name, found in self.containers().items()}
        unwell = {
            name: state.get("Health", {}).get("Status", state["Status"])
            for name, state in states.items()
            if not (state["ExitCode"] == 0 and state["Status"] == "exited")
            and state.get("Health", {}).get("Status") != "healthy"
        }
        assert set(states) == set(self.services()), f"there are {sorted(states)}"
        assert not unwell, str(unwell)
        return True


def _configure(folder: Path) -> None:
    """Take what is shipped, give the watch a route to Slack, and add a second watch."""
    for kind, source in (("config", ROOT / "deploy/config"), ("secrets", ROOT / "deploy/secrets/example")):
        shutil.copytree(source, folder / kind)
    watches = folder / "config" / "watches.yml"
    data = yaml.safe_load(watches.read_text())
    shipped = data["watches"][0]
    shipped["routes"].append({"channel": "slack", "to": "#presse", "language": "de"})
    data["watches"].append(shipped | {"id": OTHER.lower(), "query": OTHER})
    watches.write_text(yaml.safe_dump(data, allow_unicode=True))
    (folder / "secrets" / "webhook_secrets").write_bytes(SECRET)
    (folder / "secrets" / "slack_bot_token").write_text("xoxb-of-this-test")
    (folder / "secrets" / "sources" / "feed").write_text(SOURCE_SECRET)


@contextmanager
def stack(engine: Engine, folder: Path) -> Iterator[Stack]:
    """Start everything but Grafana; when something is not healthy in time, the logs say why."""
    made = Stack(engine, folder)
    folder.chmod(0o755)  # containers run as other users than we do
    try:
        made.compose("up", "--detach", "--no-build", "--pull", "never", *made.services())
        until(made.healthy, 180, "all healthy")
        yield made
    except BaseException:
        print(made.compose("ps", "-a", check=False), made.compose("logs", "--tail", "60", check=False))
        raise
    finally:
        made.compose("down", "--volumes", "--timeout", "20", check=False)
