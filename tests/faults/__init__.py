"""What is broken on purpose: traffic through the whole product while a seeded plan kills, freezes and cuts its parts.

    python -m tests.faults --faults 200 --nodes 3 --seed 7

`world` says what is posted, `scenario` what is broken and when: both follow from the seed alone. `run` lets both loose
on real processes and a real Kafka. `checker` compares what came of it with what was posted, and knows nothing else.
"""
