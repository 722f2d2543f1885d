"""Incidents that a watch tells apart, as timelines: whose each is, what becomes of it, and how many there may be."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.incidents import group
from pipeline.incidents.group import OTHERS, Groups
from pipeline.state import WatchState
from schemas.alert import Alert
from schemas.control import Silence, WatchRemoved, WatchVersion
from schemas.incident import IncidentState
from schemas.matcher import Matcher
from schemas.receipt import Decision
from tests.pipeline.timeline import NOON, Timeline, minute, watch

EVERY = {"kind": "every"}
BY_PLATFORM = {"kind": "count", "name": "many", "threshold": 3, "window": "1h", "per": "platform"}
BY_AUTHOR = BY_PLATFORM | {"per": "author"}
WHOLE = {"kind": "count", "name": "crisis", "threshold": 4, "window": "1h", "severity": "crisis"}


def grouped(*rules: dict[str, Any], by: tuple[str, ...] = ("story",), **fields: Any) -> Timeline:
    return Timeline(watch(*rules, group_by=by, **fields))


def whose(line: Timeline) -> list[tuple[str, str]]:
    """Why people were told, and about which group."""
    return [(alert.reason.value, said(alert)) for alert in line.alerts]


def said(alert: Alert) -> str:
    return " ".join(f"{label}={value}" for label, value in (alert.incident.group or {}).items())


def test_each_platform_has_an_incident_of_its_own() -> None:
    line = grouped(BY_PLATFORM, by=("platform",))
    for when in range(3):
        line.post(when, platform="x")
        line.post(when, platform="reddit")
    assert whose(line) == [("opened", "platform=x"), ("opened", "platform=reddit")]
    one, other = line.alerts
    assert one.incident.id != other.incident.id
    assert one.platforms == {"x": 3}, "only what was said there"
    assert other.platforms == {"reddit": 3}
    assert {quote.platform for quote in other.quotes} == {"reddit"}
    assert (one.incident.mentions, one.incident.stories) == (3, 3)


def test_each_resolves_for_itself() -> None:
    line = grouped(BY_PLATFORM, by=("platform",))
    for when in (0, 1, 2, 30, 31, 32):
        line.post(when, platform="x" if when < 30 else "reddit")
    line.tick(62.5)
    assert whose(line)[-1] == ("resolved", "platform=x")
    line.tick(92.5)
    assert whose(line)[-1] == ("resolved", "platform=reddit")
    line.tick(300)
    assert not line.state.groups.lives, "what is closed is forgotten"


def test_whoever_takes_one_has_not_taken_the_other() -> None:
    line = grouped(BY_PLATFORM, by=("platform",), incidents={"remind": "20m"})
    for when in range(3):
        line.post(when, platform="x")
        line.post(when, platform="reddit")
    line.acknowledge(line.alerts[0].incident.id)
    line.tick(23)
    assert whose(line)[2:] == [("reminder", "platform=reddit")]
    states = {name: life.incident.state for name, life in line.state.groups.lives.items() if life.incident}
    assert states == {"platform=x": IncidentState.ACKNOWLEDGED, "platform=reddit": IncidentState.OPEN}


def test_each_has_its_own_severity_and_its_own_escalation() -> None:
    step = {"after": "20m", "severity": "crisis", "routes": ({"channel": "email", "to": "chief@acme.example"},)}
    line = grouped(BY_PLATFORM | {"rises": {"crisis": 5}}, by=("platform",), escalation=(step,))
    for when in range(5):
        line.post(when, platform="x")
        line.post(when, platform="reddit") if when < 3 else None
    line.tick(30)
    assert whose(line)[2:] == [("rose", "platform=x"), ("escalated", "platform=x")]


def test_each_cools_down_for_itself() -> None:
    line = grouped(BY_PLATFORM, by=("platform",))
    for when in range(3):
        line.post(when, platform="x")
    line.tick(63)
    for when in range(64, 67):
        line.post(when, platform="x")
        line.post(when, platform="reddit")
    assert line.receipts[-2].decision is Decision.COOLING_DOWN
    assert line.receipts[-1].decision is Decision.OPENED


def test_single_posts_fold_into_the_incident_of_their_story() -> None:
    line = grouped(EVERY)
    first = line.post(0, "Zug nach Ulm entgleist heute morgen leider")
    again = line.post(1, "Zug nach Ulm entgleist heute morgen leider")
    other = line.post(2, "Etwas ganz anderes ist auch noch geschehen")
    assert [one.decision for one in (first, again, other)] == [
        Decision.OPENED,
        Decision.IN_INCIDENT,
        Decision.OPENED,
    ]
    assert first.incident == again.incident != other.incident
    assert [one.group for one in (first, again, other)] == [{"story": one.story} for one in (first, again, other)]
    assert [alert.incident.stories for alert in line.alerts] == [1, 1]


def test_what_grows_is_what_the_group_has_and_not_what_all_have() -> None:
    line = grouped(EVERY, incidents={"patience": "1m"})
    line.post(0, "Zug nach Ulm entgleist heute morgen leider")
    line.posts(*range(2, 12))
    line.post(13, "Zug nach Ulm entgleist heute morgen leider")
    (grew,) = [alert for alert in line.alerts if alert.reason == "grew"]
    assert (grew.incident.signal.value, grew.incident.mentions) == (2, 2), "twelve were heard, two of this story"


def test_a_rule_that_counts_all_has_an_incident_that_is_no_storys() -> None:
    line = grouped(EVERY, WHOLE)
    line.posts(0, 1, 2, 3)
    assert whose(line)[-2:] == [("opened", ""), ("opened", f"story={line.receipts[-1].story}")]
    assert line.state.life.open is not None
    assert line.state.life.open.mentions == 4


def test_each_author_has_one_and_is_named_but_not_in_its_key() -> None:
    line = grouped(BY_AUTHOR, by=("author",))
    for when in range(3):
        line.post(when, writer="1")
        line.post(when, writer="2")
    assert whose(line) == [("opened", "author=anna"), ("opened", "author=anna")]
    assert len({alert.incident.id for alert in line.alerts}) == 2, "two who have the same name"
    assert all("anna" not in name for name in line.state.groups.lives)


def test_who_is_deleted_is_named_no_more() -> None:
    line = grouped(BY_AUTHOR, by=("author",))
    line.post(0, writer="1"), line.post(1, writer="1"), line.post(2, writer="1")
    line.delete("1", author=True)
    assert b"anna" not in b"".join(line.state.rows().values())
    line.tick(600)
    assert whose(line)[-1] == ("resolved", "author=…")


def test_who_is_deleted_is_not_named_in_a_digest_that_waits() -> None:
    night = {"begin": "12:00", "end": "20:00", "except_from": None}
    line = grouped(BY_AUTHOR, by=("author",), routes=({"channel": "slack", "to": "#press", "quiet": night},))
    for when in range(3):
        line.post(when, writer="1")
        line.post(when, writer="2")
    line.delete("1", author=True)
    line.tick(600)
    (digest,) = [alert for alert in line.alerts if alert.reason == "digest"]
    assert sorted((one.group or {})["author"] for one in digest.lines) == ["anna", "…"]


def test_a_platform_that_lets_no_names_last_has_none_in_a_group() -> None:
    line = grouped(BY_AUTHOR, by=("author",))
    for when in range(3):
        line.post(when, platform="linkedin", writer="urn:li:person:1")
    assert whose(line) == [("opened", "author=linkedin")]
    assert b"anna" not in b"".join([*line.state.rows().values(), *(alert.to_bytes() for alert in line.alerts)])


def test_competitors_have_incidents_where_a_rule_counts_them() -> None:
    per = {"kind": "count", "threshold": 3, "window": "1h", "per": "entity"}
    line = grouped(per, by=("entity",))
    for when in range(4):
        line.post(when, entities=("Bolt",))
    line.post(5, entities=("own", "Bolt"))
    assert whose(line) == [("opened", "entity=Bolt")]
    assert line.alerts[0].incident.mentions == 3
    line.posts(6, 7)
    assert whose(line)[1:] == [("opened", "entity=own")]
    assert line.state.groups.lives["entity=Bolt"].heard.mentions == 5


def test_a_mention_of_a_competitor_may_be_the_first_that_a_new_rule_is_there_for() -> None:
    """A rule that does not look at competitors has measured nothing by then, and is passed over in the receipt."""
    per = {"kind": "count", "name": "them", "threshold": 3, "window": "1h", "per": "entity"}
    line = grouped(per, by=("entity",))
    for when in range(4):
        line.post(when, entities=("Bolt",))
    rules = watch({**per, "threshold": 9}, {"kind": "every"}).rules
    line.take(WatchVersion(watch=line.watch.model_copy(update={"rules": rules}), version="2", at=minute(4)))
    found = line.post(5, entities=("Bolt",))
    assert (found.decision, found.detail) == (Decision.IN_INCIDENT, "them: 1 of 9")


def test_what_a_story_is_not_known_by_is_not_lost() -> None:
    line = grouped(EVERY, by=("site",))
    receipt = line.post(0)
    assert (receipt.decision, receipt.group) == (Decision.OPENED, None), "it has no address: the watch's own incident"


def test_there_are_so_many_at_most_and_the_rest_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "MOST", 3)
    line = grouped(EVERY, incidents={"patience": "1m"})
    line.posts(*range(0, 20, 2))
    assert len(line.state.groups.lives) == 4
    shared = line.state.groups.lives[OTHERS]
    assert len(shared.crowd) == 7
    told = [(alert.reason.value, alert.incident.others) for alert in line.alerts if alert.incident.others]
    assert told == [("opened", 1), ("grew", 2), ("grew", 4)], "that they are more and more is told"
    assert {receipt.decision for receipt in line.receipts} <= {
        Decision.OPENED,
        Decision.UPDATED,
        Decision.IN_INCIDENT,
    }
    assert all(receipt.incident for receipt in line.receipts)
    line.tick(600)
    (over,) = [alert for alert in line.alerts if alert.reason == "resolved" and alert.incident.others]
    assert (over.incident.others, over.incident.mentions) == (7, 7)


def test_room_comes_back_when_incidents_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "MOST", 1)
    line = grouped(EVERY)
    line.posts(0, 1)
    line.tick(300)
    receipt = line.post(301)
    assert receipt.group == {"story": receipt.story}


def test_a_silence_holds_one_and_not_the_other() -> None:
    line = grouped(BY_PLATFORM, by=("platform",))
    fit = Matcher(label="platform", values=("x",))
    line.take(Silence(watch="acme", at=NOON, until=minute(60), by="ben", reason="fair", id="f", matchers=(fit,)))
    for when in range(3):
        line.post(when, platform="x")
        line.post(when, platform="reddit")
    assert whose(line) == [("opened", "platform=reddit")]
    assert line.state.life.silences[0].held == 1
    (held,) = line.receipts[-2].held or ()
    assert (held.by, held.id, held.author, held.reason) == ("silence", "f", "ben", "fair")


def test_in_a_silence_of_the_whole_watch_each_waits_for_its_end() -> None:
    line = grouped(BY_PLATFORM, by=("platform",))
    for when in range(3):
        line.post(when, platform="x")
    line.silence(200)
    line.tick(199)
    assert [reason for reason, _ in whose(line)] == ["opened", "silence-ends"]
    line.tick(200)
    assert whose(line)[-1] == ("resolved", "platform=x")
    assert line.alerts[-1].incident.resolved == minute(200)


def test_a_watch_that_is_removed_closes_them_all() -> None:
    line = grouped(EVERY, WHOLE)
    line.posts(0, 1, 2, 3)
    line.take(WatchRemoved(watch="acme", at=minute(5)))
    assert [reason for reason, _ in whose(line)][-5:] == ["withdrawn"] * 5
    line.state, rows = line.state.persist()
    assert line.state == WatchState.empty()
    assert set(rows.values()) == {None}, "nothing is left of it, groups included"


def test_groups_that_the_watch_no_longer_makes_go_on_to_their_end() -> None:
    line = grouped(BY_PLATFORM, by=("platform",))
    for when in range(3):
        line.post(when, platform="x")
    line.take(WatchVersion(watch=watch(BY_PLATFORM), version="2", at=minute(3)))
    line.post(4, platform="x")
    assert whose(line)[-1] == ("opened", ""), "one for all from here on"
    line.tick(600)
    assert sorted(whose(line)[2:]) == [("resolved", ""), ("resolved", "platform=x")]


def test_a_watch_without_groups_keeps_no_row_of_them() -> None:
    line = Timeline(watch(EVERY))
    line.posts(0, 1)
    assert "groups" not in line.state.rows()
    assert line.state.groups == Groups()
    assert b"group" not in line.state.rows()["watch"], "older workers must still be able to read it"
    assert b'"group' not in line.alerts[0].to_bytes()


STORED = Path(__file__).parents[1].joinpath("stored") / "groups"


@pytest.mark.parametrize("path", sorted(STORED.glob("*.json")), ids=lambda path: path.stem)
def test_groups_that_an_earlier_version_stored_go_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crisis of the own brand, two stories (one is taken), and two that there was no room for."""
    monkeypatch.setattr(group, "MOST", 2)
    stored = json.loads(path.read_text("utf-8"))
    state = WatchState.restore({name: value.encode() for name, value in stored["rows"].items()})
    assert state.watch is not None
    assert WatchState.restore(state.rows()) == state
    line = Timeline(watch=state.watch, state=state, now=minute(5))
    assert len(list(state.groups.open)) == 4
    assert state.groups.lives["entity=own"].inhibited == 2
    (taken,) = [one for _, one in state.groups.open if one.acknowledged_by == "ben"]
    assert taken.id == stored["taken"]
    assert line.post(6, "nobody has said this before", id="new").decision is Decision.INHIBITED
    line.tick(600)
    over = [alert.incident for alert in line.alerts if alert.reason == "resolved"]
    assert [one.inhibited for one in over if one.inhibited] == [3]
    assert [one.others for one in over if one.others] == [2]
