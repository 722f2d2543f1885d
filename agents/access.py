"""What a process finds out before it starts: that the broker lets it in, has its topics, and allows what it needs.

Kafka tells whoever asks which operations it may perform. So a missing right is said at start in one line, not found
out at night by a client that tries again for ever.
"""

from contextlib import closing
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError, for_code

from agents.kafka import answering, connect
from schemas.acls import Acl, acls
from schemas.errors import ConfigError
from schemas.settings import Settings
from schemas.topics import TOPICS

SECONDS = 10.0


def check_access(settings: Settings, process: str) -> dict[str, int]:
    """Return the number of partitions of each topic that `process` uses, by its name on the broker; blocks.

    Raises:
        NoBroker: none answers, or no longer.
        ConfigError: the broker does not let us in, a topic is missing, or a right is.
    """
    wanted = acls(process, settings)
    with answering(settings), closing(connect(KafkaAdminClient, settings, SECONDS)) as client:
        found = {topic["name"]: topic for topic in client.describe_topics(sorted(_topics(wanted, settings)))}
        for name, operations in _topics(wanted, settings).items():
            _check_topic(found[name], operations, settings)
        if any(topic.get("authorized_operations") for topic in found.values()):
            _check_groups(client, [acl for acl in wanted if acl.kind == "group"], settings)
        return {name: len(topic["partitions"]) for name, topic in found.items()}


def _topics(wanted: tuple[Acl, ...], settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return what has to be allowed on each topic."""
    names = [settings.topic(topic.name) for topic in TOPICS]
    return {
        name: acl.operations
        for acl in wanted
        if acl.kind == "topic"
        for name in names
        if name == acl.name or (acl.prefixed and name.startswith(acl.name))
    }


def _check_topic(topic: dict[str, Any], operations: tuple[str, ...], settings: Settings) -> None:
    name, error = topic["name"], for_code(topic["error_code"])
    if error is TopicAuthorizationFailedError:
        raise _not_allowed(f"topic {name}", operations, settings)
    if topic["error_code"]:
        raise ConfigError(
            f"topic {name} is missing ({error.__name__})",
            where="EARSHOT_TOPIC_PREFIX",
            hint="run: earshot topics apply; or have it created as `earshot topics check` says",
        )
    _check(f"topic {name}", operations, topic.get("authorized_operations"), settings)


def _check_groups(client: KafkaAdminClient, wanted: list[Acl], settings: Settings) -> None:
    for acl in wanted:
        try:
            group = client.describe_groups([acl.name])[acl.name]
        except GroupAuthorizationFailedError:
            raise _not_allowed(f"group {acl.name}", acl.operations, settings) from None
        except KafkaError:
            continue  # it is not said that we may not: a coordinator that is not up yet, or an older broker
        _check(f"group {acl.name}", acl.operations, group.get("authorized_operations"), settings)


def _check(resource: str, operations: tuple[str, ...], allowed: list[str] | None, settings: Settings) -> None:
    """Compare; a broker that does not tell is believed."""
    missing = tuple(one for one in operations if allowed and _constant(one) not in allowed)
    if missing:
        raise _not_allowed(resource, missing, settings)


def _constant(operation: str) -> str:
    return {"DescribeConfigs": "DESCRIBE_CONFIGS"}.get(operation, operation.upper())


def _not_allowed(resource: str, operations: tuple[str, ...], settings: Settings) -> ConfigError:
    who = settings.kafka_username or "the owner of our certificate"
    return ConfigError(
        f"{who} may not {' and '.join(operations)} on {resource}",
        where=settings.kafka,
        hint="`earshot topics acls` shows what each process must be allowed",
    )
