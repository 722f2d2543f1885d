"""Addresses, and what answers at them without being Kafka; real brokers are asked in tests/broker/test_secured.py."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.refusal import Address, listening, refusal
from schemas.settings import load_settings


@contextmanager
def answering(answer: bytes) -> Iterator[Address]:
    """Listen, and answer whatever is said with the same, until the context ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with server.accept()[0] as guest:
                    guest.settimeout(1)
                    if guest.recv(1000):
                        guest.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address = Address("127.0.0.1", server.getsockname()[1])
        try:
            yield address
        finally:
            over.set()
            address.connect().close()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "it hangs up"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server"),
        (b"\0\0\0\x06\0\0\0\x01\0\0", "too short an answer"),
        (b"\0\0\0\x0a\0\0\0\x01\0\0\0\0\0\x09", "an answer that is cut off"),
    ],
)
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
def test_what_is_not_kafka_is_not_explained(answer: bytes, sentence: str, protocol: str) -> None:
    with answering(answer) as address:
        settings = load_settings(kafka=str(address), kafka_security_protocol=protocol, kafka_username="u")
        assert listening(settings) == address
        found = refusal(address, settings)
    assert found is None or "does not speak TLS" in str(found), sentence


def test_the_first_that_listens_is_asked() -> None:
    with answering(b"") as address:
        assert listening(load_settings(kafka=f"127.0.0.1:1, {address}")) == address
    assert listening(load_settings(kafka="127.0.0.1:1,[::1]:1,nosuch.invalid:9092")) is None
