"""The messages: what they say, and that nothing anybody posts can break or abuse them."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from agents.alert.letter import write
from agents.alert.localize import ELLIPSIS, UNBROKEN, Localizer, cut, excerpt
from agents.alert.render import console, mail, slack
from agents.alert.shown import web_address
from schemas.about import FACTORS
from schemas.alert import Alert, AlertReason, Hushed, Line
from schemas.matcher import Matcher
from schemas.mention import OWN
from schemas.severity import Severity
from schemas.watch import Owner, Purpose
from tests.agents.alert.samples import AT, alert, incident, quote, revision, signal

OVER = revision(3, AlertReason.RESOLVED)
PLAIN = signal(rule="count", expected=None, threshold=10.0, value=10.0, window=172_800.0)

GRAVE = revision(2, AlertReason.ROSE)
GRAVE = GRAVE.model_copy(update={"incident": GRAVE.incident.model_copy(update={"severity": "crisis"})})
LAPSED = revision(2, AlertReason.LAPSED)
LAPSED = LAPSED.model_copy(update={"incident": LAPSED.incident.model_copy(update={"acknowledged_by": "Eva"})})
NIGHTLY: tuple[tuple[str, Severity, int], ...] = (("a", "watch", 2), ("b", "crisis", 3))
LINES = tuple(
    Line(incident=name, reason=AlertReason.RESOLVED, severity=severity, at=AT, mentions=68, signal=signal(), held=held)
    for name, severity, held in NIGHTLY
)
DIGEST = alert(
    reason=AlertReason.DIGEST,
    lines=LINES,
    omitted=2,
    withheld="quiet-hours",
    incident=incident(signal=signal(rule="digest", value=5.0)),
)
ENDING = Hushed(
    id="fair",
    until=AT + timedelta(hours=1),
    by="Eva",
    reason="Messe",
    matchers=(Matcher(label="rule", values=("count",)),),
    held=1,
)
HUSHED = alert(reason=AlertReason.SILENCE_ENDS, silence=ENDING)

SCALED = alert(incident=incident(signal=signal(scaled="Herbstaktion (×1.5), Messe (×4)")))
OURS = alert(incident=incident(group={"entity": "own", "platform": "x"}))
STORY = alert(incident=incident(group={"story": "1a2b3c4d"}))
TAGGED = alert(incident=incident(group={"hashtag": "stromausfall", "author": "@eva"}))
CROWD = alert(incident=incident(others=7))
MUTED = OVER.model_copy(update={"incident": OVER.incident.model_copy(update={"inhibited": 12})})
MUTED_ONE = OVER.model_copy(update={"incident": OVER.incident.model_copy(update={"inhibited": 1})})
GROUPS = DIGEST.model_copy(
    update={"lines": (LINES[1].model_copy(update={"group": {"entity": "Netz AG"}, "inhibited": 4}),)}
)
ELSEWHERE = DIGEST.model_copy(update={"lines": (), "omitted": 0, "withheld": "inhibited", "note": "1a2b (konzern)"})
MANY = {name: 20.0 - at for at, name in enumerate(FACTORS[:9])} | {"data-loss": 14.0}

ONE_MORE = dict.fromkeys(FACTORS[:7], 5.0)
ONE = {"mentions": 1, "stories": 1, "negative": 1}
ONE_OVER = OVER.model_copy(update={"incident": OVER.incident.model_copy(update=ONE)})
ONE_LEFT = revision(2, AlertReason.ESCALATED)
ONE_LEFT = ONE_LEFT.model_copy(update={"incident": ONE_LEFT.incident.model_copy(update=ONE)})
NEXT_DAY = HUSHED.model_copy(update={"silence": ENDING.model_copy(update={"until": AT + timedelta(hours=25)})})

SAID = [
    ("held back by another watch's", "de", ELSEWHERE, "stadtwerke: 5 Meldungen nicht gesendet"),
    ("held back by another watch's", "de", ELSEWHERE, "Während der Vorfall 1a2b (konzern) offen war, wurden hier 5"),
    (
        "held back by another watch's",
        "en",
        ELSEWHERE,
        "While the incident 1a2b (konzern) was open, 5 messages were not",
    ),
    (
        "a campaign",
        "de",
        SCALED,
        "mehr üblich ist als sonst, ist eingerechnet: Kampagne Herbstaktion (×1,5), Messe (×4).",
    ),
    ("a campaign", "en", SCALED, "is usual now is allowed for: campaign Herbstaktion (×1.5), Messe (×4)."),
    ("whose it is", "de", OURS, "stadtwerke (eigene Marke, X): 34 Erwähnungen in 1 Stunde"),
    ("whose it is", "en", OURS, "stadtwerke (own brand, X): 34 mentions in 1 hour"),
    ("of which story", "de", STORY, "stadtwerke (Beitrag 1a2b3c4d): 34 Erwähnungen"),
    ("of which story", "en", STORY, "stadtwerke (story 1a2b3c4d): 34 mentions"),
    ("a hashtag and an author", "de", TAGGED, "stadtwerke (#stromausfall, @eva): 34 Erwähnungen"),
    ("of those without room", "de", CROWD, "stadtwerke (übrige Gruppen): 34 Erwähnungen"),
    ("how many they are", "de", CROWD, "Hier stehen 7 Gruppen zusammen"),
    ("how many they are", "en", CROWD, "7 groups share this one"),
    ("what it held back", "de", MUTED, "Während dieses Vorfalls wurden 12 weitere Meldungen nicht gesendet"),
    ("one that it held back", "de", MUTED_ONE, "wurde 1 weitere Meldung nicht gesendet"),
    ("what it held back", "en", MUTED, "While it was open, 12 more messages were not sent"),
    ("what it held back, in a digest", "de", GROUPS, "Netz AG – Krise: 68 Erwähnungen"),
    ("what it held back, in a digest", "de", GROUPS, "4 weitere Meldungen nicht gesendet"),
    ("what it held back, in a digest", "en", GROUPS, "4 more messages not sent"),
    ("how many since when, how many different", "de", alert(), "Seit 13:05 Uhr kamen 34 Erwähnungen zusammen"),
    ("how unusual", "de", alert(), "Das ist das 4,2-Fache des Üblichen: 34 statt etwa 8 in 1 Stunde."),
    ("the mood", "de", alert(), "Stimmung: 62 % klingen kritisch (21 von 34)."),
    ("where", "de", alert(), "Wo: X 20, Bluesky 8, Web 6."),
    ("the competitor", "de", alert(), "Zum Vergleich: eigene Marke 34, Netz AG 3."),
    ("who wrote it", "de", alert(), "X · @nordend_lebt (12.400 Follower) · 13:45 Uhr"),
    ("how far it got", "de", alert(), "13:45 Uhr · 9-mal verbreitet"),
    ("who acts by when", "de", alert(), "Pressestelle (presse@stadtwerke.example); bitte reagieren Sie bis 14:35 Uhr"),
    ("what for", "de", alert(), "Reputation – gemessen an: Antwort in unter einer Stunde"),
    ("why", "de", alert(), "Ihre Regel „plötzlicher Anstieg“ hat angeschlagen; gemeldet wird ab"),
    ("the query", "de", alert(), 'Stadtwerke OR "SW Musterstadt"'),
    ("growth", "de", revision(2), "In 2 Stunden sind es nun 68 Erwähnungen"),
    ("the end", "de", OVER, "Seit 16:05 Uhr ist es wieder ruhig. In 2 Stunden kamen insgesamt 102"),
    ("the height", "de", OVER, "Auf dem Höhepunkt waren es 60 in 1 Stunde."),
    ("in English", "en", alert(), "Since 13:05 CET there have been 34 mentions, 12 of them different"),
    ("unusual in English", "en", alert(), "That is 4.2 times the usual: 34 instead of about 8 in 1 hour."),
    ("owner in English", "en", alert(), "please respond by 14:35 CET"),
    ("the end in English", "en", OVER, "It has been quiet again since 16:05 CET."),
    (
        "a threshold without anything usual",
        "de",
        alert(incident=incident(signal=PLAIN)),
        "Damit ist die Schwelle erreicht, die Sie gesetzt haben: 10 in 2 Tagen.",
    ),
    ("from nothing", "de", alert(incident=incident(signal=signal(expected=0.0))), "Üblich ist hier Stille"),
    ("a single one", "de", alert(incident=incident(mentions=1, stories=1)), "gab es eine einzige Erwähnung."),
    ("all alike", "en", alert(incident=incident(stories=1)), "34 mentions, all saying the same"),
    ("all critical", "de", alert(incident=incident(negative=34)), "alle Erwähnungen klingen kritisch"),
    ("none critical", "de", alert(incident=incident(negative=0)), "keine Erwähnung klingt kritisch"),
    ("worse than known", "de", GRAVE, "jetzt Stufe „Krise“, 68 Erwähnungen"),
    ("nobody cares", "de", revision(2, AlertReason.ESCALATED), "seit 1 Stunde hat niemand übernommen"),
    ("who let it lie", "de", LAPSED, "Eva hat den Vorfall übernommen, und er ist noch nicht vorbei"),
    ("a reminder in English", "en", revision(2, AlertReason.REMINDER), "Nobody has taken the incident since 14:05 CET"),
    ("the quiet hours", "de", DIGEST, "stadtwerke: 4 Vorfälle in der Ruhezeit"),
    (
        "one of them",
        "de",
        DIGEST,
        "Krise: 68 Erwähnungen, wieder ruhig (14:05 Uhr; Regel „plötzlicher Anstieg“: 34 in 1 Stunde; 3 Nachrichten)",
    ),
    ("why in one", "de", DIGEST, "Was in Ihrer Ruhezeit geschieht, kommt danach in einer Nachricht."),
    ("why in one", "en", DIGEST, "What happens in your quiet hours comes after them, in one message."),
    ("why a notice", "de", HUSHED, "Sie sind bei dieser Watch als Empfänger eingetragen."),
    ("and the rest", "de", DIGEST, "und 2 weitere Vorfälle"),
    ("a digest in English", "en", DIGEST, "Nothing of it is lost: 5 messages were put into one."),
    ("a silence ends", "de", HUSHED, "Eva hat diese Watch bis 15:05 Uhr stummgeschaltet (rule=count): Messe."),
    ("what it held", "en", HUSHED, "It has held back 1 message so far."),
    (
        "what the highest score consists of, the strongest first",
        "de",
        alert(),
        "Höchstes Risiko der gezeigten Beiträge 68,5 von 100: kritischer Ton (+31,5), große Reichweite (+15,5), "
        "Erwähnung (+10), Ausfall (+10), neues Thema (+5), nur weitergegeben (−3).",
    ),
    (
        "the score in English",
        "en",
        alert(quotes=(quote(risk=20.0, factors={"mention": 10.0, "reach": 10.0}),)),
        "Risk 20 of 100: mentioned (+10), reach (+10).",
    ),
    (
        "the highest score of those that are shown",
        "de",
        alert(quotes=(quote(risk=5.0), quote(risk=40.0, factors={"safety": 30.0}), quote(risk=9.0), quote(risk=99.0))),
        "Höchstes Risiko der gezeigten Beiträge 40 von 100: Sicherheit (+30).",
    ),
    (
        "of many factors the strongest",
        "de",
        alert(quotes=(quote(factors=MANY),)),
        "Datenverlust (+14) und 3 weitere Faktoren.",
    ),
    ("praise", "en", alert(quotes=(quote(factors={"negativity": -12.0}),)), "68.5 of 100: friendly tone (−12)."),
    ("a factor of a later version", "en", alert(quotes=(quote(factors={"moon": 3.0}),)), "moon (+3)."),
    ("nothing but the score", "de", alert(quotes=(quote(risk=0.0, factors={}),)), "Risiko 0 von 100."),
    ("the risk of each post", "de", alert(), "9-mal verbreitet · Risiko 68,5"),
    ("a reminder measures nothing", "de", revision(2, AlertReason.REMINDER), "Zuletzt gemessen um 14:05 Uhr: 34 in 1"),
    (
        "a reminder measures nothing",
        "en",
        revision(2, AlertReason.REMINDER),
        "Last measured at 14:05 CET: 34 in 1 hour",
    ),
    (
        "why one is reminded",
        "de",
        revision(2, AlertReason.REMINDER),
        "Anstieg“ hat angeschlagen; solange niemand den Vorfall übernimmt, wird daran erinnert.",
    ),
    (
        "why one is asked again",
        "de",
        LAPSED,
        "wer einen Vorfall übernommen hat, wird nach einiger Zeit wieder gefragt.",
    ),
    ("one more factor", "de", alert(quotes=(quote(factors=ONE_MORE),)), "und 1 weiterer Faktor."),
    ("a day has an article", "de", alert(incident=incident(signal=PLAIN)), "Seit dem 2. März 2026, 14:05 Uhr kamen"),
    ("until a day", "de", alert(respond_by=AT + timedelta(days=1)), "reagieren Sie bis zum 5. März 2026, 14:05 Uhr"),
    ("how long it lasts", "de", revision(2), "Der Vorfall dauert seit 14:05 Uhr an."),
    ("the end of a single one", "de", ONE_OVER, "In 2 Stunden gab es eine einzige Erwähnung."),
    ("the end of a single one", "en", ONE_OVER, "Over 2 hours there was 1 mention in all, a single post."),
    ("nobody cares for a single one", "de", ONE_LEFT, "Bisher ist es 1 Erwähnung, ein einzelner Beitrag."),
    ("nobody cares for a single one", "en", ONE_LEFT, "So far there has been 1 mention, a single post."),
    ("the mood of a single one", "de", ONE_OVER, "Stimmung: Die Erwähnung klingt kritisch. "),
    ("the mood of a single one", "en", ONE_LEFT, "Mood: the mention sounds critical. "),
    ("what a single one is called", "de", ONE_LEFT, "Der Beitrag"),
    ("one in a hundred", "de", alert(incident=incident(mentions=100, negative=1)), "Stimmung: 1 % klingt kritisch"),
    ("a silence ends another day", "de", NEXT_DAY, "eine Stummschaltung endet am 5. März 2026, 15:05 Uhr"),
    ("a silence ends another day", "de", NEXT_DAY, "bis zum 5. März 2026, 15:05 Uhr stummgeschaltet"),
    ("almost all is not all", "de", alert(incident=incident(mentions=1000, negative=999)), "99 % klingen kritisch"),
]


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("sentence", "language", "made", "said"), SAID, ids=[f"{row[1]}: {row[0]}" for row in SAID])
def test_a_message_says(sentence: str, language: str, made: Alert, said: str) -> None:
    subject, html, text = mail(made, language)
    assert said in flat(text), sentence
    assert said in flat(Shown.of(html).text)
    assert said in slack_text(made, language)
    since = ("seit 4. März 2026, 14:05 Uhr", "since 4 March 2026, 14:05 CET")
    assert made.reason.a_notice or subject.endswith(since), "mail programs sort by it"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 10, 25, 0, 27, tzinfo=UTC), "02:27 Uhr (Sommerzeit)"),
        (datetime(2026, 10, 25, 1, 27, tzinfo=UTC), "02:27 Uhr (Winterzeit)"),
        (datetime(2026, 10, 25, 2, 27, tzinfo=UTC), "03:27 Uhr"),
        (datetime(2026, 3, 29, 1, 27, tzinfo=UTC), "03:27 Uhr"),
    ],
)
def test_the_hour_that_comes_twice_says_which_of_them_it_is(moment: datetime, said: str) -> None:
    assert Localizer("de").when(moment, moment) == said


def test_how_bad_it_is_stands_among_the_facts_where_it_is_more_than_worth_watching() -> None:
    assert "Stufe: Krise" in flat(console(GRAVE, "de"))
    assert "Stufe" not in flat(console(alert(), "de"))


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_factor_has_a_name_in_both_languages(language: str) -> None:
    for name in FACTORS:
        said = console(alert(quotes=(quote(factors={name: 5.0}),)), language)
        assert f"{name} (" not in flat(said) or (language == "en" and "-" not in name), name
        assert "(+5)" in flat(said), name


def test_an_alert_of_the_previous_version_says_nothing_of_risk() -> None:
    made = alert(quotes=(quote(risk=None, factors={}),))
    assert "Risiko" not in console(made, "de")


def slack_text(made: Alert, language: str) -> str:
    _, blocks = slack(made, language)
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    texts += [element["text"] for block in blocks for element in block.get("elements", ())]
    return flat(" ".join(texts).replace("*", ""))


@pytest.mark.parametrize(("language", "said"), [("de", "schon einmal erhalten"), ("en", "this message before")])
def test_a_possible_repeat_says_so(language: str, said: str) -> None:
    made = alert()
    for repeat in (True, False):
        _, blocks = slack(made, language, repeat=repeat)
        _, html, text = mail(made, language, repeat=repeat)
        forms = (json.dumps(blocks, ensure_ascii=False), html, text, console(made, language, repeat=repeat))
        assert all((said in flat(form)) is repeat for form in forms)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_end_compares_with_nobody(language: str) -> None:
    # the window has emptied by then: "own brand 0" beside all the mentions of the incident would be said
    over = OVER.model_copy(update={"shares": {OWN: 0, "Netz AG": 1}})
    assert "Netz AG" in console(alert(), language)
    assert "Netz AG" not in console(over, language)


def test_the_subject_of_an_incident_stays_the_same_so_that_mail_programs_thread_it() -> None:
    subjects = [mail(made, "de")[0] for made in (alert(), revision(2), revision(3, AlertReason.RESOLVED))]
    assert subjects[1] == subjects[2] == f"Re: {subjects[0]}"


def test_who_hears_of_an_incident_hears_too_that_its_watch_was_removed() -> None:
    made = revision(2, AlertReason.WITHDRAWN)
    german, english = (mail(made, language)[2] for language in ("de", "en"))
    assert "Vorfall geschlossen, die Watch wurde entfernt" in german
    assert "Der Vorfall war noch offen; was jetzt noch kommt, hört niemand." in flat(german)
    assert "bitte reagieren Sie" not in german
    assert "incident closed, the watch was removed" in english


SPANS = [
    (1.0, "1 Sekunde", "1 second"),
    (90.0, "1 Minute und 30 Sekunden", "1 minute and 30 seconds"),
    (3600.0, "1 Stunde", "1 hour"),
    (7500.0, "2 Stunden und 5 Minuten", "2 hours and 5 minutes"),
    (86_400.0, "1 Tag", "1 day"),
    (180_000.0, "2 Tagen und 2 Stunden", "2 days and 2 hours"),
    (86_460.0, "1 Tag", "1 day"),
    (3599.6, "1 Stunde", "1 hour"),
]


@pytest.mark.parametrize(("seconds", "german", "english"), SPANS)
def test_spans_of_time(seconds: float, german: str, english: str) -> None:
    # a German span follows "in", hence the dative
    assert (Localizer("de").span(seconds), Localizer("en").span(seconds)) == (german, english)


def test_summer_time_is_berlins_and_another_day_is_named() -> None:
    summer = AT.replace(month=7)
    assert Localizer("de").when(summer, summer) == "15:05 Uhr"
    assert Localizer("en").when(summer, summer + timedelta(hours=9)) == f"4{UNBROKEN}July 2026, 15:05 CEST"


LINKS = [
    ("a link", "https://x.com/a?b=1&c=2", "https://x.com/a?b=1&c=2"),
    ("capitals", "HTTPS://x.com/a", "HTTPS://x.com/a"),
    ("a script", "javascript:alert(1)", ""),
    ("data", "data:text/html,x", ""),
    ("a file", "file:///etc/passwd", ""),
    ("no host", "https:///a", ""),
    ("nothing", None, ""),
    ("what is no address at all", "http://[::1", ""),
    ("what would end a Slack link", "https://x.com/a|b>c<!here>", "https://x.com/a%7Cb%3Ec%3C!here%3E"),
    ("a line break and quotes", 'https://x.com/a\n" onclick="x', "https://x.com/a%0A%22%20onclick=%22x"),
    ("escaped already", "https://x.com/%C3%A4", "https://x.com/%C3%A4"),
    ("an umlaut", "https://x.com/ä", "https://x.com/%C3%A4"),
    ("endless", "https://x.com/" + "a" * 5000, ""),
]


@pytest.mark.parametrize(("sentence", "url", "shown"), LINKS, ids=[row[0] for row in LINKS])
def test_links(sentence: str, url: str | None, shown: str) -> None:
    assert web_address(url) == shown, sentence


NASTY = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="&<>*_~`|@#!\n\r\t\u202e\u2028\x00\x1b \"'{}%", max_size=4000),
    st.sampled_from(
        [
            "<!channel> <!here> <!everyone> <@U012345> <#C01> @channel @here",
            "</p><script>alert(1)</script><img src=x onerror=alert(1)>",
            "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
            "x\r\nBcc: everybody@example.org\r\n\r\nbody",
            "😀" * 3000,
            "&" * 3000,
            "",
        ]
    ),
)
COUNTS = st.integers(0, 10**9)


@st.composite
def nasty_alerts(draw: st.DrawFn) -> Alert:
    """An alert in which everything that people or platforms write is as unpleasant as it can be."""
    figures = st.floats(0, 1e12, allow_nan=False)
    held = Hushed(id=draw(NASTY), until=AT, by=draw(NASTY), reason=draw(NASTY), held=draw(COUNTS))
    tripped = signal(rule=draw(NASTY), value=draw(figures), threshold=draw(figures), expected=draw(st.none() | figures))
    tripped = tripped.model_copy(update={"scaled": draw(st.none() | NASTY)})
    number = draw(st.integers(1, 99))
    ended = draw(st.sampled_from(list(AlertReason)))
    made = incident(signal=tripped, revision=number, mentions=draw(COUNTS), stories=draw(COUNTS), negative=draw(COUNTS))
    group = draw(st.none() | st.dictionaries(st.sampled_from(["platform", "author", "site", "story"]), NASTY))
    apart = {"group": group, "others": draw(st.none() | COUNTS), "inhibited": draw(st.none() | COUNTS)}
    made = made.model_copy(update=apart)
    quotes = tuple(
        quote(
            text=draw(NASTY),
            author=draw(st.none() | NASTY),
            url=draw(st.none() | NASTY),
            platform=draw(NASTY),
            risk=draw(st.none() | figures),
            factors=draw(st.dictionaries(NASTY, figures, max_size=9)),
        )
        for _ in range(draw(st.integers(0, 5)))
    )
    counts = st.dictionaries(NASTY, COUNTS, max_size=8)
    return alert(
        incident=made,
        reason=ended,
        watch=draw(NASTY),
        query=draw(NASTY),
        purpose=Purpose.model_construct(goal=draw(NASTY), measure=draw(NASTY)),
        owner=Owner.model_construct(name=draw(NASTY), contact=draw(st.none() | NASTY), respond_within=60.0),
        quotes=quotes,
        silence=draw(st.none() | st.just(held)),
        lines=tuple(line.model_copy(update={"signal": tripped}) for line in LINES) * draw(st.integers(0, 9)),
        platforms=draw(counts),
        shares=draw(counts),
    )


class Shown(HTMLParser):
    """What a mail program would make of the HTML: its tags with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    @classmethod
    def of(cls, html: str) -> "Shown":
        shown = cls()
        shown.feed(html)
        return shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(max_examples=60, deadline=None)
