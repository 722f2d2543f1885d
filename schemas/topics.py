"""The topics: name, key, what they hold, how long it is kept. `earshot topics apply` makes the broker agree.

The names here are those that code and docs use. On the broker `earshot.` is whatever prefix the settings say:
whoever talks to a broker asks `Settings.topic`.
"""

from dataclasses import dataclass

from schemas.retention import KEPT_AT_MOST_HOURS

PLATFORM_RETENTION_HOURS: dict[str, int] = {
    "bluesky": 168,
    "facebook": 168,
    "googleplus": 168,
    "hackernews": 168,
    "instagram": 168,
    "linkedin": 12,
    "mastodon": 168,
    "reddit": 48,
    "threads": 168,
    "web": 168,
    "x": 168,
    "xing": 168,
    "youtube": 168,
    "other": 168,
}
"""How long raw events of each platform are kept, in hours.

LinkedIn's terms allow 48 (see retention.py). A raw event may be matched at the end of its time, and then its words stay
as long again as `earshot.mentions` is kept: both together keep to the terms. What is older can be pulled again.
"""

PREFIX = "earshot."
RAW_PREFIX = "earshot.raw."
MENTIONS = "earshot.mentions"
ALERTS = "earshot.alerts"
RECEIPTS = "earshot.receipts"
CHECKPOINTS = "earshot.checkpoints"
LEASES = "earshot.leases"
DELIVERIES = "earshot.deliveries"
DEAD = "earshot.dead"
LAYOUT = "earshot.layout"
NO_ALERTS = frozenset({b"gone", b"taken"})
"""The keys under which judge tells delivery, in the topic of alerts, what to change in messages that were sent."""
WATCHES = "earshot.watches"
JUDGE_CHANGELOG = "earshot.judge"

STRICT_HOURS = 2
"""How much earlier a strict topic lets go: its segments last an hour, and a broker looks every few minutes."""
_HOUR = 3_600_000

MAX_RAW_BYTES = 1_048_576
"""A larger event is not read but sent to the dead topic."""
MAX_RECORD_BYTES = 16_777_216
"""What the raw topics accept at all, so that an oversized event is heard of instead of refused."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `keyed_by` is for people; `hours` None keeps the last record of every key (compacted) forever.

    `strict` where nothing may stay longer than `hours`: a broker deletes whole segments, and by itself begins a new one
    but once a week, so a quiet topic would keep its records for days beyond their time.
    `partitioned` topics have as many partitions as the settings say, the others one.
    """

    name: str
    keyed_by: str
    hours: int | None
    partitioned: bool = True
    max_bytes: int = 1_048_576
    strict: bool = False

    def config(self) -> dict[str, str]:
        """Return the broker's settings of this topic."""
        if self.hours is None:
            kept = {"cleanup.policy": "compact"}
        else:
            hours = self.hours - STRICT_HOURS if self.strict else self.hours
            kept = {"cleanup.policy": "delete", "retention.ms": str(hours * _HOUR)}
        if self.strict:
            kept["segment.ms"] = str(_HOUR)
        return kept | {"max.message.bytes": str(self.max_bytes), "message.timestamp.type": "LogAppendTime"}


def raw_topic(platform: str) -> str:
    """Return the topic of a platform's events; what we do not know goes to `earshot.raw.other`."""
    return f"{RAW_PREFIX}{platform if platform in PLATFORM_RETENTION_HOURS else 'other'}"


RAW_TOPICS = tuple(raw_topic(platform) for platform in PLATFORM_RETENTION_HOURS)

TOPICS: tuple[Topic, ...] = (
    *(
        Topic(
            raw_topic(platform),
            "platform:native_id",
            hours,
            max_bytes=MAX_RECORD_BYTES,
            strict=platform in KEPT_AT_MOST_HOURS,
        )
        for platform, hours in PLATFORM_RETENTION_HOURS.items()
    ),
    Topic(MENTIONS, "watch", 36, strict=True),
    Topic(ALERTS, "incident", 720),
    Topic(RECEIPTS, "mention", 48),
    Topic(CHECKPOINTS, "source", None, partitioned=False),
    Topic(LEASES, "nothing", 1),
    Topic(DELIVERIES, "delivery", None),
    Topic(DEAD, "topic/partition/offset", 720, partitioned=False),
    Topic(LAYOUT, "nothing", None, partitioned=False),
    Topic(WATCHES, "watch or list", None, partitioned=False, max_bytes=MAX_RECORD_BYTES),
    Topic(JUDGE_CHANGELOG, "watch and part", None, max_bytes=MAX_RECORD_BYTES),
)
