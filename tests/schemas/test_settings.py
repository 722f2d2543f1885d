"""Settings: where values come from, and that a wrong one is named without its value being shown."""

import os
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.settings import load_settings


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


def test_what_is_passed_in_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_PARTITIONS", "7")
    assert load_settings().partitions == 7
    assert load_settings(partitions=2).partitions == 2
