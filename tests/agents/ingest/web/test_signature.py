"""Who may push: signatures, their age, and secrets while they are changed."""

import pytest

from agents.ingest.web.signature import refusal, sign

OLD, NEW = b"old secret", b"new secret"
BODY = b'{"a":1}'
NOW = 1_700_000_000


def headers(signature: str, timestamp: object = NOW) -> dict[str, str]:
    return {"X-Earshot-Timestamp": str(timestamp), "X-Earshot-Signature": signature}


@pytest.mark.parametrize(
    ("given", "expected", "sentence"),
    [
        (headers(sign(NEW, NOW, BODY)), "", "signed with the new secret"),
        (headers(sign(OLD, NOW, BODY)), "", "signed with the old one, which still holds"),
        (headers(f"{sign(b'other', NOW, BODY)}, {sign(OLD, NOW, BODY)}"), "", "one of several fits"),
        (headers(f"v2=abc,{sign(OLD, NOW, BODY)}"), "", "beside a version of the future"),
        (headers(sign(OLD, NOW - 299, BODY), NOW - 299), "", "a little late"),
        (headers(sign(OLD, NOW - 301, BODY), NOW - 301), "more than 300 s off", "a recorded request sent again"),
        (headers(sign(OLD, NOW + 301, BODY), NOW + 301), "more than 300 s off", "from the future"),
        (headers(sign(OLD, NOW, BODY), NOW - 1), "fits none", "the timestamp was changed"),
        (headers(sign(OLD, NOW, BODY + b" ")), "fits none", "the body was changed"),
        (headers(sign(b"", NOW, BODY)), "fits none", "signed with nothing"),
        (headers("v1="), "fits none", "an empty signature"),
        (headers("v1=ä" + "0" * 63), "fits none", "letters that are not even ASCII"),
        (headers(""), "both needed", "no signature"),
        (headers("v2=abc"), "both needed", "only a version we do not know"),
        ({"X-Earshot-Signature": sign(OLD, NOW, BODY)}, "both needed", "no timestamp"),
        (headers(sign(OLD, NOW, BODY), "soon"), "whole seconds", "no number"),
        (headers(sign(OLD, NOW, BODY), "1" * 400), "whole seconds", "a number that fits nowhere"),
        (headers(sign(OLD, NOW, BODY), "１７０００００００"), "whole seconds", "digits of another script"),
        (headers(",".join(["v1=0"] * 11)), "more than 10", "guessing by the dozen"),
    ],
)
def test_trusted_or_not(given: dict[str, str], expected: str, sentence: str) -> None:
    reason = refusal((OLD, NEW), given, BODY, (NOW, 300.0))
    assert (expected in reason) if expected else reason == "", sentence


def test_the_signature_is_the_documented_one() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'old secret'
    assert sign(OLD, NOW, BODY) == "v1=" + OPENSSL


OPENSSL = "d4c8226a90bd6f6381c1f80e9573ce2e2c4e29f1f358073f14c86a9f81275d5e"
