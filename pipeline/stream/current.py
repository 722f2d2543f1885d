"""What of a watch can be named at this moment: its silences and its incidents, the latest of them included.

Judge's state says what there was when judge last committed. What people have asked for since stands in
`earshot.mentions` behind that, and what they have been told since in `earshot.alerts`.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from enum import StrEnum

from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from agents.access import check_access
from agents.kafka import connect, read_to_end
from pipeline.alerts.silence import Hush, take
from pipeline.incidents.life import Life
from pipeline.stream.lookup import Known, lives
from pipeline.stream.relocate import home
from schemas.alert import Alert
from schemas.control import Silence, judged
from schemas.incident import IncidentState
from schemas.settings import Settings
from schemas.topics import MENTIONS

_OVER = (IncidentState.RESOLVED, IncidentState.CLOSED)
_MARK = b'"silence"'


class Named(StrEnum):
    """What somebody means who names an incident of a watch."""

    OPEN = "open"
    OVER = "over"
    ELSEWHERE = "elsewhere"
    """It is one of another watch."""
    UNKNOWN = "unknown"


def named(watch: str, incident: str, lives: Iterable[Life], told: Sequence[Alert] = ()) -> Named:
    """Return what is meant: of what judge knows and what people were `told` of that incident the newest counts."""
    known = [life.incident for life in lives if life.incident and life.incident.id == incident]
    known += [alert.incident for alert in told if alert.watch == watch]
    if known:
        newest = max(known, key=lambda one: one.revision)
        return Named.OVER if newest.state in _OVER else Named.OPEN
    return Named.ELSEWHERE if told else Named.UNKNOWN


def lives_of(settings: Settings, watch: str) -> tuple[Life, ...]:
    """Return the incidents of a watch, as judge knew them when it last committed; blocks.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or the topic is missing.
    """
    found = _known(settings, watch)
    return found.lives if found else ()


def silences(settings: Settings, watch: str) -> tuple[Hush, ...]:
    """Return the silences of a watch that are in force or to come, those of this moment included; blocks.

    Raises:
        NoBroker: none answers.
        ConfigError: the broker does not let us in, or the topic is missing.
    """
    topic = settings.topic(MENTIONS)
    partitions = check_access(settings, "control")[topic]
    known = _known(settings, watch)
    found = known.life.silences if known else ()
    place = TopicPartition(topic, home(watch, partitions))
    with closing(connect(KafkaConsumer, settings)) as consumer:
        # what judge has not taken in yet is little, unless it stands still: then it is much, and all is read
        for record in read_to_end(consumer, [place], begin=known.applied + 1 if known else 0):
            if record.key == watch.encode() and record.value and _MARK in record.value:
                found = _after(found, record.value)
    return found


def _after(silences: tuple[Hush, ...], record: bytes) -> tuple[Hush, ...]:
    try:
        said = judged.validate_json(record)
    except ValidationError:
        return silences  # judge sets it aside
    return take(silences, said) if isinstance(said, Silence) else silences


def _known(settings: Settings, watch: str) -> Known | None:
    return next((one for one in lives(settings, "control") if one.watch == watch), None)
