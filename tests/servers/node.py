"""Servers of others that npm brings, on loopback: a Bluesky PDS with its directory, and Prism, which speaks from a
description. What they need is installed once, by the lock file in `npm/`, without running anybody's scripts."""

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.broker import free_port, stop

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot"
PACKAGES = Path(__file__).parent / "npm"
SECONDS = 90.0
ADMIN = "the administrator's password"


def _require() -> None:
    """Skip, or fail where nothing may be left out, if there is no Node."""
    missing = " and ".join(tool for tool in ("node", "npm") if not shutil.which(tool))
    if missing and os.environ.get("EARSHOT_TEST_ALL"):
        pytest.fail(f"the PDS and Prism need {missing}, and EARSHOT_TEST_ALL leaves nothing out")
    if missing:
        pytest.skip(f"the PDS and Prism need {missing}")


def modules() -> Path:
    """Return the folder with the packages, installing them the first time."""
    _require()
    folder = CACHE / f"npm-{hashlib.sha256((PACKAGES / 'package-lock.json').read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part.{os.getpid()}")
        part.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGES / name, part)
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=part, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.fail(f"npm ci in {PACKAGES} ended with {done.returncode}: {done.stderr.strip()[:300]}")
        part.rename(folder)
    return folder / "node_modules"


@contextmanager
def _running(command: list[str], folder: Path, sign: str, **environment: str) -> Iterator[None]:
    """Run a server from when it writes `sign` until the context ends; one that does not come says why in one line."""
    log = folder / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, **environment}, start_new_session=True
        )
    try:
        deadline = time.monotonic() + SECONDS
        while sign not in log.read_text("utf-8", "replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", "replace").strip().partition("\n")[0][:300]
                pytest.fail(
                    f"{Path(command[1]).name} did not start within {SECONDS:.0f} s: {said or 'it said nothing'}"
                )
            time.sleep(0.05)
        yield
    finally:
        stop(process)


@contextmanager
def pds(folder: Path) -> Iterator[str]:
    """Run a PDS in `folder`, whose accounts end in `.test`, and give its address."""
    found = modules()
    shutil.copy(PACKAGES / "pds.js", folder)
    (folder / "node_modules").symlink_to(found)
    (folder / "data").mkdir()
    port = free_port()
    command = ["node", str(folder / "pds.js"), str(port), str(free_port()), str(folder / "data")]
    with _running(command, folder, "ready", PDS_ADMIN_PASSWORD=ADMIN):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def prism(description: Path, upstream: str, folder: Path) -> Iterator[str]:
    """Run Prism before `upstream`, and give its address: it refuses what does not fit `description`, either way."""
    port = free_port()
    program = modules() / ".bin" / "prism"
    command = ["node", str(program), "proxy", str(description), upstream, "--errors"]
    with _running([*command, "--host", "127.0.0.1", "--port", str(port)], folder, "Prism is listening on"):
        yield f"http://127.0.0.1:{port}"