@given(made=nasty_alerts(), language=st.sampled_from(["de", "en"]), repeat=st.booleans())
def test_slacks_limits_and_nobodys_attention_whatever_is_posted(made: Alert, language: str, repeat: bool) -> None:
    text, blocks = slack(made, language, repeat=repeat)
    assert len(blocks) <= 50
    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
    marked = [text] + [found["text"] for found in objects(blocks) if found["type"] == "mrkdwn"]
    for said in marked:
        assert 0 < len(said.encode("utf-16-le")) // 2 <= 3000
        links = re.findall(r"<([^<>]*)>", said)
        assert said.count("<") == said.count(">") == len(links)
        assert all(re.fullmatch(r"(?i)https?://[^|<>\s]+\|[^|<>]+", link) for link in links), "a link and nothing else"
        assert not re.search(r"@(channel|here|everyone)", re.sub(r"<[^>]*>", "", said))
        assert not re.search(r"&(?!(amp|lt|gt);)", said), "no entity is cut in two"
    assert all(found["text"] and len(found["text"]) <= 3000 for found in objects(blocks))
    assert all(found["emoji"] is False for found in objects(blocks) if found["type"] == "plain_text")


def objects(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [block["text"] for block in blocks if "text" in block] + [
        element for block in blocks for element in block.get("elements", ())
    ]


OUR_TAGS = {"html", "head", "meta", "title", "body", "div", "table", "tr", "td"} | {
    *("h1", "h2", "p", "ul", "li", "blockquote", "a")
}


@settings(max_examples=60, deadline=None)
@given(made=nasty_alerts(), language=st.sampled_from(["de", "en"]))
def test_a_mail_holds_our_tags_only_and_its_subject_is_one_short_line(made: Alert, language: str) -> None:
    subject, html, _ = mail(made, language)
    shown = Shown.of(html)
    assert {tag for tag, _ in shown.tags} <= OUR_TAGS
    for _, attributes in shown.tags:
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        assert re.match(r"(?i)https?://", attributes.get("href") or "https://")
    assert 0 < len(subject) <= 180
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e]", subject)


