"""What every detector keeps to; a new file in pipeline/detect is checked without being named here.

It needs an example in `tests/pipeline/examples_of_rules.py`: settings, and posts at which it trips.
"""

import doctest
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline import detect
from pipeline.decide import settle
from pipeline.detect import Armed, arm, detectors
from pipeline.flow import judge
from pipeline.state import WatchState
from pipeline.windows.health import Health, Outage
from pipeline.windows.window import MENTIONS, Window
from schemas.control import Judged
from schemas.receipt import Decision, Measured
from schemas.tick import Tick
from tests.pipeline.examples_of_rules import EXAMPLES, MORE, PEER, Post, log
from tests.pipeline.timeline import NOON, Timeline, distinct, match, minute, watch

KINDS = sorted(detectors())
QUIET = [kind for kind in KINDS if kind != "every"]


def rule(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": "loud", **EXAMPLES[kind][0], **more}


def armed(kind: str) -> Armed:
    return arm(watch(rule(kind)))[0]


def hear(records: Iterable[Judged], *rules: dict[str, Any]) -> Timeline:
    line = Timeline(watch(*rules))
    for record in records:
        line.take(record)
    return line


def test_every_kind_has_an_example_that_the_tests_below_try() -> None:
    assert set(KINDS) == set(EXAMPLES), "write it into tests/pipeline/examples_of_rules.py"


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_shows_where_it_fires(kind: str) -> None:
    module = sys.modules[f"pipeline.detect.{kind.replace('-', '_')}"]
    found = doctest.testmod(module)
    assert found.attempted > 3
    assert found.failed == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_setting_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        detectors()[kind].Config.model_validate(EXAMPLES[kind][0] | {"treshold": 1})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "window" in detectors()[kind].Config.model_fields])
