"""A docker engine of our own, with stand-ins for the images that no package registry holds, and docker compose."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
MACHINE = Path(__file__).parent / "machine"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot"
IMAGE = "earshot:local"
TOOLS = {
    "/usr/sbin/dockerd": "docker.io",
    "/usr/bin/docker": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "setpriv": "util-linux",
    "mvn": "maven",
    "go": "Go 1.24 or newer",
}
T = TypeVar("T")


def missing_for_engine() -> str:
    """Return what the engine would need and this machine does not have, or nothing."""
    if os.geteuid() != 0:
        return "root"
    return " and ".join(sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)}))


def until(probe: Callable[[], T | None], seconds: float, what: str) -> T:
    """Return what `probe` returns as soon as it is something; an error of `probe` at the deadline is shown."""
    deadline = time.monotonic() + seconds
    while True:
        error: Exception | None = None
        try:
            if found := probe():
                return found
        except (OSError, AssertionError, KeyError) as failed:
            error = failed
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s still not: {what}") from error
        time.sleep(0.25)


class Engine:
    """What runs commands against the engine. `folder` holds its socket and log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = f"unix://{folder}/docker.sock"
        self.compose_binary = ""
        # nothing of the person's own docker: no contexts, no credential helpers, no plugins
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "COMPOSE_"))
        } | {"DOCKER_HOST": self.socket, "DOCKER_CONFIG": str(folder / "config"), "DOCKER_BUILDKIT": "1"}

    def run(self, *command: str, check: bool = True, environment: Mapping[str, str] = MappingProxyType({})) -> str:
        """Run a command on the host against this engine; return its standard output."""
        settings = {**self.environment, **environment}
        done = subprocess.run(
            command, check=False, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=1200
        )
        if check and done.returncode:
            said = f"{done.stdout[-4000:]}{done.stderr[-8000:]}"
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{said}")
        return done.stdout

    def docker(self, *arguments: str, check: bool = True) -> str:
        """Run docker."""
        return self.run("/usr/bin/docker", *arguments, check=check)

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """Return what the engine knows about containers or images."""
        found: list[dict[str, Any]] = json.loads(self.docker("inspect", *names))
        return found

    def answers(self) -> bool:
        """Tell whether the engine is up."""
        return bool(self.docker("version", check=False).count("Server"))


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Run an engine whose layers stay in the cache; nothing of it is left running, whatever happens to us."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "engine.lock").open("w") as lock, (folder / "dockerd.log").open("wb") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one engine at a time can have the layers
        made = Engine(folder)
        # it ends with us even when we are killed
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "dockerd", "--data-root", str(CACHE / "engine")]
            + ["--exec-root", str(folder / "exec"), "--pidfile", str(folder / "docker.pid")]
            + ["--host", made.socket, "--oom-score-adjust", "0"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(made.answers, 60, f"the docker engine is up ({folder}/dockerd.log)")
            _remove_containers(made)
            yield made
        finally:
            _remove_containers(made)
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _remove_containers(made: Engine) -> None:
    """Remove what a run that was killed left behind, and what this one made."""
    for kind, remove in (("ps -aq", "rm -fv"), ("volume ls -q", "volume rm -f")):
        if names := made.docker(*kind.split(), check=False).split():
            made.docker(*remove.split(), *names, check=False)
    made.docker("network", "prune", "-f", check=False)
    made.docker("image", "prune", "-f", check=False)


def prepare(made: Engine) -> None:
    """Make the stand-ins, docker compose and the image, the last by the Dockerfile that is shipped."""
    made.run(str(MACHINE / "images.sh"))
    made.compose_binary = made.run(str(MACHINE / "compose.sh")).strip()
    made.docker("build", "-f", "deploy/Dockerfile", "-t", IMAGE, ".")
