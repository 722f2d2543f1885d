"""What alerts and notifications by mail say, as posts."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.ingest.mail.letter import read_body, read_head
from agents.ingest.mail.posts import posts_of
from agents.ingest.mail.rules import NOBODY, Choice, choose, parse_rules, shipped
from schemas.errors import ConfigError, InvalidMessage
from schemas.event import Post
from tests.agents.ingest import mails

ARRIVED = mails.NOON + timedelta(minutes=1)
ONE = ("Bahn: Brücke <b>gesperrt</b>", "Die Brücke ist zu", "https://news.example/a?x=1&y=2")
TWO = ("Zweite Meldung", "Mehr dazu", "https://blog.example/b")


def read(raw: bytes, service: str = "googlealerts") -> list[Post]:
    head = read_head(raw)
    chosen = choose(shipped(service), head, "mx.example.org")
    assert chosen.choice is Choice.TAKEN
    assert chosen.rule is not None
    return posts_of(chosen.rule, head, read_body(raw), ARRIVED)


@pytest.mark.parametrize("data", [True, False], ids=["json", "html"])
def test_each_result_of_a_google_alert_is_a_post_under_its_own_address(data: bool) -> None:
    first, second = read(mails.alert(ONE, TWO, data=data))
    assert first.key == "web:https://news.example/a?x=1&y=2"
    assert first.url == "https://news.example/a?x=1&y=2"
    assert (first.title, first.text, first.time) == ("Bahn: Brücke gesperrt", "Die Brücke ist zu", mails.NOON)
    assert (second.title, second.text) == ("Zweite Meldung", "Mehr dazu")


def test_json_and_html_say_the_same() -> None:
    assert read(mails.alert(ONE, TWO, data=True, html=False)) == read(mails.alert(ONE, TWO, data=False))


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("utf-8", "base64"), ("utf-8", "quoted-printable"), ("iso-8859-1", "quoted-printable"), ("windows-1252", "8bit")],
)
def test_however_the_mail_is_encoded(charset: str, encoding: str) -> None:
    [post] = read(mails.alert(ONE, data=False, charset=charset, encoding=encoding))
    assert post.text == "Die Brücke ist zu"


def test_a_json_block_that_is_broken_leaves_the_html() -> None:
    raw = mails.alert(ONE).replace(b'"cards"', b'"cards')
    assert [post.url for post in read(raw)] == ["https://news.example/a?x=1&y=2"]


@pytest.mark.parametrize(
    "data",
    [
        b"[]", b"null", b"{}", b'{"cards": 1}', b'{"cards": [1, {"widgets": [1, {}, {"url": 1, "title": "x"}]}]}',
        b"[" * 5000, b'{"cards": [{"widgets": [{"url": "javascript:alert(1)", "title": "x"}]}]}',
    ],
)  # fmt: skip
def test_a_json_block_of_another_shape_leaves_the_html(data: bytes) -> None:
    begin, end = b'<script type="application/json" data-scope="inboxmarkup">', b"</script>"
    raw = mails.alert(ONE, data=False).replace(b"<head>", b"<head>" + begin + data + end)
    assert [post.title for post in read(raw)] == ["Bahn: Brücke gesperrt"]


def test_a_page_that_is_linked_twice_is_one_post() -> None:
    [post] = read(mails.alert(("", "", ONE[2]), ONE, data=False))
    assert post.title == "Bahn: Brücke gesperrt"


def test_what_google_says_about_itself_is_no_post() -> None:
    with pytest.raises(InvalidMessage, match="nothing-found"):
        read(mails.alert(("Edit", "this", "https://www.google.com/alerts/edit")))


def test_a_mail_from_the_future_is_of_when_it_arrived() -> None:
    [post] = read(mails.alert(ONE, date="Fri, 31 Dec 2100 00:00:00 +0000"))
    assert post.time == ARRIVED


def test_hostile_html_costs_no_more_than_its_length() -> None:
    for piece in ("<a ", "<", "</", "<!--", "<svg>", "<a href='", "&#"):
        raw = mails.alert(ONE, data=False).replace(b"</table>", b"</table>" + piece.encode() * 150_000)
        assert read(raw)[0].title == "Bahn: Brücke gesperrt"


def test_talkwalker() -> None:
    body = (
        '<a href="https://alerts.talkwalker.com/alerts/view?url=https%3A%2F%2Fnews.example%2Fa">Brücke gesperrt</a>'
        '<div>news.example</div><p>Die Brücke ist zu</p><a href="https://www.talkwalker.com/x">Talkwalker</a>'
        '<p>Unsubscribe</p><a href="https://elsewhere.example">x</a>'
    )
    [post] = read(mails.mail("alerts@talkwalker.com", "Talkwalker Alert: Bahn", body), "talkwalker")
    assert (post.url, post.title) == ("https://news.example/a", "Brücke gesperrt")
    assert "Die Brücke ist zu" in post.text


@pytest.mark.parametrize(
    ("subject", "author"),
    [
        ("Eva Muster hat Sie in einem Beitrag erwähnt", "Eva Muster"),
        ("Eva Muster hat Deinen Beitrag kommentiert", "Eva Muster"),
        ("Eva Muster mentioned you in a comment", "Eva Muster"),
        ("Max O'Neill has commented on your post", "Max O'Neill"),
        ("Neuer Kommentar zu Ihrem Beitrag", "Eva Muster"),
    ],
)
def test_xing(subject: str, author: str) -> None:
    text = (
        "Hallo,\nEva schreibt: „Die Brücke ist schon wieder zu!“\n"
        "https://www.xing.com/settings/x\nhttps://www.xing.com/communities/posts/123\n\n"
        "Diese E-Mail wurde automatisch versandt\nNew Work SE, Hamburg\n"
    )
    [post] = read(mails.xing(subject, text, message_id="m1@mail.xing.com"), "xing")
    assert post.key == "xing:m1@mail.xing.com"
    assert post.author is not None
    assert post.author.name == author
    assert post.text == "Die Brücke ist schon wieder zu!"
    assert post.url == "https://www.xing.com/communities/posts/123"


def test_a_xing_mail_without_a_quotation_is_all_of_its_text_but_the_footer() -> None:
    [post] = read(mails.xing("Neue Erwähnung", "Jemand hat Sie erwähnt\n\nImpressum\nNew Work SE"), "xing")
    assert post.text == "Jemand hat Sie erwähnt"


def test_linkedin() -> None:
    body = '<p>Great talk</p><a href="https://www.linkedin.com/comm/feed/update/urn:li:activity:1">View</a>'
    sender = "LinkedIn <notifications-noreply@linkedin.com>"
    [post] = read(mails.mail(sender, "Eva Muster mentioned you in a post", body), "linkedin")
    assert (post.platform, post.url) == ("linkedin", "https://www.linkedin.com/comm/feed/update/urn:li:activity:1")
    assert post.text == "Great talk\nView"


@pytest.mark.parametrize(
    ("raw", "expected", "sentence"),
    [
        (mails.alert(ONE), Choice.TAKEN, "an alert as Google sends it"),
        (mails.alert(ONE, signed="evil.example"), Choice.FORGED, "signed by somebody else"),
        (mails.alert(ONE, signed=""), Choice.UNCHECKED, "nobody has looked at the signature"),
        (
            mails.mail("googlealerts-noreply@google.com.evil", "x", "x"),
            Choice.OTHER,
            "a sender that looks alike",
        ),
        (mails.mail("Eva <eva@example.org>", 'Google Alert - "Bahn"', "x"), Choice.OTHER, "somebody's own mail"),
    ],
)
def test_which_mails_count(raw: bytes, expected: Choice, sentence: str) -> None:
    assert choose(shipped("googlealerts"), read_head(raw), "mx.example.org").choice is expected, sentence


def test_whoever_trusts_everybody_may() -> None:
    head = read_head(mails.alert(ONE, signed=""))
    assert choose(shipped("googlealerts"), head, NOBODY).choice is Choice.TAKEN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: []", r"r.yml:1: `rules` is empty"),
        ("rules: [{name: a, senders: [x@y], subject: {}}]", "`rules\\[0\\].subject` is not a field here .*`subjects`"),
        ("rules: [{name: a, senders: [x@y], subjects: {de: ['(']}}]", "'\\(' is no expression of RE2 \\(missing \\)"),
        ("rules: [{name: a}]", r"`rules\[0\].senders` is missing"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_rules(text.encode(), "r.yml")


def test_the_time_is_the_mails_own() -> None:
    [post] = read(mails.alert(ONE, date="Sat, 8 Nov 2025 09:00:00 +0100"))
    assert post.time == datetime(2025, 11, 8, 8, 0, tzinfo=UTC)
