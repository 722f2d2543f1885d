"""Settings: where values come from, and that a wrong one is named without its value being shown."""

import os
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.settings import load_settings, misspelt


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("EARSHOT_", "SLACK_")):
            monkeypatch.delenv(name)


def test_without_any_variable_there_are_defaults() -> None:
    settings = load_settings()
    assert settings.kafka == "127.0.0.1:9092"
    assert settings.clock == "wall"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("EARSHOT_PARTITIONS", "0", id="fewer partitions than one"),
        pytest.param("EARSHOT_PARTITIONS", "many", id="a word for a number"),
        pytest.param("EARSHOT_CLOCK", "sundial", id="a clock that does not exist"),
        pytest.param("EARSHOT_METRICS_PORT", "70000", id="a port that does not exist"),
        pytest.param("EARSHOT_SMTP_SECURITY", "tsl", id="a misspelt kind of security"),
        pytest.param("EARSHOT_LATENESS", "-1", id="lateness before the event"),
        pytest.param("EARSHOT_LATENESS", "inf", id="lateness without an end"),
        pytest.param("EARSHOT_WEBHOOK_WINDOW", "1e999", id="a signature that is good for ever"),
        pytest.param("EARSHOT_SMTP_PORT", "0", id="a mail server's port that does not exist"),
        pytest.param("EARSHOT_SMTP_FROM", "Pressestelle", id="a sender without an address"),
        pytest.param("EARSHOT_SMTP_FROM", "a@b.example\nBcc: c@d.example", id="a sender of two lines"),
        pytest.param("EARSHOT_SMTP_FROM", "Müller@acme.example", id="a sender whom hardly any server takes"),
        pytest.param("EARSHOT_SLACK_API_URL", "slack.com", id="a web address without http"),
        pytest.param("SLACK_BOT_TOKEN", "xapp-1-s3cret", id="the other token of Slack"),
        pytest.param("SLACK_APP_TOKEN", "xoxb-s3cret", id="and the other way round"),
        pytest.param("SLACK_BOT_TOKEN", "https://hooks.slack.com/s3cret", id="an address for a token"),
        pytest.param("SLACK_WEBHOOK_URL", "hooks.slack.com/s3cret", id="an address without https"),
        pytest.param("SLACK_WEBHOOK_URL", "xoxb-s3cret", id="a token for an address"),
        pytest.param("EARSHOT_KAFKA", "", id="no broker"),
        pytest.param("EARSHOT_KAFKA", "kafka:9092,", id="a comma too many"),
        pytest.param("EARSHOT_KAFKA", "kafka:port", id="a broker's port that is no number"),
        pytest.param("EARSHOT_KAFKA", "kafka:0", id="a broker's port that does not exist"),
        pytest.param("EARSHOT_KAFKA", "https://kafka:9092", id="a web address for a broker"),
        pytest.param("EARSHOT_KAFKA_SASL_MECHANISM", "secret-word", id="an unknown mechanism"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.where == variable
    assert caught.value.hint
    assert f"'{value}'" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("sender", ["presse@acme.example", "Presse Müller <presse@acme.example>", "earshot@localhost"])
def test_a_sender_may_have_a_name(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    monkeypatch.setenv("EARSHOT_SMTP_FROM", sender)
    assert load_settings().smtp_from == sender


@pytest.mark.parametrize(
    ("variable", "field"),
    [("EARSHOT_SMTP_PASSWORD", "smtp_password"), ("SLACK_BOT_TOKEN", "slack_bot_token")],
)
def test_a_secret_may_come_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, field: str
) -> None:
    file = tmp_path / "secret"
    file.write_text("hush\n", "utf-8")
    monkeypatch.setenv(f"{variable}_FILE", str(file))
    settings = load_settings()
    assert getattr(settings, field).get_secret_value() == "hush"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["the file is not there", "the file is not text"])
def test_a_secret_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(file))
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert caught.value.where == "SLACK_BOT_TOKEN_FILE"
    assert "SLACK_BOT_TOKEN" in caught.value.hint


@pytest.mark.parametrize("written", ["kafka", "kafka:9092", "k-1.example.org:9093, k_2:9093", "[::1]:9092", "10.0.0.1"])
def test_brokers_are_taken_as_people_write_them(written: str) -> None:
    assert load_settings(kafka=written).kafka == written.replace(" ", "")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("EARSHOT_KAFAK", ["EARSHOT_KAFKA"]),
        ("EARSHOT_PARTITION", ["EARSHOT_PARTITIONS"]),
        ("EARSHOT_SMTP_PASWORD_FILE", ["EARSHOT_SMTP_PASSWORD_FILE"]),
        ("SLACK_BOT_TOKN", ["SLACK_BOT_TOKEN"]),
        ("EARSHOT_KAFKA", []),
        ("EARSHOT_KAFKA_PASSWORD_FILE", []),
        ("EARSHOT_CONFIG", []),
        ("EARSHOT_SECRETS", []),
        ("EARSHOT_IMAGE", []),
        ("EARSHOT_WEBHOOK_PUBLISH", []),
        ("EARSHOT_WORKER_MEMORY", []),
        ("EARSHOT_X_OPENAPI", []),
        ("EARSHOT_TEST_ALL", []),
        ("KAFAK", []),
    ],
)
def test_what_is_no_setting_and_looks_like_one_is_found(variable: str, meant: list[str]) -> None:
    assert list(misspelt({variable: "x"})) == [(variable, one) for one in meant]


def test_what_is_passed_in_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_PARTITIONS", "7")
    assert load_settings().partitions == 7
    assert load_settings(partitions=2).partitions == 2
