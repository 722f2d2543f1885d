"""A real Kafka that wants to know who is there: certificates, passwords, tokens, and an authorizer."""

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs

from cli.broker import free_port
from schemas.acls import PROCESSES
from schemas.settings import Settings
from tests.broker.brokers import Kafka

PASSWORD = "correct horse"
SUPER = "all"
"""The user who may do everything, whichever way it logs in."""
_SASL = "org.apache.kafka.common.security"


class Secured(Kafka):
    """Kafka with five listeners: one for ourselves, and one for each way to be let in. Nobody else may do anything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ports = {name: free_port() for name in ("LOGIN", "PLAINLOGIN", "CERT", "TLS")}
        self.certificates = folder / "certificates"
        make_certificates(self.certificates)

    def at(self, listener: str) -> str:
        """Return the address of a listener."""
        return f"127.0.0.1:{self.ports[listener]}"

    def format_options(self) -> list[str]:
        return ["--add-scram", f"SCRAM-SHA-512=[name={SUPER},password={PASSWORD}]"]

    def properties(self) -> str:
        listeners = {"INTERNAL": self.port, **self.ports}
        all_of_them = ",".join(f"{name}://127.0.0.1:{port}" for name, port in listeners.items())
        users = " ".join(f'user_{name}="{PASSWORD}"' for name in (SUPER, *PROCESSES))
        plain = f"{_SASL}.plain.PlainLoginModule required {users};"
        own = {
            "listeners": f"{all_of_them},CONTROLLER://127.0.0.1:{self.controller}",
            "advertised.listeners": all_of_them,
            "inter.broker.listener.name": "INTERNAL",
            "listener.security.protocol.map": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,"
            "PLAINLOGIN:SASL_PLAINTEXT,CERT:SSL,TLS:SSL",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{SUPER};User:CN={SUPER}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates / "server.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates / "ca.crt",
            "listener.name.cert.ssl.client.auth": "required",
            "listener.name.login.sasl.enabled.mechanisms": "SCRAM-SHA-512,OAUTHBEARER",
            "listener.name.login.scram-sha-512.sasl.jaas.config": f"{_SASL}.scram.ScramLoginModule required;",
            "listener.name.login.oauthbearer.sasl.jaas.config": f"{_SASL}.oauthbearer.OAuthBearerLoginModule required "
            'unsecuredLoginStringClaim_sub="broker";',
            "listener.name.plainlogin.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.plainlogin.plain.sasl.jaas.config": plain,
        }
        return super().properties() + "\n" + "\n".join(f"{name}={value}" for name, value in own.items())


def make_certificates(folder: Path) -> None:
    """Make an authority, a certificate of the broker for 127.0.0.1, one of a client, and one of a stranger."""
    folder.mkdir()
    for authority in ("ca", "strangers"):
        _openssl(
            folder,
            f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={authority}"
            f" -keyout {authority}.key -out {authority}.crt",
        )
    for name, authority, common in (
        ("server", "ca", "server"),
        ("client", "ca", SUPER),
        ("stranger", "strangers", SUPER),
    ):
        (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1")
        _openssl(folder, f"req -newkey rsa:2048 -nodes -subj /CN={common} -keyout {name}.key -out {name}.csr")
        _openssl(
            folder,
            f"x509 -req -in {name}.csr -CA {authority}.crt -CAkey {authority}.key -CAcreateserial -days 2"
            f" -extfile {name}.ext -out {name}.crt",
        )
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    _openssl(folder, "pkcs8 -topk8 -v2 aes256 -in client.key -passout pass:sesame -out locked.key")


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


class TokenServer(ThreadingHTTPServer):
    """An OAuth 2 server that gives tokens to one client for its secret; `asked` are the scopes it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/token"


class _TokenHandler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        known = login == f"{SUPER}:{PASSWORD}" and form.get("grant_type") == ["client_credentials"]
        self.server.asked += form.get("scope", [])
        answer = {"access_token": _token(), "token_type": "Bearer", "expires_in": 3600} if known else {"error": "no"}
        body = json.dumps(answer).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


def _token() -> str:
    """Return a token without a signature, which the broker's own validator for trials accepts."""
    now = time()
    parts: tuple[dict[str, Any], ...] = ({"alg": "none"}, {"sub": SUPER, "iat": now, "exp": now + 3600, "scope": []})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """Run a token server for as long as the context lasts."""
    server = TokenServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def environment(settings: Settings) -> dict[str, str]:
    """Return the settings that were made explicitly as the variables of a process."""
    found = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        found[f"EARSHOT_{name.upper()}"] = (
            value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        )
    return found
