"""The view: when a run counts as finished, what a pipe gets to read, and a picture that fits the terminal."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from cli.gauges import Gauges
from cli.progress import Progress, Tally
from cli.view import Moment, Plan, counts_of, view_for
from schemas.delivery import DeliveryState
from schemas.tick import Tick
from schemas.topics import ALERTS, DELIVERIES, MENTIONS, RECEIPTS
from tests.cli.samples import NOON, story
from tests.cli.test_progress import delivery, match, receipt

DAY = timedelta(days=1)


@pytest.fixture
def ended() -> Moment:
    """A run of one post, one alert and two deliveries that has come to its end."""
    progress = Progress({"mma": Tally(), "metro-north": Tally()})
    progress.heard = 1
    progress.add(MENTIONS, 0, match("x:1"))
    for partition in (0, 1):
        progress.add(MENTIONS, partition, Tick(at=NOON + DAY).to_bytes())
    progress.add(RECEIPTS, 0, receipt("x:1", "s1"))
    progress.add(ALERTS, 0, story()[0].to_bytes())
    for route in (0, 1):
        progress.add(DELIVERIES, 0, delivery(0, route, DeliveryState.SENT, 1))
    return Moment(progress, Gauges(0, NOON + DAY), Plan(posts=1, start=NOON, end=NOON + DAY, partitions=2))


def test_a_run_is_finished_when_all_is_heard_judged_and_told(ended: Moment) -> None:
    assert ended.finished


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gauges": Gauges(3, NOON + DAY)}, "records wait"),
        ({"gauges": Gauges(0, NOON)}, "judge has not come to the end"),
        ({"gauges": Gauges()}, "nothing is known of judge"),
        ({"plan": Plan(2, NOON, NOON + DAY, 2)}, "a post has not been heard"),
        ({"plan": Plan(1, NOON, NOON + 2 * DAY, 2)}, "time has not passed to the end"),
        ({"plan": Plan(1, NOON, NOON + DAY, 3)}, "nor in every partition"),
    ],
)
def test_it_is_not_finished_when(ended: Moment, change: dict[str, object], sentence: str) -> None:
    assert not replace(ended, **change).finished, sentence  # type: ignore[arg-type]


def test_it_is_not_finished_while_a_match_waits_for_its_receipt(ended: Moment) -> None:
    ended.progress.add(MENTIONS, 0, match("x:2"))
    assert not ended.finished


def test_it_is_not_finished_while_a_delivery_waits(ended: Moment) -> None:
    ended.progress.add(ALERTS, 0, story()[1].to_bytes())
    assert not ended.finished


def test_a_pipe_reads_every_alert_once_in_plain_lines(ended: Moment) -> None:
    written = io.StringIO()
    with view_for(Console(file=written, width=80)) as view:
        view.say("inbox: http://127.0.0.1:1")
        view.wait(["worker"])
        view.show(ended)
        ended.progress.add(ALERTS, 0, story()[1].to_bytes())
        view.show(ended)
    lines = written.getvalue().splitlines()
    assert lines[0] == "inbox: http://127.0.0.1:1"
    assert [line.split()[2] for line in lines if "mma:" in line] == ["opened", "grew"]
    assert "\x1b" not in written.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_picture_fits_the_terminal(ended: Moment, width: int) -> None:
    written = io.StringIO()
    with view_for(Console(file=written, width=width, height=40, force_terminal=True, color_system=None)) as view:
        view.say("broker: up")
        view.wait(["worker", "deliver"])
        view.show(ended)
    shown = written.getvalue()
    assert "waiting for worker and deliver" in shown
    for name, count in counts_of(ended).items():
        assert name in shown
        assert str(count) in shown
    assert "● open, 12 mentions" in shown
    assert "12 mentions in 6 stories" in shown
