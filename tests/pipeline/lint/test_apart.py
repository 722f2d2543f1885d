"""What `earshot check` wonders about and refuses where a watch tells its incidents apart; and the example does so."""

from pathlib import Path

import pytest

from pipeline.check import findings as mistakes
from pipeline.check import load_watches
from pipeline.offline.prove import prove
from tests.pipeline.lint.test_lint import HEAD, files, findings

EXAMPLE = Path(__file__).parents[3] / "examples/groups/watches.yml"


def written(more: str, rules: str = "") -> str:
    head = HEAD.format(id="one", query="Bahn")
    head = head.replace("[{kind: count, threshold: 10, window: 1h}]", rules) if rules else head
    return f"watches:\n{head}{more}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param("    group_by: [platform]\n", "counts the whole watch: its incident belongs to no", id="no per"),
        pytest.param(
            "    inhibit: [{source: severity=crisis, target: kind=every, equal: [story]}]\n",
            "story must be equal, and no incident of this watch has one: it never holds anything back",
            id="a label that no incident has",
        ),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant(more: str, said: str) -> None:
    assert said in "\n".join(what for rule, _, what in findings(files(text=written(more))) if rule == "apart")


@pytest.mark.parametrize(
    "more",
    [
        "",
        "    group_by: [entity]\n",
        "    inhibit: [{source: severity=crisis, target: [kind=every, rule!=x], equal: [entity, watch]}]\n",
        "    group_by: [story]\n    inhibit: [{source: severity=crisis, target: kind=every, equal: [story]}]\n",
    ],
)
def test_what_is_meant(more: str) -> None:
    found = files(text=written(more, "[{kind: count, threshold: 9, window: 1h, per: story}]"))
    assert [what for rule, _, what in findings(found) if rule == "apart"] == []


@pytest.mark.parametrize(
    ("more", "rules", "said"),
    [
        ("    group_by: [entitty]\n", "", "entity"),
        ("    group_by: [story, story]\n", "", "something stands here twice"),
        ("    inhibit: [{source: severity, target: kind=every}]\n", "", "is no matcher"),
        ("    inhibit: [{source: sevrity=x, target: kind=every}]\n", "", "did you mean `severity`"),
        ("    inhibit: [{source: severity=crisis}]\n", "", "target"),
        ("", "[{kind: count, threshold: 9, window: 1h, per: entity}]", "write `group_by: [entity]` in the watch"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(more: str, rules: str, said: str) -> None:
    (error,) = mistakes(written(more, rules), "w.yml")
    assert said in str(error)
    assert str(error).startswith("w.yml:")


def test_what_a_team_inhibits_its_watches_inherit() -> None:
    team = "teams:\n  press:\n    group_by: [story]\n    inhibit: [{source: severity=crisis, target: kind=every}]\n"
    (one,) = load_watches(f"{team}{written('    team: press' + chr(10))}", "w.yml")
    assert one.group_by == ("story",)
    assert one.inhibit[0].target == ("kind=every",)


def test_the_example_does_what_its_tests_say() -> None:
    (one,) = load_watches(EXAMPLE.read_text("utf-8"), EXAMPLE.name)
    assert list(prove(one)) == []
    assert one.tests.must_alert
    assert one.tests.must_not_alert
