"""What a counterpart answers that has not the ability."""

from collections.abc import Mapping


class Unable:
    """Everything that may be asked of a counterpart beside publishing; a subclass overrides what it can do."""

    abilities: frozenset[str] = frozenset()
    secrets: Mapping[str, str] = {}
    door = ""

    async def edit(self, number: int) -> None:
        raise NotImplementedError

    async def delete(self, number: int) -> None:
        raise NotImplementedError

    async def limit(self, seconds: float) -> None:
        raise NotImplementedError

    async def serve_garbage(self, body: bytes) -> None:
        raise NotImplementedError

    async def redirect(self, url: str) -> None:
        raise NotImplementedError

    async def forget(self) -> None:
        raise NotImplementedError

    async def expire(self) -> None:
        raise NotImplementedError
