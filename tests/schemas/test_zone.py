"""Time zones: which one somebody meant who wrote what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.zone import meant, zones

MEANT = [
    ("Europe/Kiew", "Europe/Kyiv", "a city as Germans write it"),
    ("Europa/Berlin", "Europe/Berlin", "the continent in German"),
    ("Berlin", "Europe/Berlin", "the city alone"),
    ("europe/berlin ", "Europe/Berlin", "other case, and a space behind"),
    ("MEZ", "Europe/Berlin", "the abbreviation, which knows no summer"),
    ("CEST", "Europe/Berlin", "its English name"),
    ("MESZ", "Europe/Berlin", "the abbreviation in summer"),
    ("Zürich", "Europe/Zurich", "an umlaut"),
    ("Europe/Bern", "Europe/Zurich", "a capital whose zone bears another name, and not the one that looks like it"),
    ("Wien", "Europe/Vienna", "a city that is written otherwise in English"),
    ("München", "Europe/Berlin", "a city without a zone"),
    ("Europe/Berln", "Europe/Berlin", "a letter is missing"),
    ("Deutschland", "Europe/Berlin", "the country"),
    ("New York", "America/New_York", "a space"),
    ("America\\Chicago", "America/Chicago", "the other slash"),
]


@pytest.mark.parametrize(("written", "zone", "sentence"), MEANT, ids=[row[2] for row in MEANT])
def test_the_zone_that_was_meant_is_named(written: str, zone: str, sentence: str) -> None:
    assert meant(written) == f"did you mean `{zone}`?", sentence


@pytest.mark.parametrize("written", ["", "XYZ", "Entenhausen", "+01:00", "22:00", "GMT+1", "UTC+01:00"])
def test_what_is_like_no_zone_is_told_how_one_looks(written: str) -> None:
    assert meant(written) == "write one as Europe/Berlin"


@given(st.text(max_size=100))
def test_whatever_is_written_a_zone_is_named_that_there_is(written: str) -> None:
    told = meant(written)
    assert told == "write one as Europe/Berlin" or told.split("`")[1] in zones()
