"""E-mail by SMTP, with STARTTLS or TLS and a log-in.

Auth: `EARSHOT_SMTP_HOST`, `_PORT`, `_SECURITY` (starttls, tls, none), `_USERNAME`, `_PASSWORD`, `_FROM`, `_CA_FILE`.
Limits: those of your mail server; its 4xx answers are tried again, its 5xx answers are final.
Guarantee: SMTP cannot be asked what it has accepted. Only when the connection breaks after the whole mail was handed
over and before the answer is an attempt in doubt: it is repeated once, marked as a possible repeat, with the same
Message-ID, which many mail programs fold into one. Several addresses are several mails: each is refused on its own.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from hashlib import sha256

import idna
from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from pydantic import field_validator

from agents import clock
from agents.alert.channel import CALL_SECONDS, Address, Channel, delivery_id
from agents.alert.render import mail
from schemas.alert import Alert
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import Settings

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,64}@[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]{1,255}")

_REMEDIES = {
    530: " (set EARSHOT_SMTP_USERNAME and EARSHOT_SMTP_PASSWORD: the server wants a login)",
    535: " (correct EARSHOT_SMTP_USERNAME or EARSHOT_SMTP_PASSWORD)",
}
"""What people can do where the server says no, by its code."""


def wire(address: str) -> str:
    """Return an address as mail servers know it: a domain with umlauts has a form without (IDNA 2008).

    Raises:
        ValueError: the domain can be none.
    """
    local, _, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}@{idna.encode(domain, uts46=True).decode()}"


def _can_be_sent(address: str) -> bool:
    """Tell whether a mail can be made to it: what has umlauts before the @ hardly any server takes."""
    try:
        return str(MailAddress(addr_spec=wire(address)).addr_spec).isascii()
    except (ValueError, MessageError):
        return False


class Email(Channel):
    """One mail address."""

    class Config(Address):
        """`to` is a mail address; a route may name several."""

        @field_validator("to")
        @classmethod
        def _is_an_address(cls, value: str) -> str:
            if not (_ADDRESS.fullmatch(value) and _can_be_sent(value)):
                several = " (several are a list: [a@example.org, b@example.org])" if value.count("@") > 1 else ""
                raise ValueError(f"write a mail address such as press@example.org{several}, not {value!r}")
            return value

    @classmethod
    def missing(cls, settings: Settings) -> str:
        """Return what is missing: a mail server."""
        return "" if settings.smtp_host else "EARSHOT_SMTP_HOST"

    def send(self, alert: Alert, previous: Sent | None, *, repeat: bool = False) -> Sent:
        """Send a mail of its own for each revision; the later ones refer to the first, so that they form a thread."""
        message = self._message(alert, previous, repeat)
        try:
            asyncio.run(self._hand_over(message))
        except (OSError, ValueError) as error:  # before a connection stands: no such host, a bad CA file
            raise DeliveryError(f"{self._called}: {type(error).__name__}") from error
        return Sent(reference=str(message["Message-ID"]), place=self.config.to)

    @property
    def _called(self) -> str:
        """What the server is called when it does not answer: people look for it by its address."""
        return f"smtp {self.settings.smtp_host}:{self.settings.smtp_port}"

    def _message(self, alert: Alert, previous: Sent | None, repeat: bool) -> EmailMessage:
        subject, html, text = mail(alert, self.route.language, repeat=repeat)
        name, sender = self._sender()
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = MailAddress(name or "Earshot", addr_spec=sender)
        message["To"] = MailAddress(addr_spec=wire(self.config.to))
        message["Subject"] = subject
        message["Date"] = format_datetime(clock.now())
        digest = sha256(delivery_id(alert.id, self.route).encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{digest}@{sender.rpartition('@')[2] or 'localhost'}>"
        if previous:
            message["In-Reply-To"] = previous.reference
            message["References"] = previous.reference
        # out-of-office replies to a machine help nobody (RFC 3834)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        message["Content-Language"] = self.route.language
        return message

    def _sender(self) -> tuple[str, str]:
        """Return the name and the address of who sends."""
        name, sender = parseaddr(self.settings.smtp_from)
        return name, wire(sender)

    async def _hand_over(self, message: EmailMessage) -> None:
        """Hand the mail over within `CALL_SECONDS`, and say exactly where it broke off."""
        settings = self.settings
        client = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            timeout=CALL_SECONDS,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=ssl.create_default_context(cafile=settings.smtp_ca_file or None),
        )
        handed = False
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await client.connect()
                if settings.smtp_username:
                    await client.login(settings.smtp_username, settings.smtp_password.get_secret_value())
                await client.mail(self._sender()[1])
                await client.rcpt(wire(self.config.to))
                handed = True
                await client.data(message.as_bytes())
        except SMTPResponseException as error:
            raise _answered(error) from error
        except (SMTPException, TimeoutError) as error:
            raise DeliveryError(f"{self._called}: {type(error).__name__}", ambiguous=handed) from error
        else:
            # accepted is accepted, however the farewell goes
            with suppress(SMTPException, OSError):
                await client.execute_command(b"QUIT", timeout=1.0)
        finally:
            transport = client.transport
            client.close()
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
            # the event loop ends with this call: let it close the socket first
            await asyncio.sleep(0)


def _answered(error: SMTPResponseException) -> DeliveryError:
    """Understand a reply: 5xx is final, 4xx is not; the server's own words may repeat addresses, so they stay out."""
    remedy = _REMEDIES.get(error.code, "")
    return DeliveryError(f"smtp: {error.code} {type(error).__name__}{remedy}", permanent=500 <= error.code < 600)
