"""A mail server on loopback (aiosmtpd): STARTTLS with a certificate of its own, AUTH, and every way to misbehave."""

import asyncio
import ssl
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from cli.broker import free_port

USER, PASSWORD = "earshot", "s3cret"


@dataclass
class MailServer:
    """What the server knows. `answers` are given to the coming mails at the end of DATA, one each.

    An answer `drop` keeps the mail and then breaks the connection; `hang` keeps it and says nothing.
    `refused` are addresses that get the reply beside them instead of 250.
    """

    host: str = "127.0.0.1"
    port: int = 0
    ca_file: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    answers: deque[str] = field(default_factory=deque)
    refused: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd hands it over
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        answer = self.answers.popleft() if self.answers else "250 OK"
        if answer[0] in "2dh":
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
            self.recipients.append(list(envelope.rcpt_tos))
            assert server.transport is not None
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        if answer == "hang":
            await asyncio.to_thread(self.released.wait)
        if answer in {"drop", "hang"}:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            return "451 gone"
        return answer


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1 and return it with its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return cert, key


def _log_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, message=None if right else "535 5.7.8 wrong user or password")


class _Controller(Controller):
    """A controller that leaves no connection open when it ends."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.sessions: list[SMTP] = []

    def factory(self) -> SMTP:
        self.sessions.append(super().factory())  # type: ignore[no-untyped-call]
        return self.sessions[-1]

    async def hang_up(self) -> None:
        for session in self.sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        for _ in range(3):  # as many turns of the loop as a transport needs to close
            await asyncio.sleep(0)


@contextmanager
def mail_server(folder: Path | None = None, *, implicit_tls: bool = False) -> Iterator[MailServer]:
    """Run a mail server; with a folder it demands TLS and a log-in, with a certificate kept there."""
    state = MailServer()
    context = None
    if folder:
        cert, key = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        state.ca_file = str(cert)
    secure: dict[str, Any] = {}
    if folder:
        secure = {"auth_required": True, "authenticator": _log_in, "require_starttls": not implicit_tls}
    controller = _Controller(
        state,
        hostname="127.0.0.1",
        port=free_port(),
        ready_timeout=10,
        ssl_context=context if implicit_tls else None,
        tls_context=None if implicit_tls else context,
        auth_require_tls=not implicit_tls,
        **secure,
    )
    controller.start()
    state.port = controller.port
    try:
        yield state
    finally:
        state.released.set()
        asyncio.run_coroutine_threadsafe(controller.hang_up(), controller.loop).result(10)
        controller.stop()
