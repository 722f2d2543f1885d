"""Secrets of sources: an entry of the sources file names where one is, never what it is."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from schemas.errors import ConfigError

_PLACES = ("env:", "file:")
_HINT = "write env:NAME for an environment variable or file:/path for a file"


def _named(value: str) -> str:
    scheme = next((place for place in _PLACES if value.startswith(place)), None)
    if scheme is None or not value.removeprefix(scheme).strip():
        # the value itself may be the secret, so it is not repeated
        raise ValueError(f"must say where the secret is, not hold it: {_HINT}")
    return value


Secret = Annotated[str, AfterValidator(_named)]
"""Where a secret is: `env:X_BEARER_TOKEN` or `file:/run/secrets/x`. The secret itself is refused."""


def reveal(secret: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the secret, without white space around it.

    Raises:
        ConfigError: there is none; it names the variable or the file, never what is in it.
    """
    place, _, name = secret.partition(":")
    if place == "env":
        value = environment.get(name, "").strip()
        if not value:
            raise ConfigError("is not set, but the sources file names it", where=name, hint="set it to the secret")
        return value
    try:
        value = Path(name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot be read ({type(error).__name__})", where=name, hint="the sources file names it as a secret"
        ) from error
    if not value:
        raise ConfigError("is empty, but the sources file names it as a secret", where=name, hint="write it there")
    return value
