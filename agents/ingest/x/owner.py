"""How the account that owns the application proves itself to X: by a token, or one that is renewed every two hours."""

import base64
from collections.abc import MutableMapping
from typing import Annotated

from pydantic import Field

from agents.ingest.auth import Auth, Bearer, RefreshToken
from agents.ingest.secret import Secret, reveal
from agents.ingest.source import Entry
from agents.ingest.web.client import fetch_tokens
from schemas.errors import ConfigError


class OwnerEntry(Entry):
    """`user_token` ends two hours after it was made; `refresh_token` is good for one use, and the next one is kept."""

    base: Annotated[str, Field(pattern=r"^https?://[^\s/]")] = "https://api.x.com"
    user_token: Secret = ""
    refresh_token: Secret = ""
    client_id: str = ""
    client_secret: Secret = ""
    tokens: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""


def owner_of(entry: OwnerEntry, kept: MutableMapping[str, str]) -> Auth | None:
    """Return how the owner proves itself, if the entry says so at all; the newest refresh token lies in `kept`.

    Raises:
        ConfigError: a refresh token without the client it was given to, or a secret that is not there.
    """
    if not entry.refresh_token:
        return Bearer(reveal(entry.user_token)) if entry.user_token else None
    if not entry.client_id:
        hint = "write the OAuth 2 client id of the app beside `refresh_token`"
        raise ConfigError("has a `refresh_token` and no `client_id`", where=f"source {entry.id}", hint=hint)
    headers = {}
    if entry.client_secret:
        pair = f"{entry.client_id}:{reveal(entry.client_secret)}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    where = entry.tokens or f"{entry.base}/2/oauth2/token"
    form = {} if headers else {"client_id": entry.client_id}
    return RefreshToken(fetch_tokens(entry.id, where, headers), reveal(entry.refresh_token), kept, form)
