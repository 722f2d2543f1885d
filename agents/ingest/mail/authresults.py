"""The verdict of our own mail server on who signed a mail: its Authentication-Results (RFC 8601).

Anybody can write such a header. What counts is written by a server that we trust by name, and of those only the
topmost run: a receiving server puts its own above all that came with the mail, and a `Received` line ends the run.
"""

from collections.abc import Iterable
from enum import StrEnum

LONGEST = 20_000
"""A header that is longer was not written by a server that means well."""


class Verdict(StrEnum):
    """What is known about the signature of a mail; only `SIGNED` lets it in where a signature is asked for."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"


def verdict(headers: Iterable[tuple[str, str]], server: str, domains: Iterable[str]) -> Verdict:
    """Return whether `server` says that one of `domains`, or a part of one, has signed the mail with DKIM.

    `headers` are those of the mail from the top down. `UNCHECKED`: the server has not written anything.

    >>> said = ("Authentication-Results", "mx.example; dkim=pass (2048-bit key) header.d=google.com")
    >>> verdict([said], "mx.example", ["google.com"])
    <Verdict.SIGNED: 'signed'>
    >>> verdict([said], "mx.example", ["xing.com"]), verdict([said], "other.example", ["google.com"])
    (<Verdict.UNSIGNED: 'unsigned'>, <Verdict.UNCHECKED: 'unchecked'>)
    """
    wanted = [domain.lower() for domain in domains]
    found = [signers(said) for said in _trusted(headers, server)]
    if not found:
        return Verdict.UNCHECKED
    signed = any(_is_part(name, domain) for names in found for name in names for domain in wanted)
    return Verdict.SIGNED if signed else Verdict.UNSIGNED


def signers(said: str) -> frozenset[str]:
    """Return the domains whose DKIM signature one header says has passed, in lower case."""
    names = set()
    for statement in _split(said, ";")[1:]:
        words = statement.replace("\t", " ").split()
        if not words or words[0].lower() != "dkim=pass":
            continue
        for word in words[1:]:
            name, _, value = word.partition("=")
            if name.lower() in ("header.d", "header.i"):
                names.add(value.strip('"').rpartition("@")[2].lower())
    return frozenset(names)


def _trusted(headers: Iterable[tuple[str, str]], server: str) -> list[str]:
    found: list[str] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == "received" and found:
            break
        if lowered != "authentication-results" or len(value) > LONGEST:
            continue
        words = _split(value, ";")[0].split()
        if words and words[0].strip('"').lower() == server.lower():
            found.append(value)
    return found


def _split(text: str, separator: str) -> list[str]:
    """Split where `separator` stands outside of quotes and comments; comments are left out."""
    parts, part, depth, quoted, escaped = [], "", 0, False, False
    for letter in " ".join(text.split()):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
            continue
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter in "()" and not quoted:
            depth = max(0, depth + (1 if letter == "(" else -1))
            continue
        elif letter == separator and not quoted and not depth:
            parts.append(part)
            part = ""
            continue
        if not depth:
            part += letter
    return [*parts, part]


def _is_part(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
