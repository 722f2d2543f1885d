"""How we speak TLS with the brokers: whom we believe, and which certificate we show."""

import ssl
from collections.abc import Callable
from typing import Any

from schemas.errors import ConfigError
from schemas.settings import Settings


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return how we speak TLS: the broker's certificate and host name are always checked, ours shown if we have one.

    Raises:
        ConfigError: a file cannot be read or does not hold what it should.
    """
    context: ssl.SSLContext = _read(
        lambda: ssl.create_default_context(cafile=settings.kafka_ca_file or None),
        "EARSHOT_KAFKA_CA_FILE",
        "it must name a readable file with the certificates of the authority, as PEM",
    )
    if settings.kafka_cert_file:
        password = settings.kafka_key_password.get_secret_value()
        _read(
            # as a function, so that OpenSSL does not ask at the terminal where a password is missing
            lambda: context.load_cert_chain(
                settings.kafka_cert_file, settings.kafka_key_file or None, lambda: password
            ),
            "EARSHOT_KAFKA_CERT_FILE",
            "it and EARSHOT_KAFKA_KEY_FILE must be a certificate and its key as PEM, EARSHOT_KAFKA_KEY_PASSWORD fit",
        )
    elif settings.kafka_key_file:
        raise ConfigError("is missing although there is a key", where="EARSHOT_KAFKA_CERT_FILE", hint="name it")
    return context


def _read(load: Callable[[], Any], where: str, hint: str) -> Any:
    try:
        return load()
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"cannot be used ({reason})", where=where, hint=hint) from None
