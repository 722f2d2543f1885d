"""Why a process cannot listen where its settings say, in words."""

import errno
import os
import socket

from schemas.errors import ConfigError


def cannot_listen(host: str, port: int, error: OSError, *, variable: str, hint: str) -> ConfigError:
    """Return what is to be said: `variable` and `hint` are about the port, unless it is the host that is wrong."""
    # asyncio and socket write the address into `strerror` again
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
    said = f"cannot listen on {host}:{port} ({reason})"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(said, where="EARSHOT_HOST", hint="name an address of this machine, or 0.0.0.0 for all")
    return ConfigError(said, where=variable, hint=hint)
