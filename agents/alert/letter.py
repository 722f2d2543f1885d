"""What a message says, in one language and without any markup; `render` gives it the form of each medium.

The sentences stand in `templates/de.j2` and `templates/en.j2`, one macro each; an empty sentence is left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agents.alert.figures import NAME_LIMIT, counted, figure, ratio, rivals, voice
from agents.alert.localize import UNBROKEN, Localizer, cut, excerpt, one_line
from agents.alert.shown import platform, web_address
from pipeline.stories.sketch import number
from schemas.alert import Alert, Hushed, Quote
from schemas.incident import IncidentState
from schemas.mention import OWN
from schemas.retention import may_last
from schemas.severity import SEVERITIES
from schemas.signal import Signal

TEMPLATES = Path(__file__).parent / "templates"
QUOTES = 3
TEXT_LIMIT = 280
FACTORS = 6
"""So many factors of a score are named, the strongest."""
LINES = 10
"""So many incidents of a digest are told of one by one."""
QUERY_LIMIT = 300
NOTE_LIMIT = 380

DETAILS = ("unusual", "campaign", "mood", "risk", "spread", "compare", "crowd", "held_back")
"""The sentences below the first, in this order."""

environment = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    autoescape=lambda name: bool(name and name.endswith(".html.j2")),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Extract:
    """A representative post. `url` is http or https, or empty; `about` are short facts: author, time, copies.

    Of one that is `gone` there is a sentence that says so, and where it stood.
    """

    text: str
    platform: str
    about: tuple[str, ...]
    url: str
    number: int = 0
    """Stands for the post, so that it is found again in a message: no id of a post is a good name everywhere."""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A message. `facts` are label and text: who acts, what for, why it was sent."""

    language: str
    subject: str
    headline: str
    lead: str
    details: tuple[str, ...]
    extracts_title: str
    extracts: tuple[Extract, ...]
    open_label: str
    facts: tuple[tuple[str, str], ...]
    footer: str
    repeat: str


def write(alert: Alert, language: str, *, repeat: bool = False) -> Letter:
    """Write the message of `alert`; with `repeat` it says that it may have arrived before."""
    local = Localizer(language)
    facts = _facts(alert, local)
    template = environment.get_template(f"{language}.j2").make_module({"a": facts})

    def say(name: str) -> str:
        return one_line(str(getattr(template, name)()))

    details = tuple(text for name in DETAILS if (text := say(name)))
    details += tuple(_lines(alert, local, template))
    named = (
        ("severity_label", "severity"),
        ("owner_label", "owner"),
        ("taken_label", "taken"),
        ("purpose_label", "purpose"),
        ("why_label", "why"),
        ("query_label", "query"),
    )
    return Letter(
        language=language,
        subject=say("subject").replace(UNBROKEN, " "),
        headline=say("headline"),
        lead=say("lead"),
        details=details,
        extracts_title=say("extracts_title"),
        extracts=tuple(_extract(found, alert, local, template) for found in alert.quotes[:QUOTES]),
        open_label=say("open_label"),
        facts=tuple((say(label), text) for label, name in named if (text := say(name))),
        footer=say("footer"),
        repeat=say("repeat") if repeat else "",
    )


def _facts(alert: Alert, local: Localizer) -> SimpleNamespace:
    """Return all that the sentences need, figures in `local`'s words beside the bare ones."""
    incident, signal = alert.incident, alert.incident.signal
    end = incident.resolved or alert.at
    began = incident.opened - timedelta(seconds=signal.window)
    return SimpleNamespace(
        watch=cut(alert.watch, NAME_LIMIT),
        reason=alert.reason.value,
        revision=incident.revision,
        incident=cut(incident.id, NAME_LIMIT),
        mentions=incident.mentions,
        stories=incident.stories,
        negative=incident.negative,
        negative_share=local.share(incident.negative, incident.mentions),
        number=local.number,
        window=local.span(signal.window),
        began=local.when(began, alert.at),
        since_began=local.span((alert.at - began).total_seconds()),
        lasted=local.span((end - incident.opened).total_seconds()),
        unheard=local.span(3600 * signal.value + (end - signal.at).total_seconds()),
        opened=local.when(incident.opened, alert.at),
        opened_in_full=local.moment(incident.opened),
        ended=local.when(end, alert.at),
        last_signal=local.when(incident.last_signal, alert.at),
        at=local.moment(alert.at),
        peak=incident.peak,
        **_measured(signal, local),
        platforms=counted({platform(name): count for name, count in alert.platforms.items()}, local),
        shares=counted(rivals(alert), local),
        voice=voice(alert, local),
        own=alert.shares.get(OWN, 0),
        query=cut(alert.query, QUERY_LIMIT),
        goal=cut(alert.purpose.goal, NAME_LIMIT),
        measure=cut(alert.purpose.measure, TEXT_LIMIT),
        owner=cut(alert.owner.name, NAME_LIMIT),
        contact=cut(alert.owner.contact or "", NAME_LIMIT),
        note=cut(alert.note or "", NOTE_LIMIT),
        risk=_risk(alert, local),
        **_handling(alert, local),
        respond_by=local.when(alert.respond_by, alert.at) if alert.respond_by else "",
    )


