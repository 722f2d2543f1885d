"""`earshot`, but it stands still once, at a place of its code: `python -m tests.system.hanging worker`.

`HANGS_AT` is the place (`module:Class.function`) and `HANGS_HOW` the way: `waits` for what never comes, or `holds` the
interpreter, so that nothing else in the process can run either. The next process in the same volume does not hang.
"""

import asyncio
import functools
import importlib
import os
import re
from pathlib import Path
from typing import Any

HUNG = Path("/var/lib/earshot/hung")


def _first() -> bool:
    """Tell whether nobody has hung yet; from now on somebody has."""
    first = not HUNG.exists()
    HUNG.touch()
    return first


def hang_once(place: str, how: str) -> None:
    """Let the first call at `place` never end."""
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    call = getattr(owner, name)

    @functools.wraps(call)
    def hold(*arguments: Any, **options: Any) -> Any:
        if _first():
            re.fullmatch("(a+)+b", 64 * "a")
        return call(*arguments, **options)

    @functools.wraps(call)
    async def wait(*arguments: Any, **options: Any) -> Any:
        if _first():
            await asyncio.Event().wait()
        return await call(*arguments, **options)

    setattr(owner, name, {"holds": hold, "waits": wait}[how])


if __name__ == "__main__":
    from cli.main import main

    hang_once(os.environ["HANGS_AT"], os.environ["HANGS_HOW"])
    main()
