"""The mail channel against a real mail server: encryption, log-in, threads, refusals."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.alert.channel import Channel, open_channel
from schemas.delivery import Sent
from schemas.errors import DeliveryError
from schemas.settings import Settings, load_settings
from tests.agents.alert.samples import MAIL, alert, revision
from tests.servers.smtp import PASSWORD, USER, MailServer, mail_server


def settings_for(server: MailServer, security: str, **changes: str) -> Settings:
    about = {"smtp_username": USER, "smtp_password": PASSWORD, "smtp_ca_file": server.ca_file} if server.ca_file else {}
    return load_settings(
        smtp_host=server.host,
        smtp_port=server.port,
        smtp_security=security,
        **({"smtp_from": "Earshot <earshot@stadtwerke.example>"} | about | changes),
    )


def open_mail(server: MailServer, security: str = "none", **changes: str) -> Channel:
    return open_channel(MAIL, settings_for(server, security, **changes))


# aiosmtpd does not know that a connection may be encrypted from its start
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_encrypted_and_logged_in(security: str, implicit: bool, tmp_path: Path) -> None:
    with mail_server(tmp_path, implicit_tls=implicit) as server:
        sent = open_mail(server, security).send(alert(), None)
        [message] = server.mails
        assert server.encrypted == [True]
        assert server.recipients == [["presse@stadtwerke.example"]]
        assert message["From"] == "Earshot <earshot@stadtwerke.example>"
        assert message["Message-ID"] == sent.reference
        assert re.fullmatch(r"<[0-9a-f]{32}@stadtwerke\.example>", sent.reference)
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert message["Auto-Submitted"] == "auto-generated"


def test_a_wrong_password_is_final(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path) as server,
        pytest.raises(DeliveryError, match=r"535 .* \(correct EARSHOT_SMTP_USERNAME") as caught,
    ):
        open_mail(server, "starttls", smtp_password="wrong").send(alert(), None)
    assert caught.value.permanent
    assert "wrong" not in str(caught.value)


def test_a_certificate_of_a_stranger_is_not_trusted(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        with pytest.raises(DeliveryError) as caught:
            open_mail(server, "starttls", smtp_ca_file="").send(alert(), None)
        assert not caught.value.ambiguous
        assert server.mails == []


def test_an_incident_is_one_thread_and_the_same_alert_the_same_mail() -> None:
    with mail_server() as server:
        channel = open_mail(server)
        first = channel.send(alert(), None)
        channel.send(revision(2), first)
        channel.send(revision(2), first, repeat=True)
        one, two, again = server.mails
        assert two["References"] == two["In-Reply-To"] == one["Message-ID"]
        assert two["Message-ID"] == again["Message-ID"] != one["Message-ID"]
        assert "schon einmal erhalten" in text_of(server, 2)


def test_domains_with_umlauts_are_written_as_mail_servers_know_them() -> None:
    with mail_server() as server:
        route = MAIL.model_copy(update={"to": "presse@bücher-straße.example"})
        configured = settings_for(server, "none", smtp_from="Bücher <earshot@bücher.example>")
        sent = open_channel(route, configured).send(alert(), None)
        [message] = server.mails
    assert server.recipients == [["presse@xn--bcher-strae-46a18a.example"]]
    assert message["To"] == "presse@xn--bcher-strae-46a18a.example"
    assert message["From"] == "Bücher <earshot@xn--bcher-kva.example>"
    assert sent.reference.endswith("@xn--bcher-kva.example>")


def text_of(server: MailServer, number: int) -> str:
    part = server.mails[number].get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def after_data(answer: str) -> Callable[[MailServer], None]:
    return lambda server: server.answers.append(answer)


def at_recipient(answer: str) -> Callable[[MailServer], None]:
    return lambda server: server.refused.update({"presse@stadtwerke.example": answer})


REPLIES = [
    ("no such address is final", at_recipient("550 5.1.1 no such user"), (True, False)),
    ("grey-listed: later", at_recipient("450 4.2.0 try again later"), (False, False)),
    ("a refused text is final", after_data("554 5.7.1 we do not like it"), (True, False)),
    ("a full disk: later", after_data("452 4.3.1 no space"), (False, False)),
    ("gone after the whole mail: in doubt", after_data("drop"), (False, True)),
    ("silent after the whole mail: in doubt", after_data("hang"), (False, True)),
]


@pytest.mark.parametrize(("sentence", "prepare", "meaning"), REPLIES, ids=[row[0] for row in REPLIES])
def test_what_a_mail_server_answers(
    sentence: str, prepare: Callable[[MailServer], None], meaning: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.alert.channels.email.CALL_SECONDS", 1.0)
    with mail_server() as server:
        prepare(server)
        with pytest.raises(DeliveryError) as caught:
            open_mail(server).send(alert(), None)
    assert (caught.value.permanent, caught.value.ambiguous) == meaning, sentence
    assert "@" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"smtp_port": 1}, {"smtp_host": "host.invalid"}, {"smtp_ca_file": "missing.pem"}])
def test_no_server_at_all_leaves_no_doubt(changes: dict[str, object]) -> None:
    about: dict[str, object] = {"smtp_host": "127.0.0.1", "smtp_port": 1, "smtp_security": "none"}
    with pytest.raises(DeliveryError) as caught:
        open_channel(MAIL, load_settings(**(about | changes))).send(alert(), None)
    assert (caught.value.permanent, caught.value.ambiguous) == (False, False)
    assert str(caught.value).startswith(f"smtp {(about | changes)['smtp_host']}:1: "), (
        "people look for it by its address"
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(watch=st.text(max_size=80) | st.sampled_from(["x\r\nBcc: all@example.org", "x\n\nbody", "ü" * 300]))
def test_no_header_can_be_smuggled_in(watch: str) -> None:
    channel = open_channel(MAIL, load_settings(smtp_host="127.0.0.1"))
    message = channel._message(alert(watch=watch), Sent(reference="<a@b>"), repeat=False)  # type: ignore[attr-defined]
    names = [line.partition(b":")[0] for line in message.as_bytes().partition(b"\r\n\r\n")[0].split(b"\r\n")]
    ours = {b"From", b"To", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Auto-Submitted"}
    ours |= {b"Content-Language", b"MIME-Version", b"Content-Type"}
    assert {name for name in names if not name.startswith(b" ")} == ours
