"""A server of access tokens: an OAuth 2 server that signs what it gives, well or, at other addresses, wrongly."""

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs

PASSWORD = "correct horse"
SUPER = "all"
"""The user who may do everything, whichever way it logs in."""
AUDIENCE, ISSUER = "the brokers", "https://tokens.example.org"
BRIEF_SECONDS = 6


@dataclass(frozen=True)
class Token:
    """What is in a token, and who signs it; by default all is as the broker expects it."""

    key: str = "issuer.key"
    audience: str = AUDIENCE
    issuer: str = ISSUER
    seconds: int = 3600

    def signed(self, folder: Path) -> str:
        """Return it as a JSON web token (RS256) with a key out of `folder`."""
        now = int(time())
        claims = {"sub": SUPER, "iss": self.issuer, "aud": self.audience, "iat": now - 1, "exp": now + self.seconds}
        signed = f"{_encoded({'alg': 'RS256', 'kid': 'earshot'})}.{_encoded(claims)}"
        command = ["openssl", "dgst", "-sha256", "-sign", str(folder / self.key)]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{_base64(signature)}"


KINDS = {
    "token": Token(),
    "brief": Token(seconds=BRIEF_SECONDS),
    "expired": Token(seconds=-1),
    "forged": Token(key="strangers.key"),
    "for-others": Token(audience="another service"),
    "by-others": Token(issuer="https://tokens.example.com"),
}
"""What is to be had, by the last part of the address."""


def make_keys(folder: Path) -> None:
    """Make the key that signs, and the set of public keys (JWKS) by which a broker checks."""
    private = str(folder / "issuer.key")
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    shown = subprocess.run(["openssl", "rsa", "-noout", "-modulus", "-in", private], check=True, capture_output=True)
    modulus = bytes.fromhex(shown.stdout.decode().strip().removeprefix("Modulus="))
    key = {"kty": "RSA", "kid": "earshot", "use": "sig", "alg": "RS256", "n": _base64(modulus), "e": "AQAB"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [key]}))


class TokenServer(ThreadingHTTPServer):
    """Gives tokens to one client for its secret; `asked` are the scopes it was asked for, `given` counts the tokens."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.folder = folder
        self.asked: list[str] = []
        self.given = 0

    def at(self, kind: str) -> str:
        """Return the address of tokens of a kind."""
        return f"http://127.0.0.1:{self.server_address[1]}/{kind}"


class _TokenHandler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        known = login == f"{SUPER}:{PASSWORD}" and form.get("grant_type") == ["client_credentials"]
        self.server.asked += form.get("scope", [])
        self.server.given += known
        body = json.dumps(self._token() if known else {"error": "no"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _token(self) -> dict[str, Any]:
        kind = KINDS[self.path.removeprefix("/")]
        return {
            "access_token": kind.signed(self.server.folder),
            "token_type": "Bearer",
            "expires_in": max(kind.seconds, BRIEF_SECONDS),
        }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


def _encoded(part: dict[str, Any]) -> str:
    return _base64(json.dumps(part).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@contextmanager
def token_server(folder: Path) -> Iterator[TokenServer]:
    """Run a token server, with the keys in `folder`, for as long as the context lasts."""
    server = TokenServer(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
