"""What stands in for a platform in the contract suite: a local server that speaks its protocol.

Each kind has one in `tests/counterparts/<kind>.py`, made by its function `counterpart()`.
"""

from collections.abc import Mapping
from typing import Protocol, Self


class Counterpart(Protocol):
    """A platform on loopback, as an async context manager; what it can do is named by `abilities`.

    `gap`: what happened since the reader was here can be lost, and the reader notices. `edit`, `delete`: posts change
    and go. `limit`: it can refuse with 429. `malformed`: it can answer anything. `redirect`: it can send the reader to
    another address. `renew`: it can take a token back so that the reader gets another. `backfill`: it can be asked for
    the past. `check`: `earshot sources test` finds out that a permission is missing.
    """

    abilities: frozenset[str]
    door: str
    """Where a pushed kind sends to (`http://host:port`): the suite writes it there before the source starts."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    @property
    def entry(self) -> str:
        """One entry of the sources file in YAML's flow style, pointing here; valid once the server runs."""
        ...

    @property
    def secrets(self) -> Mapping[str, str]:
        """The environment variables that the entry names."""
        ...

    async def publish(self, number: int, text: str = "") -> str:
        """Let there be a new post, or push it; return the key of the event that shall come of it.

        A pushed kind sends it until it is taken, and returns then.
        """
        ...

    async def edit(self, number: int) -> None:
        """Change the post with that number; its new text holds the word `edited`."""
        ...

    async def delete(self, number: int) -> None:
        """Take the post with that number away."""
        ...

    async def limit(self, seconds: float) -> None:
        """Refuse what is asked with 429 for so long, saying so in the platform's own way."""
        ...

    async def serve_garbage(self, body: bytes) -> None:
        """Make the next answer, frame, line, mail or pushed body be `body`; a pushed kind sends it now."""
        ...

    async def redirect(self, url: str) -> None:
        """Send whoever asks next to `url`."""
        ...

    async def forget(self) -> None:
        """Lose what happened since the reader was here, so that it must tell a gap."""
        ...

    async def expire(self) -> None:
        """Take back the token in use; `renew` only."""
        ...
