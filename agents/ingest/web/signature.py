"""The signature of a webhook request: who sends it, and that it is neither changed nor an old one sent again."""

import hmac
from collections.abc import Mapping
from hashlib import sha256

TIMESTAMP_HEADER = "X-Earshot-Timestamp"
SIGNATURE_HEADER = "X-Earshot-Signature"
VERSION = "v1="
MOST_SIGNATURES = 10


def sign(secret: bytes, timestamp: int, body: bytes) -> str:
    """Return the signature of `body` sent at `timestamp` (unix seconds), as the header carries it."""
    return VERSION + hmac.new(secret, f"{timestamp}.".encode() + body, sha256).hexdigest()


def refusal(secrets: tuple[bytes, ...], headers: Mapping[str, str], body: bytes, clock: tuple[float, float]) -> str:
    """Return why a request is not to be trusted, or nothing; `clock` is the time now and how far off one may be."""
    written = headers.get(TIMESTAMP_HEADER, "").strip()
    given = [part.strip() for part in headers.get(SIGNATURE_HEADER, "").split(",")]
    given = [part for part in given if part.startswith(VERSION)]
    if not written or not given:
        return f"{TIMESTAMP_HEADER} and {SIGNATURE_HEADER} ({VERSION}<hex>) are both needed"
    if not (written.isascii() and written.isdigit() and len(written) <= 12):
        return f"{TIMESTAMP_HEADER} must be whole seconds since 1970"
    now, window = clock
    if abs(now - int(written)) > window:
        return f"{TIMESTAMP_HEADER} is more than {window:.0f} s off: the clock is wrong or the request is an old one"
    if len(given) > MOST_SIGNATURES:
        return f"{SIGNATURE_HEADER} holds more than {MOST_SIGNATURES} signatures"
    # every pair is compared in constant time, and none is left out: the time taken tells nothing about the secrets
    wanted = [sign(secret, int(written), body).encode() for secret in secrets]
    equal = [hmac.compare_digest(one, other.encode()) for one in wanted for other in given]
    return "" if any(equal) else f"{SIGNATURE_HEADER} fits none of our secrets"
