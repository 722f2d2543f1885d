"""IDLE where the server says the go-ahead and the news in one packet: it must not be slept over."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from agents.ingest.mail.mailbox import Access, Mailbox


@pytest.fixture
def port() -> Iterator[int]:
    """A server that speaks just enough, and pushes a new mail together with the go-ahead."""
    server = socket.create_server(("127.0.0.1", 0))
    told = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n",
        "EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n* OK [UIDNEXT 1] ok\r\n",
        "LOGOUT": b"* BYE\r\n",
    }

    def serve() -> None:
        client, _ = server.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(b"* OK ready\r\n")
            tag = ""
            for line in lines:
                words = line.decode().split()
                if words == ["DONE"]:
                    client.sendall(f"{tag} OK idled\r\n".encode())
                    continue
                tag = words[0]
                if words[1] == "IDLE":
                    client.sendall(b"+ idling\r\n* 1 EXISTS\r\n")
                    continue
                client.sendall(told.get(words[1], b"") + f"{tag} OK done\r\n".encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.close()
    thread.join(10)


def test_news_in_the_packet_of_the_go_ahead_are_heard(port: int) -> None:
    with Mailbox(Access("127.0.0.1", port, "none", "u", "p", "INBOX")) as box:
        began = time.monotonic()
        box.idle(60)
    assert time.monotonic() - began < 30, "not when the minute is over"
