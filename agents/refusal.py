"""Why a broker that listens does not talk to us: a few words of Kafka's protocol, spoken without a client.

The clients try again for ever, each with a log of its own, whatever is wrong. This asks once and names the setting.
"""

import socket
import ssl
import struct
from dataclasses import dataclass

from agents.tls import tls_context
from schemas.errors import ConfigError
from schemas.settings import Settings

SECONDS = 5.0
"""How long a broker may take to answer."""
_METADATA, _SASL_HANDSHAKE = 3, 17
_UNSUPPORTED_MECHANISM = 33
_NO_SASL_HERE = 34
_LONGEST = 65_536
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
        address = Address(host.strip("[]"), int(port) if port.isdigit() else 0)
        try:
            address.connect().close()
        except OSError:
            continue
        return address
    return None


def refusal(address: Address, settings: Settings) -> ConfigError | None:
    """Return what is wrong with how the settings connect to a broker that listens at `address`, None if nothing is.

    Raises:
        ConfigError: a certificate of ours cannot be read.
    """
    encrypted = settings.kafka_security_protocol.endswith("SSL")
    context = tls_context(settings) if encrypted else None
    try:
        if not settings.kafka_security_protocol.startswith("SASL") and _lets_anybody_in(address, context):
            return None
        return _understand(_shake_hands(address, context, settings.kafka_sasl_mechanism), address, settings)
    except ssl.SSLCertVerificationError as error:
        return ConfigError(
            f"the certificate of {address} is not accepted: {error.verify_message}",
            where="EARSHOT_KAFKA_CA_FILE",
            hint="name the authority that signed it, and in EARSHOT_KAFKA a host name that stands in it",
        )
    except TimeoutError:
        return None
    except (OSError, EOFError) as error:
        return _cut_off(error, address, settings) if encrypted else _plain_text(address)


def _shake_hands(address: Address, context: ssl.SSLContext | None, mechanism: str) -> tuple[int, list[str]]:
    """Ask whether we may log in by `mechanism`, and return the broker's error code and the mechanisms it knows.

    Raises:
        OSError: the connection fails, or TLS does.
        EOFError: the broker hangs up, or says something that is not Kafka.
    """
    name = mechanism.encode()
    answer = _request(address, context, _SASL_HANDSHAKE, struct.pack(">h", len(name)) + name)
    code, count = struct.unpack_from(">hi", answer, 4)
    found, place = [], 10
    for _ in range(count):
        length = struct.unpack_from(">h", answer, place)[0]
        found.append(answer[place + 2 : place + 2 + length].decode())
        place += 2 + length
    return code, found


def _lets_anybody_in(address: Address, context: ssl.SSLContext | None) -> bool:
    """Tell whether the broker answers to somebody who has not logged in."""
    try:
        _request(address, context, _METADATA, struct.pack(">i", 0))
    except EOFError:
        return False
    return True


def _request(address: Address, context: ssl.SSLContext | None, kind: int, body: bytes) -> bytes:
    """Send one request, version 1 of its kind, and return the answer."""
    with address.connect() as plain:
        talking = context.wrap_socket(plain, server_hostname=address.host) if context else plain
        with talking:
            client = b"earshot"
            whole = struct.pack(">hhih", kind, 1, 1, len(client)) + client + body
            talking.sendall(struct.pack(">i", len(whole)) + whole)
            size: int = struct.unpack(">i", _read(talking, 4))[0]
            if not 10 <= size <= _LONGEST:
                raise EOFError("not Kafka")
            return _read(talking, size)


def _read(talking: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = talking.recv(size - len(found))
        if not part:
            raise EOFError("hung up")
        found += part
    return found


def _understand(answer: tuple[int, list[str]], address: Address, settings: Settings) -> ConfigError | None:
    code, mechanisms = answer
    protocol = settings.kafka_security_protocol
    if not protocol.startswith("SASL"):
        known = f" by {', '.join(mechanisms)}" if mechanisms else ""
        wanted = "SASL_SSL" if protocol == "SSL" else "SASL_PLAINTEXT"
        return ConfigError(f"{address} wants a login{known}", where=_PROTOCOL, hint=f"set it to {wanted}")
    if code == _NO_SASL_HERE:
        wanted = protocol.removeprefix("SASL_")
        return ConfigError(f"{address} knows no login", where=_PROTOCOL, hint=f"set it to {wanted}")
    if code == _UNSUPPORTED_MECHANISM:
        return ConfigError(
            f"{address} does not know {settings.kafka_sasl_mechanism}",
            where="EARSHOT_KAFKA_SASL_MECHANISM",
            hint=f"it knows {', '.join(mechanisms)}",
        )
    return None


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
        _shake_hands(address, None, settings.kafka_sasl_mechanism)
    except (OSError, EOFError):
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