def test_templates_in_a_post_are_not_run() -> None:
    text = console(alert(quotes=(quote(text="{{ 7 * 7 }} {{ a.watch.__class__ }}"),)), "de")
    assert "{{ 7 * 7 }} {{ a.watch.__class__ }}" in text


@given(text=st.text(max_size=400), limit=st.integers(2, 300))
def test_a_cut_text_is_one_line_and_short_enough(text: str, limit: int) -> None:
    done = cut(text, limit)
    assert len(done) <= limit
    assert len(done.splitlines()) <= 1
    assert cut(done, limit) == done


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_line_is_not_broken_between_a_day_and_its_month(language: str) -> None:
    day, month = {"de": ("4.", "März"), "en": ("4", "March")}[language]
    for length in range(60, 80):
        owner = Owner(name="x" * length, contact="y", respond_within=86_400.0)
        made = alert(owner=owner, respond_by=AT + timedelta(days=0), at=AT + timedelta(days=3))
        said = console(made, language)
        assert f"{day}{UNBROKEN}{month}" in said
        assert not re.search(rf"{re.escape(day)}\s*\n\s*{month}", said)


def test_a_subject_has_ordinary_spaces() -> None:
    # programs put mails into one thread by their subject, and what was sent before had these
    assert UNBROKEN not in mail(alert(), "de")[0]


