"""Rules in a watch file that are more than a kind and its fields: composites, named lists, and tests of their own."""

from typing import Any

import pytest
import yaml

from pipeline.check import check, findings, load_watches
from pipeline.detect import arm
from pipeline.offline.prove import failing
from schemas.watchfile import read_watches

LISTS = {"press": {"owner": "Press", "expires": "2099-01-01", "field": "site", "entries": ["spiegel.de", "zeit.de"]}}
SITES = {"kind": "influencer", "sites": ["@press"]}
MANY = {"kind": "count", "threshold": 3, "window": "1h"}
SPREAD = {"kind": "distinct", "of": "author", "threshold": 3, "window": "1h"}
ANGRY = {"kind": "negative-share", "window": "1h", "share": 0.5, "least": 5}


def written(rule: dict[str, Any], **more: Any) -> str:
    watch = {
        "id": "bahn",
        "purpose": {"goal": "service", "measure": "first answer within 15 minutes"},
        "query": "Bahn",
        "rules": [rule],
        "owner": "Press",
        "routes": [{"channel": "console"}],
    }
    return yaml.safe_dump({"lists": LISTS, "watches": [watch | more]}, allow_unicode=True)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param(SITES, "", id="a list that is there"),
        pytest.param({"kind": "composite", "any_of": [SITES, MANY]}, "", id="and within a composite"),
        pytest.param(SITES | {"sites": ["@presse"]}, "@presse, which is not there", id="a list that is not"),
        pytest.param(
            {"kind": "composite", "any_of": [SITES | {"sites": ["@presse"]}]}, "@presse, which is not", id="nor there"
        ),
        pytest.param({"kind": "influencer", "authors": ["@anybody"]}, "", id="an author may be written with his @"),
        pytest.param(
            {"kind": "composite", "all_of": [{"kind": "composite", "all_of": [MANY]}]}, "no composite", id="nested"
        ),
        pytest.param({"kind": "composite", "all_of": [MANY | {"shadow": True}]}, "no shadow", id="a part in shadow"),
        pytest.param({"kind": "composite", "all_of": [{"kind": "cuont"}]}, "no kind of rule", id="a part of no kind"),
        pytest.param({"kind": "composite"}, "either `all_of` or `any_of`", id="without parts"),
        pytest.param(
            {"kind": "composite", "all_of": [{"kind": "count", "window": "1h"}]}, "threshold", id="half a part"
        ),
    ],
)
def test_what_a_rule_needs_is_looked_for(rule: dict[str, Any], said: str) -> None:
    found = findings(written(rule), "w.yml")
    assert [said in error.message for error in found] == ([True] if said else [])
    assert all(error.where.startswith("w.yml:") for error in found)


@pytest.mark.parametrize("rule", [SITES, {"kind": "composite", "any_of": [SITES]}], ids=["alone", "composite"])
def test_a_list_that_only_a_rule_asks_for_is_known_to_it(rule: dict[str, Any]) -> None:
    [watch] = load_watches(written(rule), "w.yml")
    config: Any = arm(watch)[0].config
    sites = config.parts[0].config.sites if rule is not SITES else config.sites
    assert sites == ("spiegel.de", "zeit.de")


def burst(posts: int, **about: Any) -> list[dict[str, Any]]:
    return [{"at": "0m", "posts": posts, "over": "20m", "text": "Bahn spät {n}", **about}]


@pytest.mark.parametrize(
    ("rule", "timeline", "alerts"),
    [
        (SPREAD, [burst(1, author=name)[0] for name in ("a", "b", "c")], True),
        (SPREAD, burst(9, author="a"), False),
        (SITES, burst(1, url="https://www.spiegel.de/1"), True),
        (SITES, burst(9, url="https://example.org/1"), False),
        ({"kind": "amount", "of": "reach", "threshold": 1000, "window": "1h"}, burst(3, followers=400), True),
        (ANGRY, burst(12, text="Die Bahn ist schrecklich, eine Katastrophe {n}"), True),
        (ANGRY, burst(12, text="Die Bahn fährt nach Berlin {n}"), False),
        ({"kind": "composite", "for": "5m", "all_of": [MANY, ANGRY]}, burst(12), False),
        (
            {"kind": "composite", "for": "5m", "all_of": [MANY, ANGRY]},
            burst(12, text="Die Bahn ist schrecklich, eine Katastrophe {n}"),
            True,
        ),
        ({"kind": "influencer", "followers": 100_000}, burst(1, followers=200_000), True),
        (MANY | {"shadow": True}, burst(9), False),
    ],
)
def test_a_timeline_proves_a_rule_of_any_kind(
    rule: dict[str, Any], timeline: list[dict[str, Any]], *, alerts: bool
) -> None:
    """The right expectation holds, and its opposite fails."""
    for group, right in (("must_alert", alerts), ("must_not_alert", not alerts)):
        files = check(read_watches(written(rule, tests={group: [{"timeline": timeline}]}), "w.yml"))
        assert files.wrong() == []
        assert (not failing(files.entries[0])) is right
