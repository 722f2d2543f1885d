"""Settings: every environment variable Earshot reads, in one place. Secrets may come from files (`<NAME>_FILE`)."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import ConfigError
from schemas.topics import PREFIX

Port = Annotated[int, Field(ge=0, le=65535)]
Prefix = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{0,80}$")]
"""The beginning of a name on the broker; only what Kafka allows in the name of a topic."""
_MAIL = r"[^\s@<>\"\x00-\x1f\x7f-\U0010ffff]+@[^\s@<>\"\x00-\x1f]+"
_SENDER = re.compile(rf"{_MAIL}|[^<>\x00-\x1f]*<{_MAIL}>")
_BROKER = re.compile(r"(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII)


def _brokers(value: str) -> str:
    parts = [part.strip() for part in value.split(",")]
    found = [_BROKER.fullmatch(part) for part in parts]
    if not all(one and 0 < int(one["port"] or 9092) <= 65_535 for one in found):
        raise ValueError("must be the brokers as host:port, several with commas, such as kafka-1.example.org:9092")
    return ",".join(parts)


def _sender(value: str) -> str:
    """Return the sender of mails; a wrong one would be found out when the first alert cannot be sent."""
    if not _SENDER.fullmatch(value.strip()):
        raise ValueError("must be a mail address, such as earshot@example.org or Earshot <earshot@example.org>")
    return value.strip()


def _no_other(written: SecretStr, wanted: str, others: Mapping[str, str]) -> SecretStr:
    """Return a secret of Slack's, unless it begins as another kind does, which `others` say where to write."""
    value = written.get_secret_value()
    for beginning, where in others.items():
        if value.startswith(beginning):
            raise ValueError(f"must be {wanted}; what begins with {beginning} belongs in {where}")
    return written


def _bot_token(written: SecretStr) -> SecretStr:
    others = {"xapp-": "SLACK_APP_TOKEN", "https://": "SLACK_WEBHOOK_URL"}
    return _no_other(written, "a bot token, which begins with xoxb-", others)


def _app_token(written: SecretStr) -> SecretStr:
    others = {"xoxb-": "SLACK_BOT_TOKEN", "https://": "SLACK_WEBHOOK_URL"}
    return _no_other(written, "an app-level token, which begins with xapp-", others)


def _webhook_url(written: SecretStr) -> SecretStr:
    if (value := written.get_secret_value()) and not re.match(r"https?://[^\s/]", value):
        others = {"xapp-": "SLACK_APP_TOKEN", "xoxb-": "SLACK_BOT_TOKEN"}
        _no_other(written, "the address of an incoming webhook, which begins with https://", others)
        raise ValueError("must be the address of an incoming webhook, which begins with https://")
    return written


