"""The layout in its topic: who has state compares it at start, so that no state is ever looked for in the wrong place.

Kafka lets anybody raise the number of partitions of a topic, and from that moment keys go elsewhere. A worker that
went on would judge known watches as if it had never heard of them.
"""

from contextlib import closing

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from agents.kafka import answering, connect, kafka_python_config, read_to_end
from agents.strays import Stray, ours, warn
from schemas.errors import ConfigError
from schemas.layout import Layout
from schemas.settings import Settings
from schemas.topics import LAYOUT

_KEY = b"layout"


def read_layout(settings: Settings) -> int | None:
    """Return for how many partitions the state is laid out, None before there is any; blocks.

    A record that is not ours is left out: partitions are only ever added, so an earlier layout that fits the topics
    is the last one.

    Raises:
        ConfigError: no broker answers, or the layout has been written over.
    """
    topic = settings.topic(LAYOUT)
    with answering(settings), closing(connect(KafkaConsumer, settings)) as consumer:
        records = list(read_to_end(consumer, [TopicPartition(topic, 0)]))
    strays: list[Stray] = []
    layouts = [one for record in records if (one := ours(Layout.from_bytes, record, strays.append))]
    for stray in strays:
        warn(stray)
    found = layouts[-1].partitions if layouts else None
    over = next((stray for stray in reversed(strays) if stray.key == _KEY), None)
    if found is None and over is not None:
        raise ConfigError(
            f"the layout is written over by a record that is not ours, at offset {over.offset}",
            where=topic,
            hint='write {"partitions": N} under the key layout, N being how many the topics had when all was well',
        )
    return found


def write_layout(settings: Settings, partitions: int) -> None:
    """Note that from now on the state is laid out for `partitions`; blocks.

    Raises:
        NoBroker: none answers any more.
        kafka.errors.KafkaError: the broker did not take it.
    """
    with answering(settings), closing(KafkaProducer(**kafka_python_config(settings))) as producer:
        record = Layout(partitions=partitions).to_bytes()
        producer.send(settings.topic(LAYOUT), record, key=_KEY, partition=0).get(timeout=30)


def check_layout(settings: Settings, partitions: int) -> bool:
    """Tell whether there is a layout; blocks.

    Raises:
        ConfigError: it is for another number than `partitions`, which the topics have.
    """
    laid_out = read_layout(settings)
    if laid_out not in {None, partitions}:
        raise ConfigError(
            f"the state lies in {laid_out} partitions, the topics have {partitions}",
            where=settings.topic(LAYOUT),
            hint=f"stop all processes of Earshot and run: earshot topics raise {partitions}",
        )
    return laid_out is not None