@pytest.mark.parametrize("wrong", ["-1h", 0, "soon"])
def test_a_window_is_a_positive_duration(kind: str, wrong: object) -> None:
    with pytest.raises(ValidationError):
        detectors()[kind].Config.model_validate(EXAMPLES[kind][0] | {"window": wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_it_trips_on_its_example_and_the_incident_names_it(kind: str) -> None:
    line = hear(log(EXAMPLES[kind][1]), rule(kind))
    opened = [alert for alert in line.alerts if alert.reason == "opened"]
    assert len(opened) == 1, "one alert, not none and not two"
    signal = opened[0].incident.signal
    assert (signal.rule, signal.kind) == ("loud", kind)
    assert signal.value >= signal.threshold > 0
    # what a message says of that window is counted in the watch's
    assert line.state.window.horizon >= signal.window


@pytest.mark.parametrize(("sentence", "settings", "posts", "trips"), MORE, ids=[row[0] for row in MORE])
def test_what_else_it_may_look_at(sentence: str, settings: dict[str, Any], posts: list[Post], *, trips: bool) -> None:
    line = hear(log(posts), {"name": "loud", **settings})
    opened = [alert.incident.signal.kind for alert in line.alerts if alert.reason == "opened"]
    assert opened == ([settings["kind"]] if trips else []), sentence


@pytest.mark.parametrize("kind", KINDS)
def test_in_shadow_it_is_measured_and_told_of_and_alerts_nobody(kind: str) -> None:
    line = Timeline(watch(rule(kind, shadow=True)))
    tried = [name for record in log(EXAMPLES[kind][1]) for name in line.take(record).shadowed]
    assert tried
    assert set(tried) == {"loud"}
    assert line.alerts == []
    assert not {Decision.OPENED, Decision.UPDATED} & {receipt.decision for receipt in line.receipts}


@pytest.mark.parametrize("kind", QUIET)
def test_one_mention_after_none_is_nothing(kind: str) -> None:
    """0 → 1: neither as the first ever, nor after three quiet weeks."""
    posts: list[Post] = [(0.0, {}), (21 * 24 * 60.0, {})]
    times = posts if kind != "silence" else posts[:1]
    assert hear(log(times), rule(kind)).alerts == []


WARMS = ["spike", "unusual-volume", "new", "peer-spike", "sentiment-shift"]


@pytest.mark.parametrize("kind", WARMS)
def test_what_has_to_learn_first_is_silent_and_says_so(kind: str) -> None:
    """A dozen posts within minutes of the beginning, with all that it looks at."""
    said = [f"acme {distinct(at)} #strike" for at in range(12)]
    posts: list[Post] = [(5 + at, {"negative": True, "text": text}) for at, text in enumerate(said)]
    line = hear(log([(0.0, {}), *posts]), rule(kind))
    assert line.alerts == []
    assert line.receipts[-1].decision is Decision.WARMING_UP
    assert [one.warming for one in line.receipts[-1].rules or ()] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_receipt_says_how_far_it_was_from_firing(kind: str) -> None:
    looked = [receipt.rules for receipt in hear(log(EXAMPLES[kind][1]), rule(kind)).receipts if receipt.rules]
    assert looked
    for [one] in looked:
        assert isinstance(one, Measured)
        assert one.rule == "loud"
        assert one.warming or one.threshold > 0
        assert not one.tripped or one.value >= one.threshold


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_frozen_and_says_what_was_measured(kind: str) -> None:
    state = detectors()[kind].State()
    with pytest.raises((AttributeError, ValidationError)):
        state.value = 1.0
    assert (state.value, state.warming) == (0.0, True)
    assert TypeAdapter(type(state)).validate_python(TypeAdapter(type(state)).dump_python(state)) == state


@st.composite
def streams(draw: st.DrawFn) -> list[Judged]:
    """Draw posts and ticks that mostly move forward over days: late ones, repeats, new counts, competitors, tones."""
    records: list[Judged] = []
    when = 0.0
    for number in range(draw(st.integers(1, 30))):
        when += draw(st.sampled_from([0.0, 0.1, 1.0, 9.0, 61.0, 200.0, 1500.0]))
        if draw(st.integers(0, 4)) == 0:
            records.append(Tick(at=minute(when)))
            continue
        late = draw(st.sampled_from([0.0, 0.0, 0.0, 5.0, 90.0]))
        again, about = draw(st.booleans()), draw(st.integers(0, 5))
        fields: dict[str, Any] = {
            "entities": (("own",), ("own",), ("Bolt",), ("own", "Bolt"))[about % 4],
            "negative": about > 3,
            "platform": ("x", "reddit")[about % 2],
            "followers": (10, 50_000)[about % 2],
            "metrics": {"likes": float(40 * number)},
            "edited": again,
            "url": ("https://www.example.org/1", None)[about % 2],
        }
        name = f"p{draw(st.integers(0, 6))}" if again else f"q{number}"
        text = f"{distinct(number % 5)} #tag{about}"
        records.append(match(name, when - late, text, **fields))
    return records


def judged(records: Sequence[Judged], restarts: Sequence[bool], *rules: dict[str, Any]) -> Timeline:
    """Judge `records`; after each for which it is drawn, the state is stored in rows and read again."""
    line = Timeline(watch(*rules))
    for record, restart in zip(records, restarts, strict=True):
        line.take(record)
        if restart:
            line.state = WatchState.restore(line.state.rows())
    return line


@settings(deadline=None, max_examples=8)
@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_replay_equals_live(kind: str, data: st.DataObject) -> None:
    """Wherever a worker restarts, however a batch is cut, however often time is told: the same bytes."""
    records = data.draw(streams())
    rules = (rule(kind), {**rule("count", threshold=2), "name": "count"})
    never = judged(records, [False] * len(records), *rules)
    other = judged(records, data.draw(st.lists(st.booleans(), min_size=len(records), max_size=len(records))), *rules)
    assert [alert.to_bytes() for alert in never.alerts] == [alert.to_bytes() for alert in other.alerts]
    assert [receipt.to_bytes() for receipt in never.receipts] == [receipt.to_bytes() for receipt in other.receipts]
    assert never.state.rows() == other.state.rows()
    assert WatchState.restore(never.state.rows()) == never.state
    for alert in never.alerts:
        assert alert.incident.signal.value >= alert.incident.signal.threshold > 0


@settings(deadline=None, max_examples=8)
@pytest.mark.parametrize("kind", KINDS)
@given(records=streams())
def test_ticks_between_change_no_alert(kind: str, records: list[Judged]) -> None:
    """What time alone trips bears the moment at which it was due."""
    more: list[Judged] = []
    now = NOON
    for record in records:
        time = record.at if isinstance(record, Tick) else record.mention.time  # type: ignore[union-attr]
        if more and time > now and isinstance(record, Tick):  # before the first record no time has passed
            more.append(Tick(at=now + (time - now) / 2))
        now = max(now, time)
        more.append(record)
    assert _told(hear(records, rule(kind))) == _told(hear(more, rule(kind)))


def _told(line: Timeline) -> list[tuple[Any, ...]]:
    """Return what was told when; the quotes that an alert can still show depend on which texts have expired."""
    return [(alert.reason, alert.at, alert.incident) for alert in line.alerts]


def test_an_outage_is_no_silence_and_what_comes_back_no_spike() -> None:
    out = Health(now=(Outage("test", minute(30)),))
    line = hear([match("a", 0, "one"), match("b", 20, "two")], rule("silence"), rule("spike") | {"name": "spike"})
    line.state = line.state.knowing(out)
    line.now = minute(600)
    upcoming = line.state.upcoming
    assert upcoming is not None
    assert upcoming.at <= minute(600)
    state, verdict = settle(line.state, minute(600))
    assert verdict.alerts == ()
    back = state.knowing(Health(past=(Outage("test", minute(30), minute(600)),)))
    _, verdict = settle(back, minute(600 + 179))
    assert verdict.alerts == ()
    _, verdict = settle(back, minute(600 + 200))
    assert [alert.incident.signal.kind for alert in verdict.alerts] == ["silence"], "three hours after it is back"


CAUGHT_UP = [kind for kind in KINDS if kind not in ("every", "silence")]


@pytest.mark.parametrize("kind", CAUGHT_UP)
@pytest.mark.parametrize("order", ["oldest first", "newest first"])
@pytest.mark.parametrize("late", [180, 50], ids=["three hours", "less than what may be late"])
def test_what_is_caught_up_after_an_outage_raises_nothing(kind: str, order: str, late: int) -> None:
    """The usual posts of the time that a source was out arrive within a minute, in either order."""
    if kind in ("amount", "distinct", "new", "influencer", "taking-off", "negative-share", "share-of-voice"):
        about = {"followers": 1}
    else:
        about = {}
    line = hear(log([(float(at * 10), about) for at in range(60)]), rule(kind, **_usual(kind)))
    assert line.alerts == []
    back = minute(601 + late)
    line.take(Tick(at=minute(600 + late), heard={"test": minute(600)}))
    health = Health().hear(Tick(at=minute(600 + late), heard={"test": minute(600)}))
    health = health.hear(Tick(at=back, heard={"test": back}))
    missed = [600.0 + 10 * at for at in range(late // 10)]
    line.now = back
    for number, when in enumerate(missed if order == "oldest first" else missed[::-1]):
        record = match(f"missed{number}", when, distinct(100 + number), seen=back, **about)
        line.state, verdict = judge(line.state, record, back, health)
        assert verdict.alerts == ()


def _usual(kind: str) -> dict[str, Any]:
    """Return settings under which six posts an hour are nothing special."""
    more: dict[str, dict[str, Any]] = {
        "spike": {"floor": 4},
        "peer-spike": {"floor": 4},
        "unusual-volume": {"learn": "5h"},
        "count": {"threshold": 7, "window": "1h"},
        "composite": {
            "any_of": [
                {"kind": "count", "threshold": 20, "window": "3h"},
                {"kind": "spike", "window": "1h", "factor": 2, "floor": 4},
                {"kind": "unusual-volume", "learn": "5h"},
                PEER | {"floor": 4},
            ],
            "all_of": (),
            "for": 0,
        },
    }
    return more.get(kind, {})


def test_what_is_counted_is_counted_from_the_window() -> None:
    """What is older than its reach changes no answer."""
    for kind in ("count", "spike"):
        one = armed(kind)
        reach, now = timedelta(seconds=one.reach), NOON + timedelta(days=1)
        plain = Window(horizon=10**6).start(NOON).add(now, (MENTIONS,), now)
        older = Window(horizon=10**6).start(NOON).add(now - reach, (MENTIONS,), now).add(now, (MENTIONS,), now)
        state = one.detector.State()
        assert one.detector.step(one.config, state, plain, now) == one.detector.step(one.config, state, older, now)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(detect, "__path__", [*detect.__path__, str(tmp_path)])
    detectors.cache_clear()
    yield tmp_path
    detectors.cache_clear()
    sys.modules.pop("pipeline.detect.always", None)


DETECTOR = '''"""Every mention."""
from pipeline.detect import Reading as State
from schemas.model import Written as Config
def reach(config): return 0.0
def step(config, state, window, now): return state, None
'''


def test_a_file_in_the_folder_is_a_kind_of_rule(folder: Path) -> None:
    (folder / "always.py").write_text(DETECTOR)
    assert set(detectors()) == {*KINDS, "always"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import nothing_of_that_name", ImportError),
        (DETECTOR.replace("def step", "def walk"), TypeError),
    ],
)
def test_a_file_that_is_no_detector_stops_the_start(folder: Path, code: str, error: type[Exception]) -> None:
    (folder / "always.py").write_text(code)
    with pytest.raises(error):
        detectors()
