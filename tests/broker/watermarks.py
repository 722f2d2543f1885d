"""Where a partition begins and ends, asked of a broker that may be about to lead it."""

from time import monotonic, sleep

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

NOT_YET = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,
}
"""What is answered in the moment after a topic was made, or its leader moved."""


def watermarks(consumer: Consumer, place: TopicPartition, seconds: float = 30.0) -> tuple[int, int]:
    """Return the first offset of `place` and the one after its last, as the broker knows them; wait for a leader."""
    deadline = monotonic() + seconds
    while True:
        try:
            lowest, end = consumer.get_watermark_offsets(place, timeout=10, cached=False)
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or monotonic() > deadline:
                raise
            sleep(0.1)
        else:
            return int(lowest), int(end)
