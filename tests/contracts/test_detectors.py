"""What every detector keeps to; a new file in pipeline/detect is checked without being named here."""

import doctest
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline import detect
from pipeline.detect import Detector, arm, detectors, step_all
from pipeline.window import MENTIONS, Window
from schemas.signal import Signal
from tests.pipeline.timeline import NOON, minute, watch

EXAMPLES: dict[str, dict[str, Any]] = {
    "count": {"threshold": 2, "window": "10m"},
    "spike": {"window": "10m", "factor": 2, "floor": 2},
}
"""Settings of each kind under which two mentions in a minute, half an hour after the first, are enough."""
KINDS = sorted(detectors())


def example(kind: str) -> tuple[Detector, Any]:
    detector = detectors()[kind]
    return detector, detector.Config.model_validate(EXAMPLES[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_shows_where_it_fires(kind: str) -> None:
    module = sys.modules[f"pipeline.detect.{kind}"]
    found = doctest.testmod(module)
    assert found.attempted > 3
    assert found.failed == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_setting_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        detectors()[kind].Config.model_validate(EXAMPLES[kind] | {"treshold": 1})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", ["-1h", 0, "soon"])
def test_a_window_is_a_positive_duration(kind: str, wrong: object) -> None:
    with pytest.raises(ValidationError):
        detectors()[kind].Config.model_validate(EXAMPLES[kind] | {"window": wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_it_looks_no_further_back_than_it_says(kind: str) -> None:
    """What is older than its reach changes no answer."""
    detector, config = example(kind)
    reach = timedelta(seconds=detector.reach(config))
    now = NOON + timedelta(days=1)
    plain = Window(horizon=10**6).start(NOON).add(now, (MENTIONS,), now)
    older = Window(horizon=10**6).start(NOON).add(now - reach, (MENTIONS,), now).add(now, (MENTIONS,), now)
    assert detector.step(config, detector.State(), plain, now) == detector.step(config, detector.State(), older, now)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_is_no_signal(kind: str) -> None:
    detector, config = example(kind)
    state, signal = detector.step(config, detector.State(), Window(horizon=10**6).start(NOON), minute(10_000))
    assert signal is None
    assert state.value < state.threshold


@pytest.mark.parametrize("kind", KINDS)
def test_it_fires_on_its_example(kind: str) -> None:
    signals = run(kind, [0, 30, 30.5])
    assert signals[-1] is not None
    assert (signals[-1].rule, signals[-1].kind, signals[-1].at) == ("loud", kind, minute(30.5))
    assert signals[-1].value >= signals[-1].threshold


def run(kind: str, posts: list[float]) -> list[Signal | None]:
    rules = arm(watch({"kind": kind, "name": "loud", **EXAMPLES[kind]}))
    states: dict[str, Any] = {}
    window, signals = Window(horizon=10**5), list[Signal | None]()
    for post in posts:
        window = window.add(minute(post), (MENTIONS,), minute(post))
        states, found = step_all(rules, states, window, minute(post))
        stored = rules[0].states.dump_json(states["loud"])
        assert rules[0].states.validate_json(stored) == states["loud"], "a state survives being stored"
        signals.append(found[0] if found else None)
    return signals


@settings(deadline=None)
@pytest.mark.parametrize("kind", KINDS)
@given(posts=st.lists(st.floats(0, 120), min_size=1, max_size=40).map(sorted))
def test_a_signal_is_above_its_threshold_and_the_same_every_time(kind: str, posts: list[float]) -> None:
    signals = run(kind, posts)
    assert signals == run(kind, posts)
    for signal in signals:
        assert signal is None or signal.value >= signal.threshold > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_frozen_and_says_what_was_measured(kind: str) -> None:
    state = detectors()[kind].State()
    with pytest.raises((AttributeError, ValidationError)):
        state.value = 1.0
    assert (state.value, state.warming) == (0.0, True)
    assert TypeAdapter(type(state)).validate_python(TypeAdapter(type(state)).dump_python(state)) == state


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(detect, "__path__", [*detect.__path__, str(tmp_path)])
    detectors.cache_clear()
    yield tmp_path
    detectors.cache_clear()
    sys.modules.pop("pipeline.detect.every", None)


DETECTOR = '''"""Every mention."""
from pipeline.detect import Reading as State
from schemas.model import Written as Config
def reach(config): return 0.0
def step(config, state, window, now): return state, None
'''


def test_a_file_in_the_folder_is_a_kind_of_rule(folder: Path) -> None:
    (folder / "every.py").write_text(DETECTOR)
    assert set(detectors()) == {*KINDS, "every"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import nothing_of_that_name", ImportError),
        (DETECTOR.replace("def step", "def walk"), TypeError),
    ],
)
def test_a_file_that_is_no_detector_stops_the_start(folder: Path, code: str, error: type[Exception]) -> None:
    (folder / "every.py").write_text(code)
    with pytest.raises(error):
        detectors()