def _measured(signal: Signal, local: Localizer) -> dict[str, Any]:
    """Return what there is to say of a rule and its figures."""
    return {
        "signal": signal,
        "kind": signal.kind,
        "rule": cut(signal.rule, NAME_LIMIT),
        "about": cut(signal.about or "", NAME_LIMIT),
        "ratio": ratio(signal),
        "percent": lambda part: local.share(part, 1),
        "silent": local.span(3600 * signal.value),
    }


def _group(group: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Return whose an incident is, as label and name, where the watch tells its incidents apart."""
    shown = ((label, platform(name) if label == "platform" else name) for label, name in (group or {}).items())
    return tuple((label, cut(name, NAME_LIMIT)) for label, name in shown)


def _campaign(signal: Signal, local: Localizer) -> str:
    """Return which campaigns have scaled what is usual, and how much, as people write it."""
    point = "," if local.language == "de" else "."
    return cut(re.sub(r"(?<=×)(\d+)\.(\d+)(?=\))", rf"\1{point}\2", signal.scaled or ""), TEXT_LIMIT)


def _risk(alert: Alert, local: Localizer) -> SimpleNamespace | None:
    """Return the highest score of the posts that are shown, and its strongest factors; None where none is known."""
    shown = [quote for quote in alert.quotes[:QUOTES] if quote.risk is not None]
    worst = max(shown, key=lambda quote: quote.risk or 0.0, default=None)
    if worst is None or worst.risk is None:
        return None
    ranked = sorted(worst.factors.items(), key=lambda one: (-abs(one[1]), one[0]))
    factors = [
        SimpleNamespace(name=cut(name, NAME_LIMIT), value=points, points=local.signed(points))
        for name, points in ranked[:FACTORS]
    ]
    return SimpleNamespace(
        value=local.number(worst.risk), factors=factors, more=len(ranked[FACTORS:]), several=len(alert.quotes) > 1
    )


def _handling(alert: Alert, local: Localizer) -> dict[str, Any]:
    """Return what there is to say about who takes care, whose it is, what is allowed for, and what was held back."""
    incident = alert.incident
    return {
        "severity": incident.severity,
        "lines": len(alert.lines) + alert.omitted,
        "withheld": alert.withheld or "",
        "taken": incident.state is IncidentState.ACKNOWLEDGED,
        "acknowledged_by": cut(incident.acknowledged_by or "", NAME_LIMIT),
        "alone": local.span((alert.at - incident.opened).total_seconds()),
        "silence": _silence(alert, local),
        "group": _group(incident.group),
        "others": incident.others or 0,
        "inhibited": incident.inhibited or 0,
        "campaign": _campaign(incident.signal, local),
    }


def _silence(alert: Alert, local: Localizer) -> SimpleNamespace:
    """Return what is to be said of a silence that ends."""
    found = alert.silence or Hushed(id="", until=alert.at, by="")
    return SimpleNamespace(
        until=local.when(found.until, alert.at),
        by=cut(found.by, NAME_LIMIT),
        reason=cut(found.reason, NAME_LIMIT),
        matchers=cut(", ".join(map(str, found.matchers)), TEXT_LIMIT),
        held=found.held,
    )


def _lines(alert: Alert, local: Localizer, template: object) -> Iterator[str]:
    """Yield a sentence for each incident of a digest, the worst first, and one for those there is no room for."""
    worst = sorted(alert.lines, key=lambda line: (-SEVERITIES.index(line.severity), -line.mentions, line.incident))
    for line in worst[:LINES]:
        about = SimpleNamespace(
            reason=line.reason.value,
            severity=line.severity,
            at=local.when(line.at, alert.at),
            mentions=line.mentions,
            rule=cut(line.signal.rule, NAME_LIMIT),
            value=figure(line.signal, local),
            window=local.span(line.signal.window),
            held=line.held,
            number=local.number,
            group=_group(line.group),
            inhibited=line.inhibited or 0,
        )
        yield one_line(str(getattr(template, "digest_line")(about)))  # noqa: B009 - a macro of the template
    if rest := len(worst[LINES:]) + alert.omitted:
        yield one_line(str(getattr(template, "digest_rest")(rest)))  # noqa: B009


def _extract(found: Quote, alert: Alert, local: Localizer, template: Any) -> Extract:
    if found.gone:
        return Extract(one_line(str(template.quote_gone())), platform(found.platform), (), "", gone=True)
    about = SimpleNamespace(
        author=cut(found.author or "", NAME_LIMIT),
        followers=found.followers or 0,
        time=local.when(found.time, alert.at),
        copies=found.copies,
        risk=found.risk,
        number=local.number,
    )
    said = (one_line(str(getattr(template, f"quote_{name}")(about))) for name in ("author", "time", "copies", "risk"))
    withheld = "" if may_last(found.platform) else one_line(str(template.quote_withheld(platform(found.platform))))
    edited = one_line(str(template.quote_edited())) if found.edited else ""
    return Extract(
        text=withheld or edited or excerpt(found.text, found.found, TEXT_LIMIT) or ELLIPSIS_ONLY,
        platform=platform(found.platform),
        about=tuple(text for text in said if text),
        url=web_address(found.url),
        number=number(found.mention),
    )


ELLIPSIS_ONLY = "(…)"
"""Stands for a post without text, such as a bare picture."""
