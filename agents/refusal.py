"""Why a broker that listens does not talk to us: a few words of Kafka's protocol, spoken without a client.

The clients try again for ever, each with a log of its own, and take a wrong password for a broker that is away. This
asks once and names the setting.
"""

import socket
import ssl
import struct
from dataclasses import dataclass

from kafka.net.sasl import get_sasl_mechanism

from agents.tls import tls_context
from agents.token import login
from schemas.errors import ConfigError
from schemas.settings import Settings

SECONDS = 5.0
"""How long a broker may take to answer."""
_NOT_KAFKA = (OSError, EOFError, struct.error)
"""The connection fails, or what comes over it is not an answer."""
_METADATA, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 3, 17, 36
_UNSUPPORTED_MECHANISM = 33
_NO_SASL_HERE = 34
_OTHER_HOST = (62, 64)
"""OpenSSL's codes for a certificate that is good, but for another name or address."""
_LONGEST = 65_536
_PORT = 9092
"""Where all clients look if an address names no port."""
_PROTOCOL = "EARSHOT_KAFKA_SECURITY_PROTOCOL"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker listens."""

    host: str
    port: int

    def connect(self) -> socket.socket:
        """Return a connection.

        Raises:
            OSError: nobody listens.
        """
        return socket.create_connection((self.host, self.port), SECONDS)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def listening(settings: Settings) -> Address | None:
    """Return the first address of the settings that accepts connections."""
    for one in settings.kafka.split(","):
        host, _, port = one.strip().rpartition(":")
        address = Address(host.strip("[]"), int(port)) if port.isdigit() else Address(one.strip().strip("[]"), _PORT)
        try:
            address.connect().close()
        except OSError:
            continue
        return address
    return None


def refusal(address: Address, settings: Settings) -> ConfigError | None:
    """Return what is wrong with how the settings connect to a broker that listens at `address`, None if nothing is.

    Raises:
        ConfigError: a certificate of ours cannot be read, or there is no token to log in with.
    """
    protocol = settings.kafka_security_protocol
    context = tls_context(settings) if protocol.endswith("SSL") else None
    try:
        if protocol.startswith("SASL"):
            return _log_in(address, context, settings)
        return _walk_in(address, context, settings)
    except ssl.SSLCertVerificationError as error:
        return _bad_certificate(error, address)
    except TimeoutError:
        return None
    except _NOT_KAFKA as error:
        return _cut_off(error, address, settings) if context else _plain_text(address)


def _bad_certificate(error: ssl.SSLCertVerificationError, address: Address) -> ConfigError:
    told = f"the certificate of {address} is not accepted: {error.verify_message.rstrip('.')}"
    if error.verify_code in _OTHER_HOST:
        return ConfigError(told, where="EARSHOT_KAFKA", hint="use a host name that stands in the certificate")
    return ConfigError(told, where="EARSHOT_KAFKA_CA_FILE", hint="it must hold the authority that signed it")


class Talk:
    """A connection on which one request is answered after the other.

    Raises:
        OSError: the connection fails, or TLS does.
        EOFError: the broker hangs up, or says something that is not Kafka.
    """

    def __init__(self, address: Address, context: ssl.SSLContext | None) -> None:
        plain = address.connect()
        try:
            self._socket = context.wrap_socket(plain, server_hostname=address.host) if context else plain
        except OSError:
            plain.close()
            raise

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def ask(self, kind: int, body: bytes) -> bytes:
        """Send one request of version 1 and return the answer after its header."""
        client = b"earshot"
        whole = struct.pack(">hhih", kind, 1, 1, len(client)) + client + body
        self._socket.sendall(struct.pack(">i", len(whole)) + whole)
        size: int = struct.unpack(">i", self._read(4))[0]
        if not 6 <= size <= _LONGEST:
            raise EOFError("not Kafka")
        return self._read(size)[4:]

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = self._socket.recv(size - len(found))
            if not part:
                raise EOFError("hung up")
            found += part
        return found


def _shake_hands(talk: Talk, mechanism: str) -> tuple[int, list[str]]:
    """Ask whether we may log in by `mechanism`, and return the broker's error code and the mechanisms it knows."""
    answer = talk.ask(_SASL_HANDSHAKE, struct.pack(">h", len(mechanism)) + mechanism.encode())
    code, count = struct.unpack_from(">hi", answer)
    found, place = [], 6
    for _ in range(count):
        length = struct.unpack_from(">h", answer, place)[0]
        found.append(answer[place + 2 : place + 2 + length].decode(errors="replace"))
        place += 2 + length
    return code, found


