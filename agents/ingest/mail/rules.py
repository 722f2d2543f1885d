"""Which mails are posts, and what in them is: rules that come with Earshot, or that a person has written instead.

A rule file lists rules; the first that fits a mail decides. Expressions are RE2's, so that none can stand still.
Where an expression is given by language, one that fits is enough, whatever the language.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import re2
from pydantic import AfterValidator, Field

from agents.ingest.formats.weblinks import GOOGLE, Wrapping
from agents.ingest.mail.authresults import Verdict, verdict
from agents.ingest.mail.letter import Head
from schemas.errors import ConfigError
from schemas.findings import Place, fit
from schemas.located import load_located
from schemas.model import Written
from schemas.watch import Identifier

NOBODY = "nobody"
"""Written for the name of a mail server: nobody checks signatures, and whoever can write a mail can raise an alert."""


@lru_cache(maxsize=1024)
def compiled(expression: str) -> Any:
    """Return the compiled expression.

    Raises:
        re2.error: it is none of RE2's.
    """
    options = re2.Options()
    options.log_errors, options.max_mem = False, 1 << 20
    return re2.compile(expression, options)


def _expression(value: str) -> str:
    try:
        compiled(value)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(f"{value!r} is no expression of RE2 ({said})") from None
    return value


Expression = Annotated[str, AfterValidator(_expression)]
ByLanguage = dict[str, tuple[Expression, ...]]


class MailRule(Written):
    """A kind of mail and what its posts are.

    `senders`: addresses, with `*` and `?`. `signed_by`: domains of which one must have signed (DKIM). `subjects`: one
    of these must be found; a group `(?P<author>…)` names the author. `each`: whether the `mail` is the post, or each
    `link` in it. `links`, `not_links`: which addresses count. `texts`: a group `(?P<text>…)` holds what was said;
    without a find all of the mail is it. `ends`: where the mail begins to speak of itself; the rest is dropped.
    """

    name: Identifier
    platform: Annotated[str, Field(pattern=r"^[a-z]+$")] = "web"
    senders: Annotated[tuple[str, ...], Field(min_length=1)]
    signed_by: tuple[str, ...] = ()
    subjects: ByLanguage = {}
    each: Literal["mail", "link"] = "mail"
    links: tuple[Expression, ...] = ("^https?://",)
    not_links: tuple[Expression, ...] = ()
    wrappings: tuple[Wrapping, ...] = (GOOGLE,)
    texts: ByLanguage = {}
    ends: ByLanguage = {}


class RuleFile(Written):
    """What a file of rules holds."""

    rules: Annotated[tuple[MailRule, ...], Field(min_length=1)]


class Choice(StrEnum):
    """What becomes of a mail, and why."""

    TAKEN = "taken"
    OTHER = "other"
    """No rule is about mails of this sender with this subject."""
    FORGED = "forged"
    """Our mail server says that it was not signed by whom it says it is from."""
    UNCHECKED = "unchecked"
    """Our mail server has not said anything about its signature."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What becomes of a mail: the rule that is about it, if one is, and whether its posts are taken."""

    choice: Choice
    rule: MailRule | None = None


def choose(rules: Iterable[MailRule], head: Head, server: str) -> Chosen:
    """Return which rule is about a mail, and whether it is to be trusted by the word of the mail server `server`."""
    rule = next((rule for rule in rules if _is_about(rule, head)), None)
    if rule is None:
        return Chosen(Choice.OTHER)
    if not rule.signed_by or server == NOBODY:
        return Chosen(Choice.TAKEN, rule)
    match verdict(head.headers, server, rule.signed_by):
        case Verdict.SIGNED:
            return Chosen(Choice.TAKEN, rule)
        case Verdict.UNSIGNED:
            return Chosen(Choice.FORGED, rule)
        case Verdict.UNCHECKED:
            return Chosen(Choice.UNCHECKED, rule)


def found(expressions: ByLanguage, text: str) -> Any:
    """Return the match of the first of `expressions` that is found in `text`, or nothing."""
    each = (compiled(one).search(text) for many in expressions.values() for one in many)
    return next((match for match in each if match), None)


def _is_about(rule: MailRule, head: Head) -> bool:
    if not any(fnmatchcase(head.sender, sender.lower()) for sender in rule.senders):
        return False
    return not rule.subjects or found(rule.subjects, head.subject) is not None


def shipped(name: str) -> tuple[MailRule, ...]:
    """Return the rules that come with Earshot under `name`."""
    file = files("agents.ingest") / "rules" / f"{name}.yml"
    return parse_rules(file.read_bytes(), f"{name}.yml")


def load_rules(path: Path) -> tuple[MailRule, ...]:
    """Return the rules of a person's own file.

    Raises:
        ConfigError: it cannot be read, or a rule is wrong; `where` is `file:line`.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot be read ({error.strerror})", where=str(path), hint="`rules` is relative to the sources file"
        ) from error
    return parse_rules(text, str(path))


def parse_rules(text: bytes, name: str) -> tuple[MailRule, ...]:
    """Return the rules that `text` lists.

    Raises:
        ConfigError: a rule is wrong; `where` is `name:line`.
    """
    data, line_of = load_located(text, name)
    examples = {"rules": '[{name: mention, senders: ["*@mail.example.com"], signed_by: [example.com]}]'}
    read, errors = fit(RuleFile, data, Place(name, line_of, examples=examples))
    if read is None:
        raise errors[0]
    return read.rules