LATE = "Am Wochenende war viel los in der Stadt. " * 12 + "Nur die Stadtwerke fehlten. " + "Und so weiter. " * 30


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_long_post_is_cut_so_that_the_word_is_shown_that_was_asked_for(language: str) -> None:
    made = alert(quotes=(quote(text=LATE, found=LATE.index("Stadtwerke")),))
    _, blocks = slack(made, language)
    _, html, text = mail(made, language)
    begins = {"de": "„…", "en": "“…"}[language]
    assert any(begins in str(block) and "Nur die Stadtwerke fehlten." in str(block) for block in blocks)
    for said in (html, text, console(made, language)):
        assert "Nur die Stadtwerke fehlten." in said
    (extract,) = write(made, language).extracts
    assert extract.text.startswith(ELLIPSIS)
    assert extract.text.endswith(ELLIPSIS)


EXCERPTS = [
    ("all of it fits", "a few words of Acme", 15, 40, "a few words of Acme"),
    ("the word stands early", "Acme has " + "again " * 20, 0, 30, "Acme has again again again…"),
    ("nothing is known of a word", "long " * 20, 0, 22, "long long long long…"),
    ("the word is the last one shown", "one two three Acme and more", 14, 20, "one two three Acme…"),
    ("the word would be cut off", "one two three four Acme and more", 19, 20, "…four Acme and more"),
    ("it is cut on both sides", "one two three four Acme and so on and on", 19, 20, "…four Acme and so…"),
    ("white space counts once", "one    two \n\n three    four   Acme and more", 30, 20, "…four Acme and more"),
    ("a text that was shortened elsewhere", "one two three four …", 400, 12, "one two thr…"),
]


@pytest.mark.parametrize(("sentence", "text", "place", "limit", "shown"), EXCERPTS, ids=[row[0] for row in EXCERPTS])
def test_what_is_shown_of_a_text(sentence: str, text: str, place: int, limit: int, shown: str) -> None:
    assert excerpt(text, place, limit) == shown, sentence


@given(
    before=st.text(max_size=200),
    word=st.text("abcäö🔌", min_size=1, max_size=12),
    after=st.text(max_size=200),
    limit=st.integers(40, 200),
)
def test_the_word_that_was_asked_for_is_always_shown(before: str, word: str, after: str, limit: int) -> None:
    shown = excerpt(f"{before} {word} {after}", len(before) + 1, limit)
    assert word in shown
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("language", "said"), [("de", "LinkedIn erlaubt nicht, den Wortlaut"), ("en", "LinkedIn does not allow")]
)
def test_where_the_words_may_not_be_kept_there_is_a_link_to_them(language: str, said: str) -> None:
    url = "https://www.linkedin.com/feed/update/urn:li:activity:7"
    letter = write(alert(quotes=(quote(platform="linkedin", text="", author=None, url=url),)), language)
    (extract,) = letter.extracts
    assert extract.text.startswith(said)
    assert extract.url == url
