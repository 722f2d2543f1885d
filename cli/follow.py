"""Following the topics of a run without a consumer group, so that looking changes nothing."""

import threading
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from agents.kafka import confluent_config
from cli.progress import Progress
from schemas.errors import EarshotError
from schemas.settings import Settings
from schemas.topics import ALERTS, DELIVERIES, MENTIONS, RAW_TOPICS, RECEIPTS

FOLLOWED = (*RAW_TOPICS, MENTIONS, RECEIPTS, ALERTS, DELIVERIES)


class Follower:
    """A thread that feeds what the topics hold, from the beginning on, into a `Progress`.

    `lock` is held while it does; take it to read more than one thing. `failure` is why it has given up, if it has.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self.progress = progress
        self.lock = threading.Lock()
        self.failure: EarshotError | None = None
        self._stop = threading.Event()
        self._consumer = Consumer(
            # librdkafka wants a group's name even where none is joined
            {**confluent_config(settings), "group.id": "earshot-follow", "enable.auto.commit": False}
        )
        self._consumer.assign(
            [TopicPartition(topic, number, 0) for topic in FOLLOWED for number in range(settings.partitions)]
        )
        self._thread = threading.Thread(target=self._run, name="follow", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._add(self._consumer.consume(5000, timeout=0.2))
            except ValueError as error:  # a record that is not ours: pydantic's errors are ValueErrors
                self.failure = EarshotError(f"a topic holds a record that is not ours ({type(error).__name__})")
                return

    def _add(self, messages: Iterable[Message]) -> None:
        with self.lock:
            for message in messages:
                error = message.error()
                value = message.value()
                if error is None and value is not None:
                    self.progress.add(str(message.topic()), int(message.partition() or 0), value)
                elif error is not None and error.code() == KafkaError._ALL_BROKERS_DOWN:
                    self.failure = EarshotError("the broker no longer answers")
