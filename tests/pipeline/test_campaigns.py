"""Campaigns: what is usual is scaled while one lasts, nothing is muted, and nothing wrong is learnt from it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.check import load_watches
from pipeline.detect import Armed, arm
from pipeline.flow import judge
from pipeline.state import WatchState
from pipeline.windows.heard import Heard
from pipeline.windows.window import MENTIONS, Window
from schemas.control import WatchVersion
from schemas.handling import Campaign
from schemas.signal import Signal
from tests.pipeline.timeline import NOON, watch

VOLUME = {"kind": "unusual-volume"}
BEGIN, DAYS = 24 * 14, 2
"""In which hour the campaign begins, and how long it lasts."""


def hour(number: int) -> datetime:
    return NOON + timedelta(hours=number)


def campaign(factor: float = 4.0, begin: int = BEGIN, end: int = BEGIN + 24 * DAYS) -> dict[str, Any]:
    return {"name": "autumn", "begin": hour(begin), "end": hour(end), "factor": factor}


def armed(*campaigns: dict[str, Any], rule: dict[str, Any] = VOLUME) -> Armed:
    return arm(watch(rule, campaigns=tuple(Campaign.model_validate(one) for one in campaigns)))[0]


def play(rule: Armed, during: int, hours: int = BEGIN + 24 * DAYS) -> tuple[Any, list[Signal]]:
    """Hear four mentions an hour, and `during` an hour while the campaign lasts."""
    state, window, signals = rule.detector.State(), Window(), []
    for number in range(hours):
        now = hour(number) + timedelta(minutes=59)
        count = during if BEGIN <= number < BEGIN + 24 * DAYS else 4
        window = window.add(now, (MENTIONS,), now, count)
        assert rule.hear is not None
        state = rule.hear(rule.config, state, Heard(now, count=count), window, now)
        state, signal = rule.detector.step(rule.config, state, window, now)
        signals += [signal] if signal else []
    return state, signals


@pytest.mark.parametrize(
    ("sentence", "campaigns", "during", "alerts"),
    [
        ("four times as much is unusual", (), 16, True),
        ("it is what a campaign of that factor brings", (campaign(),), 16, False),
        ("far more than the campaign explains is still told", (campaign(),), 80, True),
        ("a campaign at another time explains nothing", (campaign(begin=0, end=24),), 16, True),
        ("a composite knows it as well", (campaign(),), 16, False),
    ],
)
def test_a_campaign_scales_what_is_usual(
    sentence: str, campaigns: tuple[dict[str, Any], ...], during: int, alerts: bool
) -> None:
    rule = {"kind": "composite", "all_of": [VOLUME]} if "composite" in sentence else VOLUME
    _, signals = play(armed(*campaigns, rule=rule), during)
    assert bool(signals) is alerts, sentence


def test_the_alert_names_the_campaign() -> None:
    _, signals = play(armed(campaign()), 80)
    assert signals[0].scaled == "autumn (×4)"
    assert signals[0].expected == pytest.approx(16, rel=0.2), "four are usual, times four"


def test_what_a_campaign_brought_is_not_learnt_as_usual() -> None:
    usual = {bool(found): play(armed(*found), 16, BEGIN + 24 * 4)[0].usual[1].mean for found in ((), (campaign(),))}
    assert usual[True] == pytest.approx(4, abs=0.2)
    assert usual[False] > usual[True]


def test_campaigns_at_once_multiply_and_an_hour_in_part_counts_in_part() -> None:
    config: Any = armed(campaign(4), campaign(2)).config
    first = int(hour(BEGIN).timestamp() // 3600)
    assert config.scale(first) == 8
    half = campaign(3) | {"begin": hour(BEGIN) + timedelta(minutes=30)}
    assert armed(half).config.scale(first) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", [VOLUME, {"kind": "composite", "any_of": [VOLUME]}], ids=["alone", "composite"])
def test_a_campaign_that_is_announced_forgets_nothing(rule: dict[str, Any]) -> None:
    before = watch(rule)
    after = watch(rule, campaigns=(Campaign.model_validate(campaign()),))
    state, _ = judge(WatchState.empty(), WatchVersion(watch=before, version="1", at=NOON), NOON)
    [name] = [one.id for one in state.rules]
    learnt, _ = play(state.rules[0], 4, 48)
    state = WatchState.restore(state.rows())
    object.__setattr__(state, "readings", {name: learnt})
    state, _ = judge(state, WatchVersion(watch=after, version="2", at=NOON), NOON)
    assert state.readings[name] is learnt
    assert state.version is not None
    assert WatchState.restore(state.rows()).readings == {name: learnt}
    assert WatchVersion.from_bytes(state.version.to_bytes()) == state.version


def test_it_is_written_in_the_watch_and_must_end_after_it_begins() -> None:
    written = """
watches:
  - id: acme
    purpose: {goal: reputation, measure: answers}
    query: acme
    rules: [{kind: unusual-volume}]
    owner: Press
    routes: [{channel: console}]
    campaigns: [{name: Herbstaktion, begin: "2026-10-05T00:00+02:00", end: "2026-10-12T00:00+02:00", factor: 3}]
"""
    [found] = load_watches(written, "w.yml")
    assert found.campaigns[0].begin.isoformat() == "2026-10-04T22:00:00+00:00"
    with pytest.raises(ValidationError, match="end must be later than begin"):
        Campaign.model_validate(campaign(end=BEGIN))
