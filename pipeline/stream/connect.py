"""What Faust is told: where the brokers are, how to log in, and which of its features stay off."""

from typing import Any

from faust import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT
from yarl import URL

from agents.tls import tls_context
from agents.token import AiokafkaTokens, tokens
from pipeline.stream.transport import SCHEME
from schemas.settings import Settings

COMMIT_SECONDS = 1.0
BEATS = 6
"""Heartbeats in a session: by the next one a member learns that another has come or gone."""
METADATA_SECONDS = 3.0
"""How old may be what a consumer knows of the cluster: aiokafka asks a former leader for offsets until that is over."""
_QUEUED_BATCHES = 4
"""How many batches wait for a stage: what a rebalance has to sit out, and what memory holds of a backlog."""
_BATCH_RECORDS = 4000
"""Of one partition at most; about what a fetch of a megabyte holds."""


def faust_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings of both Faust apps; everything that this release does wrong is switched off."""
    session = settings.session_timeout
    return {
        "broker": [URL(f"{SCHEME}://{address}") for address in settings.kafka.split(",")],
        "broker_credentials": _credentials(settings),
        "broker_session_timeout": session,
        "broker_heartbeat_interval": session / BEATS,
        "broker_rebalance_timeout": session,
        "broker_request_timeout": max(60.0, session),
        "broker_commit_interval": COMMIT_SECONDS,
        "broker_max_poll_records": _BATCH_RECORDS,
        "consumer_auto_offset_reset": "earliest",
        "consumer_metadata_max_age_ms": int(METADATA_SECONDS * 1000),
        "consumer_group_instance_id": settings.instance or None,
        "store": "memory://",
        "stream_buffer_maxsize": _QUEUED_BATCHES,
        "stream_wait_empty": True,
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_partitions": settings.partitions,
        "topic_disable_leader": True,
        "web_enabled": False,
    }


def _credentials(settings: Settings) -> CredentialsT | None:
    """Return how to log in, None for a plain connection."""
    protocol = settings.kafka_security_protocol
    context = tls_context(settings) if protocol.endswith("SSL") else None
    if not protocol.startswith("SASL"):
        return SSLCredentials(context) if context else None
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        return OAuthCredentials(oauth_cb=AiokafkaTokens(tokens(settings)), ssl_context=context)
    return SASLCredentials(
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        mechanism=settings.kafka_sasl_mechanism,
        ssl_context=context,
    )
