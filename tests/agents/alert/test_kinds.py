"""What a message says of each kind of rule: what it has measured, in its own words, and nothing that is not so."""

from collections.abc import Mapping
from typing import Any

import pytest

from agents.alert.letter import write
from agents.alert.localize import UNBROKEN
from agents.alert.render import console
from pipeline.detect import detectors
from schemas.alert import Alert, AlertReason
from schemas.incident import IncidentState
from tests.agents.alert.samples import AT, alert, incident, signal

DAY = 86_400.0
COUNTED = {"count", "spike", "unusual-volume"}
"""The kinds that measure mentions: of them it is said how many there are, and instead of how many."""


def of(kind: str, value: float, threshold: float, mentions: int = 34, **about: Any) -> Alert:
    tripped = signal(rule=kind, kind=kind, value=value, threshold=threshold, **{"expected": None, **about})
    made = incident(signal=tripped, mentions=mentions, stories=mentions, negative=mentions // 2)
    return alert(incident=made) if mentions else alert(incident=made, quotes=(), platforms={}, shares={"Netz AG": 20})


def later(found: Alert, reason: AlertReason) -> Alert:
    over = {"state": IncidentState.RESOLVED, "resolved": AT} if reason is AlertReason.RESOLVED else {}
    return found.model_copy(update={"reason": reason, "incident": found.incident.model_copy(update=over)})


QUIET = of("silence", 12, 12, 0, window=43_200.0)
LOST = of("share-of-voice", 0.88, 0.7, 0, expected=0.0, about="below", window=DAY)
SAID: list[tuple[str, Alert, str, str]] = [
    ("each is wanted", of("every", 3, 1), "de", "Gemeldet wird jede Erwähnung; in 1 Stunde waren es 3."),
    ("each is wanted", of("every", 1, 1), "en", "Each mention is reported. Mood"),
    ("nothing is heard", QUIET, "de", "stadtwerke: seit 12 Stunden keine Erwähnung"),
    ("nothing is heard", QUIET, "de", "Gemeldet wird ab 12 Stunden ohne Erwähnung."),
    ("nothing is heard", QUIET, "en", "stadtwerke: no mention for 12 hours"),
    ("still nothing", later(of("silence", 24, 12, 0), AlertReason.GREW), "de", "seit 1 Tag keine Erwähnung"),
    ("heard again", later(QUIET, AlertReason.RESOLVED), "de", "Die eigene Marke ist wieder zu hören"),
    (
        "a share, and what of it is sure",
        of("negative-share", 0.434, 0.4, expected=0.64),
        "de",
        "64 % der Erwähnungen in 1 Stunde klingen kritisch, sicher mindestens 43 %; gemeldet wird ab 40 %.",
    ),
    ("a share", of("negative-share", 0.434, 0.4, expected=0.64), "en", "64% of the mentions in 1 hour sound critical"),
    (
        "a turn",
        of("sentiment-shift", 0.19, 0.15, expected=0.2),
        "de",
        "sicher um mindestens 19 Prozentpunkte höher als davor (20 %); gemeldet wird ab 15.",
    ),
    ("too little", LOST, "de", "beträgt 0 % in 1 Tag; gemeldet wird, wenn er sicher nicht über 30 % liegt."),
    ("too little", LOST, "de", "Seit dem 3. März 2026, 14:05 Uhr gab es keine Erwähnung der eigenen Marke."),
    ("much", of("share-of-voice", 0.5, 0.4, expected=0.6, about="above"), "de", "er sicher mindestens 40 % beträgt"),
    (
        "a sum",
        of("amount", 106_889, 100_000, about="sum of reach"),
        "de",
        "Reichweite der Beiträge in 1 Stunde: zusammen 106.889; gemeldet wird ab 100.000.",
    ),
    (
        "a mean",
        of("amount", 5, 4, about="mean of engagement"),
        "de",
        "Reaktionen der Beiträge in 1 Stunde: im Durchschnitt 5",
    ),
    (
        "a percentile",
        of("amount", 62.7, 40, about="p95 of risk"),
        "en",
        "Risk of the posts in 1 hour: 95th percentile 62.7",
    ),
    (
        "how many",
        of("distinct", 20, 20, about="author"),
        "de",
        "20 verschiedene Absender in 1 Stunde; gemeldet wird ab 20.",
    ),
    ("a word", of("new", 3, 3, about="tramchaos"), "de", "Das gab es noch nicht: „tramchaos“ mit 3 Erwähnungen"),
    (
        "somebody",
        of("new", 3, 3, about="an author"),
        "en",
        "somebody who has not been heard here before, with 3 mentions",
    ),
    ("a voice", of("influencer", 1, 1), "de", "1 Beitrag in 1 Stunde stammt von gewichtigen Absendern"),
    ("a post", of("taking-off", 640, 500, about="x:1"), "de", "Ein Beitrag hat in 1 Stunde 640 Reaktionen gesammelt"),
    (
        "more than theirs",
        of("peer-spike", 4.7, 3, expected=0.8, about="own brand alone"),
        "de",
        "4,7-mal so stark gewachsen wie das über Ihre Mitbewerber; gemeldet wird ab 3-mal.",
    ),
    (
        "all of them",
        of("peer-spike", 4, 3, expected=4.0, about="whole sector"),
        "de",
        "mindestens das 4-Fache des Üblichen geschrieben; gemeldet wird ab dem 3-Fachen.",
    ),
    ("from nothing", of("unusual-volume", 5, 5, expected=0.0), "de", "Sonst gibt es um diese Zeit keine Erwähnung."),
    ("several at once", of("composite", 1.6, 1), "de", "Die Bedingungen, die Sie in einer Regel verbunden haben, sind"),
]


@pytest.mark.parametrize(("what", "told", "language", "said"), SAID)
def test_what_is_said_of_each_kind_of_rule(what: str, told: Alert, language: str, said: str) -> None:
    letter = write(told, language)
    whole = " ".join((letter.headline, letter.lead, *letter.details))
    assert said in whole.replace(UNBROKEN, " "), what


TALK = {"own": 12, "Netz AG": 30, "Globex": 54, "Initech": 3, "Hooli": 1}
BELOW = of("share-of-voice", 0.82, 0.7, expected=0.12, about="below").model_copy(update={"shares": TALK})
ALONE = of("share-of-voice", 0.9, 0.4, expected=1.0, about="above").model_copy(update={"shares": {"own": 34}})
HEADLINES = [
    (BELOW, "de", "stadtwerke: Anteil am Gespräch in 1 Stunde: eigene Marke 12 %, Globex 54 %, Netz AG 30 %"),
    (BELOW, "en", "stadtwerke: share of the talk in 1 hour: own brand 12%, Globex 54%, Netz AG 30%"),
    (later(BELOW, AlertReason.GREW), "de", "stadtwerke: Anteil am Gespräch in 1 Stunde: eigene Marke 12 %, Glo"),
    (later(BELOW, AlertReason.ROSE), "de", "jetzt Stufe „Beobachten“, Anteil am Gespräch: eigene Marke 12 %, Glo"),
    (later(BELOW, AlertReason.ROSE), "en", "now at level “watch”, share of the talk: own brand 12%, Globex 54%, N"),
    (later(BELOW, AlertReason.RESOLVED), "en", "stadtwerke: quiet again after"),
    (LOST, "de", "stadtwerke: Anteil am Gespräch in 1 Tag: eigene Marke 0 %, Netz AG 100 %"),
    (ALONE, "en", "stadtwerke: share of the talk in 1 hour: own brand 100%"),
]


@pytest.mark.parametrize(("told", "language", "said"), HEADLINES)
def test_the_headline_of_a_share_of_voice_names_the_shares(told: Alert, language: str, said: str) -> None:
    headline = write(told, language).headline.replace(UNBROKEN, " ")
    assert said in headline
    assert "34" not in headline, "the number of mentions says nothing of it"


@pytest.mark.parametrize(("what", "told", "language", "said"), SAID)
def test_no_share_is_told_as_a_number_of_mentions(what: str, told: Alert, language: str, said: str) -> None:
    text = " ".join(console(told, language).split())
    false = (
        "-Fache des Üblichen: ",
        "times the usual: ",
        "Im gleich langen Zeitraum davor",
        " 0 Erwähnungen",
        " 0 mentions",
    )
    assert not [one for one in false if one in text], what
    # one subject for the whole incident, whichever of its rules leads: mail programs thread by it
    assert write(told, "de").subject == "stadtwerke: Vorfall seit 4. März 2026, 14:05 Uhr"


def test_every_kind_of_rule_has_words_of_its_own() -> None:
    """A new kind is either one that counts mentions, or says what it measures."""
    kinds: Mapping[str, object] = detectors()
    assert {told.incident.signal.kind for _, told, _, _ in SAID} | COUNTED == set(kinds)
