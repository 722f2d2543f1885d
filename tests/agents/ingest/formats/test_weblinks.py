"""Links as aggregators wrap them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ingest.formats.weblinks import Wrapping, host_of, unwrap

GOOGLE = "https://www.google.com/url?"


@pytest.mark.parametrize(
    ("url", "expected", "sentence"),
    [
        (GOOGLE + "rct=j&sa=t&url=https://a.example/x&ct=ga", "https://a.example/x", "as Alerts writes it"),
        (GOOGLE + "q=https%3A%2F%2Fa.example%2F%3Fb%3D1%26c%3D2", "https://a.example/?b=1&c=2", "as the search does"),
        ("https://google.com/url?url=http://a.example", "http://a.example", "without www"),
        (GOOGLE + "url=https://www.google.com/url%3Furl%3Dhttps://a.example", "https://a.example", "twice"),
        (GOOGLE + "url=javascript:alert(1)", GOOGLE + "url=javascript:alert(1)", "to what is no address"),
        (GOOGLE + "usg=1", GOOGLE + "usg=1", "to nothing"),
        ("https://google.com.evil.example/url?url=https://a.example", None, "a host that looks alike"),
        ("https://a.example/url?url=https://b.example", None, "another site's own parameter"),
        ("https://www.google.com/urls?url=https://b.example", None, "another path"),
        ("https://[", None, "no address"),
        ("", None, "nothing"),
    ],
)
def test_unwrapping(url: str, expected: str | None, sentence: str) -> None:
    assert unwrap(url) == (url if expected is None else expected), sentence


def test_others_wrap_too() -> None:
    wrapping = Wrapping(at="t.example/", holds=("u",))
    assert unwrap("https://t.example/r/1?u=https://a.example", [wrapping]) == "https://a.example"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.sampled_from(["", GOOGLE, GOOGLE + "url=https://"]))
def test_whatever_it_is_an_address_comes_out_or_what_went_in(text: str, begin: str) -> None:
    found = unwrap(begin + text)
    assert found == begin + text or host_of(found)
