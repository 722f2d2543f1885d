"""Where the runtimes live: virtual environments under the user's cache, made from locked requirements with hashes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.broker.brokers import CACHE, ROOT

LOCKS = Path(__file__).parent / "locks"
OURS = ROOT / "requirements.txt"
JAVA = Path(__file__).parent / "java"


class NoHome(Exception):
    """An environment cannot be made; the text says why, in one line."""


def python(home: str) -> Path:
    """Return the interpreter of an environment, which is made the first time: `base` holds what Earshot runs on.

    Raises:
        NoHome: something cannot be installed.
    """
    locks = [LOCKS / f"{home}.txt", *([OURS] if home == "base" else [])]
    digest = hashlib.sha256(sys.version.encode() + b"".join(lock.read_bytes() for lock in locks)).hexdigest()[:12]
    folder = CACHE / "runtimes" / f"{home}-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing the environment {home} (once) ...", file=sys.stderr)
        _run(sys.executable, "-m", "venv", str(folder))
        wanted = [part for lock in locks for part in ("-r", str(lock))]
        _run(str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--require-hashes", *wanted)
        (folder / "complete").touch()
    return folder / "bin" / "python"


def classes() -> str:
    """Return the class path of the peer in Java, which is compiled the first time; its jars come through Maven.

    Raises:
        NoHome: there is no Java or no Maven, or something cannot be resolved.
    """
    if missing := [tool for tool in ("java", "javac", "mvn") if not shutil.which(tool)]:
        raise NoHome(f"no {missing[0]} here")
    pom, source = JAVA / "pom.xml", JAVA / "Peer.java"
    digest = hashlib.sha256(pom.read_bytes() + source.read_bytes()).hexdigest()[:12]
    folder = CACHE / "runtimes" / f"java-{digest}"
    if not (folder / "Peer.class").exists():
        print("resolving the jars of the peer in Java (once) ...", file=sys.stderr)
        _run("mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={folder}")
        _run("javac", "-cp", f"{folder}/*", "-d", str(folder), str(source))
    return f"{folder}:{folder}/*"


def jar_version(name: str) -> str:
    """Return the version in the name of a jar of the peer in Java."""
    folder = Path(classes().partition(":")[0])
    return next(folder.glob(f"{name}-[0-9]*.jar")).stem.removeprefix(f"{name}-")


def versions(interpreter: Path, *packages: str) -> str:
    """Return `name version` of packages as they are installed there."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    found = subprocess.run([interpreter, "-c", code, *packages], capture_output=True, text=True, check=True)
    return ", ".join(f"{name} {number}" for name, number in zip(packages, found.stdout.split(), strict=True))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise NoHome(lines[-1])


if __name__ == "__main__":
    print(python("base"))
