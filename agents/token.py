"""Access tokens for OAUTHBEARER: fetched from an OAuth 2 server with client credentials, kept while they are good.

librdkafka fetches its own (method `oidc`); this is for kafka-python and aiokafka.
"""

import asyncio
import base64
import json
import ssl
from functools import cache
from http.client import HTTPException
from threading import Lock
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import aiokafka.abc
import aiokafka.errors
import kafka.net.sasl.oauth

from schemas.errors import ConfigError
from schemas.settings import Settings

SECONDS = 10.0
"""How long the server of the tokens may take."""
_SPENT = 0.8
"""The share of its life after which a token is replaced."""


class Tokens:
    """The current token; may be asked from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._token = ""
        self._until = 0.0

    def current(self) -> str:
        """Return a token that still lives, a new one if need be; blocks.

        Raises:
            ConfigError: the server cannot be reached, refuses us, or answers something else.
        """
        with self._lock:
            if monotonic() >= self._until:
                self._token, seconds = fetch(self._settings)
                self._until = monotonic() + _SPENT * seconds
            return self._token


@cache
def tokens(settings: Settings) -> Tokens:
    """Return the tokens of these settings, the same for all clients of a process."""
    return Tokens(settings)


def fetch(settings: Settings) -> tuple[str, float]:
    """Return a new token and for how many seconds it is good.

    Raises:
        ConfigError: the server cannot be reached, refuses us, or answers something else.
    """
    where, url = "EARSHOT_KAFKA_TOKEN_URL", settings.kafka_token_url
    try:
        # the address is the operator's own setting
        with urlopen(_request(settings), timeout=SECONDS, context=_context(settings)) as answer:  # noqa: S310
            found = json.load(answer)
            return str(found["access_token"]), float(found.get("expires_in", 60))
    except HTTPError as error:
        error.close()
        raise ConfigError(
            f"{url} gives no token (HTTP {error.code})",
            where="EARSHOT_KAFKA_USERNAME" if error.code in {400, 401, 403} else where,
            hint="EARSHOT_KAFKA_USERNAME and EARSHOT_KAFKA_PASSWORD must be a client id and its secret",
        ) from None
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"no token comes from {url or 'nowhere'} ({type(error).__name__})",
            where=where,
            hint="it must be the token endpoint of an OAuth 2 server that knows client credentials",
        ) from error


def _request(settings: Settings) -> Request:
    wanted = {"grant_type": "client_credentials"}
    if settings.kafka_token_scope:
        wanted["scope"] = settings.kafka_token_scope
    login = f"{settings.kafka_username}:{settings.kafka_password.get_secret_value()}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
        "Accept": "application/json",
    }
    return Request(settings.kafka_token_url, urlencode(wanted).encode(), headers)  # noqa: S310 - as above


def _context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.kafka_token_url.startswith("https:"):
        return None
    return ssl.create_default_context(cafile=settings.kafka_token_ca_file or None)


class KafkaPythonTokens(kafka.net.sasl.oauth.AbstractTokenProvider):  # type: ignore[misc]
    """The tokens as kafka-python asks for them."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    def token(self) -> str:
        """Return a token that still lives."""
        return self._tokens.current()


def login(settings: Settings) -> dict[str, Any]:
    """Return the settings by which kafka-python logs in, whatever the mechanism."""
    mechanism = settings.kafka_sasl_mechanism
    if mechanism == "OAUTHBEARER":
        return {"sasl_mechanism": mechanism, "sasl_oauth_token_provider": KafkaPythonTokens(tokens(settings))}
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password.get_secret_value(),
    }


class AiokafkaTokens(aiokafka.abc.AbstractTokenProvider):  # type: ignore[misc]
    """The tokens as aiokafka asks for them."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    async def token(self) -> str:
        """Return a token that still lives.

        Raises:
            aiokafka.errors.KafkaConnectionError: there is none now; the client tries again.
        """
        try:
            return await asyncio.to_thread(self._tokens.current)
        except ConfigError as error:
            raise aiokafka.errors.KafkaConnectionError(str(error)) from error
