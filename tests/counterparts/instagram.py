"""Instagram: tells of mentions by ids only, so that what they say must be read."""

from datetime import timedelta

from agents import clock
from tests.counterparts.facebook import Facebook
from tests.servers.graph import SECRET, TOKEN, VERIFY

ACCOUNT = "17841405726653026"


class Instagram(Facebook):
    """An account that others mention under their pictures."""

    abilities = frozenset({"gap", "malformed", "backfill", "check"})
    secrets = {"IG_TOKEN": TOKEN, "IG_APP": SECRET, "IG_HOOK": VERIFY}
    name = "ig"

    def prepare(self) -> None:
        self.server.nodes[ACCOUNT] = {"id": ACCOUNT, "username": "nordbahn"}

    @property
    def entry(self) -> str:
        named = "token: env:IG_TOKEN, app_secret: env:IG_APP, verify_token: env:IG_HOOK"
        url = self.server.url
        return f'{{id: ig, kind: instagram, account: "{ACCOUNT}", {named}, api: "{url}", public: "{url}", app: "31"}}'

    async def publish(self, number: int, text: str = "") -> str:
        at, name = clock.now().replace(microsecond=0) - timedelta(seconds=1), f"1790{number}"
        self.server.post(name, text or f"post {number}", edge=f"{ACCOUNT}/tags", at=at, username="eva")
        change = {"field": "mentions", "value": {"media_id": name}}
        entry = {"id": ACCOUNT, "time": int(at.timestamp()) + 1, "changes": [change]}
        await self.deliver({"object": "instagram", "entry": [entry]})
        return f"instagram:{name}"


def counterpart() -> Instagram:
    return Instagram()
