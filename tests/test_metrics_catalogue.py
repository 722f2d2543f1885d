"""The metric catalogue keeps Prometheus' naming conventions."""

import re

import pytest

from schemas.metrics import CATALOGUE, Kind, Metric


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_is_named_as_prometheus_asks(metric: Metric) -> None:
    assert re.fullmatch(r"earshot(_[a-z]+)+", metric.name)
    assert not metric.name.endswith("_total"), "the client adds it to counters"
    assert metric.meaning.endswith("."), "the meaning is a sentence"
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith(("_seconds", "_bytes"))
        assert list(metric.buckets) == sorted(metric.buckets)


def test_no_name_stands_twice() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names)) > 15
