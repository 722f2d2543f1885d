"""What whoever pushes to us is answered where their request is not taken."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

RETRY_AFTER = "5"


def no(status: HTTPStatus, error: str, **where: Any) -> web.Response:
    """Return the answer that a request is not taken, and why."""
    return web.json_response({"error": error, **where}, status=status)


def later(reason: str) -> web.Response:
    """Return the answer that the sender shall come back."""
    answer = no(HTTPStatus.SERVICE_UNAVAILABLE, f"{reason}; send the whole request again")
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer
