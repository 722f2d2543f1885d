"""What docs/watches.md shows of rules is what Earshot takes: each kind has an example, and each example is right."""

import re
from pathlib import Path

import pytest
import yaml

from cli.counting import read_rule
from pipeline.detect import arm_rule, detectors
from schemas.watch import Rule

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "watches.md").read_text("utf-8")
ROWS = dict(
    re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", PAGE[PAGE.index("## Rules") : PAGE.index("## Relevance")], re.MULTILINE)
)


def test_every_kind_of_rule_has_a_row() -> None:
    assert set(ROWS) == set(detectors())


@pytest.mark.parametrize("kind", sorted(detectors()))
def test_its_example_is_a_rule_and_its_settings_are_told_of(kind: str) -> None:
    [example] = re.findall(r"`(\{kind: .*\})`", ROWS[kind])
    rule = Rule.model_validate(yaml.safe_load(example))
    assert arm_rule(rule, "one").kind == kind
    fields = detectors()[kind].Config.model_fields
    names = {field.alias or name for name, field in fields.items()}
    assert {name for name in names if f"`{name}`" not in ROWS[kind] and f"{name}:" not in example} == set()


def test_the_rule_that_ships_holds_the_defaults() -> None:
    config = read_rule(ROOT / "examples" / "rules" / "unusual-volume.yml").config
    assert config == detectors()["unusual-volume"].Config()
