"""A loop with kafka-python on both sides."""

from kafka import KafkaConsumer, KafkaProducer

from benchmarks.runtimes.work import job, work


def main() -> None:
    """Consume, work, produce, await the acknowledgements, commit."""
    given = job()
    consumer = KafkaConsumer(
        given.source,
        bootstrap_servers=given.address,
        group_id=given.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = KafkaProducer(
        bootstrap_servers=given.address, acks="all", enable_idempotence=True, linger_ms=5, batch_size=262_144
    )
    while True:
        batches = consumer.poll(timeout_ms=500, max_records=2000)
        sends = [
            producer.send(given.target, kept[1], key=kept[0])
            for records in batches.values()
            for record in records
            if (kept := work(record.value))
        ]
        if batches:
            producer.flush()
            for send in sends:
                send.get()
            consumer.commit()


if __name__ == "__main__":
    main()
