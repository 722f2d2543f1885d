"""Where the partitions end, asked of the broker itself: what a consumer that has stopped fetching cannot know."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from agents.kafka import confluent_config
from schemas.settings import Settings

EVERY_SECONDS = 10.0
ANSWER_SECONDS = 5.0


async def follow_ends(settings: Settings, mine: Callable[[], Iterable[Any]], ends: dict[Any, int]) -> None:
    """Keep in `ends` the end of every partition that `mine()` names, as far as a broker tells, until cancelled."""
    client = AdminClient(confluent_config(settings), logger=logging.getLogger("librdkafka"))
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        found = await asyncio.to_thread(_ask, client, list(mine()))
        ends.clear()
        ends.update(found)


def _ask(client: AdminClient, places: list[Any]) -> dict[Any, int]:
    """Return the ends that the broker tells; blocks."""
    if not places:
        return {}
    latest: Any = OffsetSpec.latest  # the client's own types leave it out
    asked = {TopicPartition(tp.topic, tp.partition): tp for tp in places}
    answers = client.list_offsets({place: latest() for place in asked}, request_timeout=ANSWER_SECONDS)
    found = {}
    for place, answer in answers.items():
        try:
            found[asked[place]] = int(answer.result().offset)
        except KafkaException:
            continue  # it has no leader at the moment, or no broker answers
    return found
