"""A bare loop around librdkafka, on both sides: the floor."""

from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer

from benchmarks.runtimes.work import job, work


def main() -> None:
    """Consume, work, produce, flush, commit."""
    given = job()
    consumer = Consumer(
        {
            "bootstrap.servers": given.address,
            "group.id": given.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": given.address, "enable.idempotence": True, "acks": "all", "linger.ms": 5})
    consumer.subscribe([given.source])
    refused: list[Any] = []

    def report(error: Any, _message: Any) -> None:
        if error is not None:
            refused.append(error)

    while True:
        messages = consumer.consume(2000, timeout=0.1)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            if kept := work(message.value()):
                producer.produce(given.target, kept[1], kept[0], on_delivery=report)
        if messages:
            producer.flush()
            if refused:
                raise KafkaException(refused[0])
            consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
