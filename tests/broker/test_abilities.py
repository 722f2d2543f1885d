"""What the embedded broker cannot do is tried on both: that Kafka can is what makes the attempts worth something."""

import pytest

from tests.broker.abilities import Ability
from tests.broker.brokers import ROOT, Broker

EACH = [pytest.param(ability, marks=pytest.mark.needs(ability), id=ability.name.lower()) for ability in Ability]


@pytest.mark.broker
@pytest.mark.parametrize("ability", EACH)
def test_it_can(broker: Broker, ability: Ability) -> None:
    ability.attempt(broker)


def test_the_table_of_the_docs_names_each() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## The embedded broker")[2].partition("\n## ")[0]
    told = [row.split(" | ")[0].removeprefix("| ") for row in table.splitlines() if row.startswith("| ")][1:]
    assert told == [ability.value for ability in Ability]
