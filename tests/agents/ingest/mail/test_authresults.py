"""The word of our own mail server about a signature, among all that others write."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.ingest.mail.authresults import Verdict, signers, verdict

HEADER = "Authentication-Results"
GOOD = (HEADER, "mx.example.org; dkim=pass header.d=google.com")
RECEIVED = ("Received", "from a by mx.example.org")


@pytest.mark.parametrize(
    ("headers", "expected", "sentence"),
    [
        ([GOOD], Verdict.SIGNED, "signed by whom it should be"),
        ([(HEADER, "MX.example.org 1; dkim=pass (2048) header.i=@Mail.Google.COM")], Verdict.SIGNED, "a part of it"),
        ([(HEADER, "mx.example.org; spf=pass; dkim=pass header.d=google.com")], Verdict.SIGNED, "not the first word"),
        ([(HEADER, "mx.example.org; dkim=fail header.d=google.com")], Verdict.UNSIGNED, "a signature that is wrong"),
        ([(HEADER, "mx.example.org; dkim=pass header.d=evil.example")], Verdict.UNSIGNED, "signed by somebody else"),
        ([(HEADER, "mx.example.org; dkim=pass header.d=notgoogle.com")], Verdict.UNSIGNED, "a name that ends alike"),
        ([(HEADER, "mx.example.org; none")], Verdict.UNSIGNED, "nothing was signed"),
        (
            [(HEADER, 'mx.example.org; spf=pass smtp.mailfrom="x; dkim=pass header.d=google.com"@e.example')],
            Verdict.UNSIGNED,
            "an address that looks like a verdict",
        ),
        (
            [(HEADER, "mx.example.org; spf=pass (x; dkim=pass header.d=google.com)")],
            Verdict.UNSIGNED,
            "a comment that looks like one",
        ),
        ([(HEADER, "mx.evil.example; dkim=pass header.d=google.com")], Verdict.UNCHECKED, "a server we do not trust"),
        ([], Verdict.UNCHECKED, "nobody says anything"),
        (
            [(HEADER, "mx.example.org; dkim=none"), RECEIVED, GOOD],
            Verdict.UNSIGNED,
            "a verdict that came with the mail, below our own",
        ),
        (
            [(HEADER, "mx.example.org; spf=pass"), GOOD, RECEIVED],
            Verdict.SIGNED,
            "our server may write a header for each method",
        ),
        ([RECEIVED, GOOD, RECEIVED], Verdict.SIGNED, "the mail went through our own machines after it"),
        ([(HEADER, "mx.example.org; dkim=pass header.d=google.com" + " " * 30_000)], Verdict.UNCHECKED, "too long"),
    ],
)
def test_verdict(headers: list[tuple[str, str]], expected: Verdict, sentence: str) -> None:
    assert verdict(headers, "mx.example.org", ["google.com"]) is expected, sentence


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet='()";\\= \tdkim=pass header.d=google.com', max_size=200))
def test_whatever_a_header_holds_it_is_read(said: str) -> None:
    assert all("google.com" not in name or "dkim" in said for name in signers(said))