def _walk_in(address: Address, context: ssl.SSLContext | None, settings: Settings) -> ConfigError | None:
    """Ask something without a login; a broker that wants one hangs up."""
    try:
        with Talk(address, context) as talk:
            talk.ask(_METADATA, struct.pack(">i", 0))
    except EOFError:
        with Talk(address, context) as talk:
            _, mechanisms = _shake_hands(talk, settings.kafka_sasl_mechanism)
    else:
        return None
    wanted = "SASL_SSL" if context else "SASL_PLAINTEXT"
    return ConfigError(
        f"{address} wants a login by {', '.join(mechanisms)}", where=_PROTOCOL, hint=f"set it to {wanted}"
    )


def _log_in(address: Address, context: ssl.SSLContext | None, settings: Settings) -> ConfigError | None:
    mechanism = settings.kafka_sasl_mechanism
    with Talk(address, context) as talk:
        code, mechanisms = _shake_hands(talk, mechanism)
        if code == _NO_SASL_HERE:
            wanted = settings.kafka_security_protocol.removeprefix("SASL_")
            return ConfigError(f"{address} knows no login", where=_PROTOCOL, hint=f"set it to {wanted}")
        if code == _UNSUPPORTED_MECHANISM:
            return ConfigError(
                f"{address} does not know {mechanism}",
                where="EARSHOT_KAFKA_SASL_MECHANISM",
                hint=f"it knows {', '.join(mechanisms)}",
            )
        return None if code or _accepted(talk, settings) else _bad_login(address, settings)


def _accepted(talk: Talk, settings: Settings) -> bool:
    """Log in, and tell whether the broker lets us."""
    exchange = get_sasl_mechanism(settings.kafka_sasl_mechanism)(host="", **login(settings))
    while not exchange.is_done():
        ours = exchange.auth_bytes()
        answer = talk.ask(_SASL_AUTHENTICATE, struct.pack(">i", len(ours)) + ours)
        code, length = struct.unpack_from(">hh", answer)
        if code:
            return False
        place = 4 + max(0, length)
        size = struct.unpack_from(">i", answer, place)[0]
        try:
            exchange.receive(answer[place + 4 : place + 4 + size])
        except (ValueError, KeyError):  # not the broker that knows our password
            return False
    return bool(exchange.is_authenticated())


def _bad_login(address: Address, settings: Settings) -> ConfigError:
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return ConfigError(
            f"{address} does not accept our token",
            where="EARSHOT_KAFKA_TOKEN_URL",
            hint="issuer, audience and EARSHOT_KAFKA_TOKEN_SCOPE must be those that the broker expects",
        )
    return ConfigError(
        f"{address} does not accept this user and password ({settings.kafka_sasl_mechanism})",
        where="EARSHOT_KAFKA_USERNAME",
        hint="correct it or EARSHOT_KAFKA_PASSWORD",
    )


def _cut_off(error: Exception, address: Address, settings: Settings) -> ConfigError | None:
    """Read why TLS came to nothing: the broker wanted another certificate, or it does not speak TLS at all."""
    reason = (getattr(error, "reason", None) or "").replace("_", " ").lower()
    if "alert" in reason and not settings.kafka_cert_file:
        return ConfigError(
            f"{address} wants a client certificate",
            where="EARSHOT_KAFKA_CERT_FILE",
            hint="name a certificate there, and its key in EARSHOT_KAFKA_KEY_FILE",
        )
    if "alert" in reason:
        return ConfigError(
            f"{address} does not accept our certificate ({reason})",
            where="EARSHOT_KAFKA_CERT_FILE",
            hint="it must be signed by an authority that the broker trusts, and not be out of date",
        )
    try:
        with Talk(address, None) as talk:
            _shake_hands(talk, settings.kafka_sasl_mechanism)
    except _NOT_KAFKA:
        return None
    wanted = settings.kafka_security_protocol.replace("SSL", "PLAINTEXT")
    return ConfigError(f"{address} does not speak TLS", where=_PROTOCOL, hint=f"set it to {wanted}")


def _plain_text(address: Address) -> ConfigError | None:
    """Find out whether who hangs up on plain text speaks TLS."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    try:
        with address.connect() as plain:
            anybody.wrap_socket(plain, server_hostname=address.host).close()
    except OSError:
        return None
    return ConfigError(f"{address} speaks TLS only", where=_PROTOCOL, hint="set it to SSL, or to SASL_SSL with a login")
