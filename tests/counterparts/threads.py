"""Threads: pushes answers and mentions, and can be searched."""

from datetime import timedelta
from typing import Any

from agents import clock
from tests.counterparts.facebook import Facebook
from tests.servers.graph import SECRET, TOKEN, VERIFY

ACCOUNT = "17841"


class Threads(Facebook):
    """A profile that others mention."""

    abilities = frozenset({"gap", "delete", "malformed", "backfill", "check"})
    secrets = {"TH_TOKEN": TOKEN, "TH_APP": SECRET, "TH_HOOK": VERIFY}
    name = "th"

    def prepare(self) -> None:
        self.server.nodes[ACCOUNT] = {"id": ACCOUNT, "username": "nordbahn"}

    @property
    def entry(self) -> str:
        named = "token: env:TH_TOKEN, app_secret: env:TH_APP, verify_token: env:TH_HOOK"
        url = self.server.url
        return f'{{id: th, kind: threads, account: "{ACCOUNT}", {named}, api: "{url}", public: "{url}", app: "31"}}'

    async def publish(self, number: int, text: str = "") -> str:
        at, name = clock.now().replace(microsecond=0) - timedelta(seconds=1), f"1800{number}"
        self.server.post(name, text or f"post {number}", edge=f"{ACCOUNT}/mentions", at=at, username="eva")
        await self.deliver(told("mentions", self.server.nodes[name]))
        return f"threads:{name}"

    async def delete(self, number: int) -> None:
        await self.deliver(told("delete", {"id": f"1800{number}"}))


def told(field: str, value: Any) -> Any:
    """Return a notification as Threads sends it."""
    about = {"app_id": "31", "topic": "moderate", "target_id": ACCOUNT, "time": 1772451000, "subscription_id": "5"}
    return about | {"has_uid_field": False, "values": {"field": field, "value": value}}


def counterpart() -> Threads:
    return Threads()