class Settings(BaseSettings):
    """Read from `EARSHOT_<NAME>`; Slack's variables keep the names everybody knows.

    `clock`: `wall` in production; `events` when a recorded log is replayed, so that time passes as it did then.
    `session_timeout` (seconds) is how long a killed worker's partitions stay orphaned. An `instance` is a name that no
    other process has and a restart keeps: a worker that is back within the session timeout has its partitions at once.
    `stuck_after` (seconds): a process that has work and gets nowhere for so long is not alive; after as long again it
    ends.
    `watches` is a watch file or a folder of them, which the worker follows; with `watches_from` topic the worker reads
    none and follows what `earshot watches apply` has published.
    `dead_ceiling`: the worker stops when more than this share of the latest `dead_ceiling_window` records of a
    partition, and at least `dead_ceiling_least`, cannot be processed; 1 is no ceiling.
    `state_dir`: where the worker keeps what it remembers, on disk and with `state_cache` MiB of cache; without it all
    of that is in memory. Each worker needs a directory of its own, which may be lost: the broker has it all.
    `sentiment_model`: a directory with a transformer that judges sentiment instead of the lexicons, in the
    `sentiment_languages` (codes with commas between them; empty is all).
    Ports of 0 are chosen by the operating system. Without a `group_prefix` it follows from `topic_prefix`.
    """

    model_config = SettingsConfigDict(env_prefix="EARSHOT_", frozen=True, extra="ignore")

    kafka: Annotated[str, AfterValidator(_brokers)] = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "SCRAM-SHA-512"
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_token_url: str = ""
    kafka_token_scope: str = ""
    kafka_token_ca_file: str = ""
    kafka_ca_file: str = ""
    kafka_cert_file: str = ""
    kafka_key_file: str = ""
    kafka_key_password: SecretStr = SecretStr("")
    topic_prefix: Annotated[Prefix, Field(min_length=1)] = PREFIX
    group_prefix: Prefix = ""
    partitions: Annotated[int, Field(ge=1, le=1000)] = 4
    replication: Annotated[int, Field(ge=1, le=7)] = 1
    session_timeout: Annotated[float, Field(ge=1, le=300)] = 6.0
    instance: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,200}$")] = ""

    stuck_after: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    dead_ceiling: Annotated[float, Field(gt=0, le=1)] = 0.5
    dead_ceiling_window: Annotated[int, Field(ge=1, le=10_000)] = 200
    dead_ceiling_least: Annotated[int, Field(ge=1, le=10_000)] = 50

    watches: Path = Path("watches.yml")
    watches_from: Literal["file", "topic"] = "file"
    sources: Path = Path("sources.yml")
    state: Path = Path(".earshot")
    state_dir: str = ""
    state_cache: Annotated[int, Field(ge=8, le=1_000_000)] = 128
    clock: Literal["wall", "events"] = "wall"
    lateness: Annotated[float, Field(ge=0, le=31_622_400)] = 3600.0
    sentiment_model: str = ""
    sentiment_languages: str = ""

    host: str = "127.0.0.1"
    metrics_port: Port = 0
    webhook_port: Port = 8080
    webhook_secrets: SecretStr = SecretStr("")
    webhook_window: Annotated[float, Field(gt=0, le=86_400)] = 300.0

    slack_bot_token: Annotated[SecretStr, AfterValidator(_bot_token)] = Field(
        SecretStr(""), validation_alias=AliasChoices("SLACK_BOT_TOKEN")
    )
    slack_app_token: Annotated[SecretStr, AfterValidator(_app_token)] = Field(
        SecretStr(""), validation_alias=AliasChoices("SLACK_APP_TOKEN")
    )
    slack_webhook_url: Annotated[SecretStr, AfterValidator(_webhook_url)] = Field(
        SecretStr(""), validation_alias=AliasChoices("SLACK_WEBHOOK_URL")
    )
    slack_api_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = "https://slack.com/api/"
    smtp_host: str = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: Annotated[str, AfterValidator(_sender)] = "earshot@localhost"
    smtp_ca_file: str = ""

    log: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def topic(self, name: str) -> str:
        """Return what the topic that the code calls `name` (see `schemas/topics.py`) is called on the broker."""
        return self.topic_prefix + name.removeprefix(PREFIX)

    def group(self, name: str) -> str:
        """Return the name on the broker of a consumer group, or the beginning of its transactional ids."""
        return (self.group_prefix or self.topic_prefix.rstrip("._-") + "-") + name


def _variable(name: str) -> str:
    field = Settings.model_fields.get(name)
    alias = field.validation_alias if field else None
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"EARSHOT_{name.upper()}"


def _from_files(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read `<VARIABLE>_FILE` for every setting that has one: the way containers hand over secrets."""
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        variable = _variable(name)
        if path := environment.get(f"{variable}_FILE"):
            try:
                values[variable if variable.startswith("SLACK") else name] = Path(path).read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(
                    f"cannot be read: {type(error).__name__}",
                    where=f"{variable}_FILE",
                    hint=f"it must name a readable text file that holds {variable}",
                ) from error
    return values


def misspelt(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that is no setting and looks like one, with the one that was probably meant.

    >>> list(misspelt({"EARSHOT_KAFAK": "kafka:9092", "EARSHOT_CONFIG": "./config", "EARSHOT_LOG": "json"}))
    [('EARSHOT_KAFAK', 'EARSHOT_KAFKA')]
    """
    known = {_variable(name) for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    bare = {name.removeprefix("EARSHOT_"): name for name in known}
    for name in sorted(environment):
        if name.startswith(("EARSHOT_", "SLACK_")) and name not in known:
            yield from (
                (name, bare[near]) for near in get_close_matches(name.removeprefix("EARSHOT_"), bare, n=1, cutoff=0.8)
            )


def load_settings(**overrides: Any) -> Settings:
    """Return the settings of this process; `overrides` win over files, files over the environment.

    Raises:
        ConfigError: a variable does not fit; the text names it and never repeats its value.
    """
    try:
        return Settings(**(_from_files(os.environ) | overrides))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0])
        where = name if name.startswith("SLACK") else _variable(name)
        said = (
            first["msg"].removeprefix("Value error, ").replace("Input should", "must").replace("String should", "must")
        )
        raise ConfigError(said, where=where, hint="correct this environment variable") from None
