"""How the demo sets up its processes: nothing of the user's settings reaches them, except a Slack of their own."""

import os
from pathlib import Path

import pytest

from cli import play
from cli.play import Play
from cli.standin import StandIn
from schemas.settings import Settings, load_settings

STANDIN = StandIn("http://127.0.0.1:1", "xoxb-stand-in", 2525)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("EARSHOT_", "SLACK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EARSHOT_KAFKA", "production:9092")
    monkeypatch.setenv("EARSHOT_SMTP_PASSWORD_FILE", "/dev/null")


def configured(tmp_path: Path) -> Settings:
    return Play(load_settings(), 3600)._configure("127.0.0.1:9", STANDIN, tmp_path)


def in_a_child(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings that a process reads in the environment which the demo gives it."""
    environment = play._environment(settings)
    for name in os.environ.keys() - environment.keys():
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_a_process_reads_just_what_the_demo_has_decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured(tmp_path)
    assert (settings.kafka, settings.clock, settings.smtp_port) == ("127.0.0.1:9", "events", 2525)
    assert settings.slack_bot_token.get_secret_value() == "xoxb-stand-in"
    child = in_a_child(settings, monkeypatch)
    assert child == settings
    assert "EARSHOT_SMTP_PASSWORD_FILE" not in os.environ


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SLACK_BOT_TOKEN", "xoxb-the-users-own"), ("SLACK_WEBHOOK_URL", "https://the-users-own.example")],
)
def test_a_slack_of_the_users_own_is_used_and_mail_still_goes_to_the_inbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-the-users-own")
    child = in_a_child(configured(tmp_path), monkeypatch)
    assert getattr(child, variable.lower()).get_secret_value() == value
    assert child.slack_api_url == "https://slack.com/api/"
    assert not child.slack_app_token.get_secret_value(), "what is played is years ago: no buttons"
    assert (child.smtp_host, child.smtp_port) == ("127.0.0.1", 2525)


def test_the_replay_runs_at_the_speed_that_is_asked_for(tmp_path: Path) -> None:
    from agents.ingest.source import load_sources

    [source] = load_sources(configured(tmp_path))
    assert source.config.speed == 3600
    source.prepare()
