"""The payloads of the fixtures, in the shape in which the platforms send them."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"


def payload(name: str) -> Any:
    """Return the payload `kind/name`."""
    return json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
