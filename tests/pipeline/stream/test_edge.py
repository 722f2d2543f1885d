"""The small parts at the edge of the stream: how Faust is told to log in, the version of a watch, and a sparing log."""

import logging
import ssl

import pytest
from yarl import URL

from pipeline.stream.connect import faust_settings
from pipeline.stream.quiet import Sparing
from schemas.settings import load_settings

LOGINS: list[tuple[str, dict[str, str], tuple[str, str | None] | None, str]] = [
    ("PLAINTEXT", {}, None, "nothing to tell"),
    ("SSL", {}, ("SSL", None), "encrypted, without a name"),
    ("SASL_PLAINTEXT", {}, ("SASL_PLAINTEXT", "worker"), "a name, not encrypted"),
    ("SASL_SSL", {}, ("SASL_SSL", "worker"), "both"),
    ("SASL_PLAINTEXT", {"kafka_sasl_mechanism": "OAUTHBEARER"}, ("SASL_PLAINTEXT", None), "a token, not encrypted"),
    ("SASL_SSL", {"kafka_sasl_mechanism": "OAUTHBEARER"}, ("SASL_SSL", None), "a token, encrypted"),
]


@pytest.mark.parametrize(("protocol", "more", "expected", "sentence"), LOGINS)
def test_faust_logs_in_as_the_settings_say(
    protocol: str, more: dict[str, str], expected: tuple[str, str | None] | None, sentence: str
) -> None:
    settings = load_settings(kafka_security_protocol=protocol, kafka_username="worker", kafka_password="pw", **more)
    found = faust_settings(settings)["broker_credentials"]
    seen = None if found is None else (found.protocol.value, getattr(found, "username", None))
    assert seen == expected, sentence
    if protocol == "SASL_SSL":
        assert isinstance(found.ssl_context, ssl.SSLContext)


def test_every_broker_gets_our_scheme() -> None:
    told = faust_settings(load_settings(kafka="one:9092,two:9093", session_timeout=7))
    assert told["broker"] == [URL("earshot://one:9092"), URL("earshot://two:9093")]
    assert told["broker_session_timeout"] == 7


def test_a_client_that_repeats_itself_is_heard_once() -> None:
    sparing = Sparing()

    def passes(name: str, line: int, *arguments: object) -> bool:
        return sparing.filter(logging.LogRecord(name, logging.ERROR, "client.py", line, "away: %s", arguments, None))

    assert passes("aiokafka.conn", 1, "a")
    assert not passes("aiokafka.conn", 1, "b"), "the same message with something else filled in"
    assert passes("aiokafka.conn", 2, "a"), "another message"
    assert passes("pipeline.stream.app", 1)
    assert passes("pipeline.stream.app", 1), "ours are never kept back"
