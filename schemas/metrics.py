"""The catalogue of every Prometheus metric: name, kind, labels, and what it means. Base units are seconds and bytes."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The Prometheus type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Counters get `_total` from the Prometheus client. `buckets` are for histograms."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

EVENTS_INGESTED = Metric("earshot_events_ingested", _COUNTER, "Events the broker acknowledged.", ("source", "platform"))
SOURCE_ERRORS = Metric(
    "earshot_source_errors", _COUNTER, "Failed attempts to read a source, by what it was.", ("source", "kind")
)
SOURCE_SPENT = Metric(
    "earshot_source_spent", _GAUGE, "What a source has spent in this day or month.", ("source", "unit", "period")
)
SOURCE_HEARD = Metric(
    "earshot_source_heard_timestamp_seconds", _GAUGE, "When a source last answered, or rested as told.", ("source",)
)
SOURCE_BUDGET = Metric(
    "earshot_source_budget_left", _GAUGE, "What a source may still spend before it stops to read.", ("source", "unit")
)
SOURCE_QUOTA = Metric("earshot_source_quota_left", _GAUGE, "Calls that a platform still allows a source.", ("source",))
SOURCE_TOKEN = Metric(
    "earshot_source_token_expires_timestamp_seconds", _GAUGE, "When the token of a source expires.", ("source",)
)
SOURCE_EVENT = Metric(
    "earshot_source_event_timestamp_seconds", _GAUGE, "When the latest event of a source was posted.", ("source",)
)
SOURCE_GAPS = Metric("earshot_source_gaps", _COUNTER, "Resumes that were not exact.", ("source",))
LEASES_RENEWED = Metric(
    "earshot_leases_renewed", _COUNTER, "Times that the client of the leases stood still and was replaced."
)
WEBHOOK_REQUESTS = Metric("earshot_webhook_requests", _COUNTER, "Webhook requests by HTTP status.", ("status",))
INGEST_QUEUE_AGE = Metric(
    "earshot_ingest_queue_age_seconds", _GAUGE, "Age of the oldest record that waits for the broker.", ()
)
INGEST_QUEUE_BYTES = Metric("earshot_ingest_queue_bytes", _GAUGE, "Bytes of the records that wait for the broker.", ())
EVENTS_READ = Metric("earshot_events_read", _COUNTER, "Events that listen read.", ("platform",))
MATCHES = Metric("earshot_matches", _COUNTER, "Matches that listen wrote.", ("watch",))
FOLDS = Metric("earshot_folds", _COUNTER, "Matches folded into a story that was already known.", ("watch",))
STORIES = Metric("earshot_stories", _COUNTER, "Stories begun.", ("watch",))
DECISIONS = Metric(
    "earshot_decisions",
    _COUNTER,
    "What was decided about matches: by judge, and by delivery what a shared budget holds (over-budget, per address).",
    ("decision",),
)
SHADOW_TRIPS = Metric(
    "earshot_shadow_trips", _COUNTER, "Times that a rule which is only tried would have tripped.", ("watch", "rule")
)
INCIDENTS_OPEN = Metric("earshot_incidents_open", _GAUGE, "Incidents that are not resolved.", ("watch",))
ALERTS_MADE = Metric("earshot_alerts", _COUNTER, "Alerts that judge wrote.", ("watch", "reason"))
WATCHES_MATCHED = Metric("earshot_watches", _GAUGE, "Watches that this worker matches with.")
WATCHES_CHANGED = Metric(
    "earshot_watches_changed_timestamp_seconds", _GAUGE, "When this worker last began to match with changed watches."
)
WATCHES_WRONG = Metric(
    "earshot_watches_wrong",
    _GAUGE,
    "Watches with a mistake, by owner: the last good version is kept. Told by the worker that publishes them.",
    ("watch", "owner"),
)
DEAD_RECORDS = Metric("earshot_dead_records", _COUNTER, "Records sent to the dead topic.", ("reason",))
LAG = Metric("earshot_consumer_lag", _GAUGE, "Records not yet processed.", ("group", "topic", "partition"))
COMMIT_AGE = Metric(
    "earshot_commit_age_seconds",
    _GAUGE,
    "For how long records have waited without any of them being committed; a broker that is away does not count.",
    ("group", "topic", "partition"),
)
BATCH_SECONDS = Metric(
    "earshot_batch_seconds", _HISTOGRAM, "Time from a batch's arrival to its acknowledgement.", ("stage",), _SECONDS
)
CLOCK_LEAP = Metric(
    "earshot_clock_leap_seconds",
    _GAUGE,
    "By how much the machine's clock is ahead of the time that the process goes by.",
    (),
)
STATE_BYTES = Metric(
    "earshot_state_bytes", _GAUGE, "Bytes of state on disk, and of what RocksDB holds of it in memory.", ("where",)
)
TICK_AGE = Metric("earshot_tick_timestamp_seconds", _GAUGE, "The time that judge last took from a tick.", ())
DELIVERIES = Metric(
    "earshot_deliveries",
    _COUNTER,
    "Attempts to deliver, by outcome (sent, retry, dead), what waits for a digest (held), and messages from"
    " which a deleted post was taken out (redacted), or could not be (not-redacted), or that came to say who has taken"
    " their incident (marked), or did not (not-marked).",
    ("channel", "outcome"),
)
BUTTONS = Metric(
    "earshot_buttons", _COUNTER, "Buttons pressed below messages, and what became of it.", ("button", "outcome")
)
BUTTONS_HEARD = Metric("earshot_buttons_heard", _GAUGE, "Whether Slack would tell this process of a button: 1, else 0.")
DELIVERY_QUEUE_AGE = Metric(
    "earshot_delivery_queue_age_seconds", _GAUGE, "Age of the oldest delivery that waits.", ("channel",)
)
SEEN_TO_ACCEPTED = Metric(
    "earshot_seen_to_accepted_seconds",
    _HISTOGRAM,
    "From the moment the causing event was seen to the moment the service accepted the alert.",
    ("channel",),
    _SECONDS,
)

CATALOGUE: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
