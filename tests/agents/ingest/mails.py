"""Mails of own making, in the shape in which the services send them."""

import base64
import json
import quopri
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

NOON = datetime(2025, 11, 8, 12, 0, tzinfo=UTC)
SIGNED = "Authentication-Results: mx.example.org; dkim=pass header.d={domain} header.s=x; spf=pass\n"


def wrapped(url: str) -> str:
    """Return a link as Google wraps it."""
    return f"https://www.google.com/url?rct=j&sa=t&url={quote(url, safe=':/')}&ct=ga&cd=CAEY&usg=AOv"


def mail(sender: str, subject: str, body: str, *, kind: str = "html", **about: str) -> bytes:
    """Return a mail; `about` may hold message_id, signed (a domain), date, charset, encoding and more header lines."""
    charset, encoding = about.get("charset", "utf-8"), about.get("encoding", "8bit")
    data = body.encode(charset)
    data = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(data)
    domain = about.get("signed", sender.rpartition("@")[2].strip(">"))
    head = (
        (SIGNED.format(domain=domain) if domain else "")
        + about.get("more", "")
        + f"From: {sender}\nTo: press@example.org\nSubject: {subject}\n"
        + f"Date: {about.get('date', format_datetime(NOON))}\n"
        + f"Message-ID: <{about.get('message_id', 'one@example.org')}>\nMIME-Version: 1.0\n"
        + f"Content-Type: text/{kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    )
    return head.encode() + data


def alert(*results: tuple[str, str, str], data: bool = True, html: bool = True, **about: str) -> bytes:
    """Return a Google Alert with (title, text, address) of each result, as JSON for programs, as HTML, or as both."""
    widgets = [
        {"type": "LINK", "title": title, "description": text, "url": wrapped(url)} for title, text, url in results
    ]
    cards = [{"title": 'Google Alert - "Bahn"', "widgets": widgets}]
    inbox = {"api_version": "1.0", "publisher": {"name": "Google Alerts"}, "updates": {"snippets": []}, "cards": cards}
    markup = f'<script type="application/json" data-scope="inboxmarkup">{json.dumps(inbox)}</script>' if data else ""
    rows = "".join(
        f'<tr><td><a href="{wrapped(url)}"><span>{title}</span></a>'
        f"<div><a>Die Zeitung</a></div><div>{text}</div>"
        f'<a href="https://www.google.com/alerts/share?ru={url}&ss=fb"><img src="x"></a>'
        '<a href="https://www.google.com/alerts/feedback?x=1">Flag as irrelevant</a></td></tr>'
        for title, text, url in results
    )
    end = '<p>You have received this email because you have subscribed</p><a href="https://a.example/no">no</a>'
    body = f"<html><head>{markup}</head><body><table>{rows if html else ''}</table>{end}</body></html>"
    sender = "Google Alerts <googlealerts-noreply@google.com>"
    return mail(sender, 'Google Alert - "Bahn"', body, **about)


def xing(subject: str, text: str, **about: str) -> bytes:
    """Return a notification of XING in plain text."""
    return mail('"Eva Muster" <mailrobot@mail.xing.com>', subject, text, kind="plain", **about)
