"""A real IMAP server on loopback: GreenMail, which Maven resolves. It keeps its mails in memory."""

import atexit
import imaplib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from cli.broker import free_port, stop

ROOT = Path(__file__).parents[2]
JARS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "earshot" / "greenmail-2.1.3"
SECONDS = 90.0


@dataclass(frozen=True)
class MailServer:
    """A running server. Whoever logs in has a mailbox, unless users are listed."""

    port: int
    process: "subprocess.Popen[bytes]"

    @contextmanager
    def session(self, user: str) -> Iterator[imaplib.IMAP4]:
        """Log in as a person's own mail program does."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        client.login(user, "secret")
        try:
            yield client
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                client.logout()

    def put(self, user: str, raw: bytes, folder: str = "INBOX", arrived: datetime | None = None) -> None:
        """Put a mail into a folder, as one that has arrived."""
        with self.session(user) as client:
            at = imaplib.Time2Internaldate(arrived or datetime.now(UTC))
            lines = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            status, told = client.append(folder, "", at, lines)
            assert status == "OK", told

    def flags(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Return the flags of every mail in a folder."""
        with self.session(user) as client:
            client.select(folder, readonly=True)
            return [one for one in client.fetch("1:*", "(FLAGS)")[1] if isinstance(one, bytes)]

    def make(self, user: str, folder: str) -> int:
        """Make a folder anew, empty, and return its UIDVALIDITY, which is one it never had before."""
        deadline = time.monotonic() + 30
        with self.session(user) as client:
            before = self._validity(client, folder)
            # the number is the second of its making; and a folder that somebody has ever opened cannot be deleted here
            while time.monotonic() < deadline:
                client.rename(folder, f"old-{time.monotonic_ns()}")
                client.create(folder)
                if (now := self._validity(client, folder)) != before:
                    return now
                time.sleep(0.2)
        raise AssertionError("the folder was not numbered anew")

    @staticmethod
    def _validity(client: imaplib.IMAP4, folder: str) -> int:
        told = client.status(folder, "(UIDVALIDITY)")[1][0] or b""
        return int(told.rpartition(b"UIDVALIDITY")[2].strip(b" )")) if b"UIDVALIDITY" in told else 0


def jar() -> Path:
    """Return the server's jar, resolving it by Maven the first time."""
    found = JARS / "greenmail-standalone-2.1.3.jar"
    if not found.exists():
        pom = ROOT / "deploy" / "greenmail" / "pom.xml"
        command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", "-DexcludeTransitive=true"]
        subprocess.run([*command, f"-DoutputDirectory={JARS}"], check=True, capture_output=True)
    return found


def require() -> None:
    """Skip, or fail where nothing may be left out, if the server cannot be had."""
    missing = " and ".join(tool for tool in ("java", "mvn") if not shutil.which(tool))
    if missing and os.environ.get("EARSHOT_TEST_ALL"):
        pytest.fail(f"a real IMAP server needs {missing}, and EARSHOT_TEST_ALL leaves nothing out")
    if missing:
        pytest.skip(f"the real IMAP server needs {missing}")


def start(*options: str) -> MailServer:
    """Start a server and return when it greets."""
    require()
    port = free_port()
    ports = [port, *(int(one.partition("port=")[2]) for one in options if ".port=" in one)]
    about = ["setup.test.none", "hostname=127.0.0.1", "imap.hostname=127.0.0.1", f"imap.port={port}"]
    about += ["api.hostname=127.0.0.1", f"api.port={free_port()}", *options]
    command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", *(f"-Dgreenmail.{one}" for one in about)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, "-jar", str(jar())], stdout=quiet, stderr=quiet, start_new_session=True)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            for one in ports:
                socket.create_connection(("127.0.0.1", one), 5).close()
            imaplib.IMAP4("127.0.0.1", port, timeout=5).shutdown()
        except (OSError, imaplib.IMAP4.error):
            time.sleep(0.05)
        else:
            return MailServer(port, process)
    stop(process)
    raise AssertionError("the IMAP server did not start")


@cache
def shared() -> MailServer:
    """Return the server that all tests of a process share: use a user of your own."""
    server = start("auth.disabled")
    atexit.register(stop, server.process)
    return server
