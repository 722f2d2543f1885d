"""Posts that other programs push to us, signed.

    - {id: push, kind: webhook}

**Reads**: `POST /v1/events`, whose body is one post in the replay line format, a JSON array of them, or one a line.
With `"type": "edit"` a post replaces the one with its id; `{"type": "deletion", "platform": …, "id": …}` takes it back,
with `"author": true` all that the author with that id wrote.
Answers 202 once the broker has acknowledged all of it; 503 with Retry-After when it does not within `wait`, and then
the sender sends the same again: ids make that harmless. 400 names the line and field that is wrong and takes nothing;
401 the signature or the time; 413 more than 1 MiB or 10,000 posts; 405 and 404 the rest. The content type does not
matter.

**Auth**: `X-Earshot-Timestamp: <unix seconds>` and `X-Earshot-Signature: v1=<hex>`, the HMAC-SHA256 of the timestamp,
a full stop and the body as sent. EARSHOT_WEBHOOK_SECRETS holds one secret or, while they are being changed, several
with commas; one matching signature is enough. A request is good for EARSHOT_WEBHOOK_WINDOW seconds (300).

**Limits**: 1 MiB a request. 32 MiB of requests or 10,000 posts under way at one time; more is 503 with Retry-After. One
such source a process, on EARSHOT_HOST and EARSHOT_WEBHOOK_PORT.

**Cursor**: none; what was not answered with 202 is the sender's to send again.

**Guarantee**: at least once for what was answered with 202. What was answered with 503 may have been written in part.

**Gaps**: what nobody sends while we are down is not noticed here.
"""

from http import HTTPStatus

from aiohttp import web

from agents import clock
from agents.ingest.formats.posts import InvalidPost, delivered, read_posts
from agents.ingest.source import Entry
from agents.ingest.web.door import Pushed, Route, no
from agents.ingest.web.signature import refusal
from schemas.errors import ConfigError
from schemas.model import Duration

PATH = "/v1/events"
BODY_BYTES = 1_048_576


class Config(Entry):
    """`wait` is how long a sender is kept waiting for the broker before it is told to come back."""

    wait: Duration = 5.0


class Webhook(Pushed[Config]):
    """Takes posts in the replay line format from whoever knows a secret."""

    Config = Config
    largest = BODY_BYTES

    @property
    def wait(self) -> float:  # type: ignore[override]
        """See `Config`."""
        return self.config.wait

    def prepare(self) -> None:
        """Read the secrets and take the port.

        Raises:
            ConfigError: there is no secret, or the port cannot be had.
        """
        written = self.settings.webhook_secrets.get_secret_value().split(",")
        self._secrets = tuple(secret.strip().encode() for secret in written if secret.strip())
        if not self._secrets:
            raise ConfigError(
                "holds no secret, but the sources file lists a webhook",
                where="EARSHOT_WEBHOOK_SECRETS",
                hint="set it to a long random text that the senders know too",
            )
        super().prepare()

    def routes(self) -> list[Route]:
        """Return the one path there is."""
        return [("POST", PATH, self._receive)]

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        return await self.held(request, self._answer)

    async def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Answer one request, when the broker has its posts or has had its time."""
        moment = (clock.seconds(), self.settings.webhook_window)
        if reason := refusal(self._secrets, request.headers, body, moment):
            return no(HTTPStatus.UNAUTHORIZED, reason)
        try:
            posts = read_posts(body)
        except InvalidPost as error:
            return no(HTTPStatus.BAD_REQUEST, str(error), **error.where)
        now = clock.now()
        return await self.take([delivered(post, self.config.id, now) for post in posts], HTTPStatus.ACCEPTED)
