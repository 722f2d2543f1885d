"""Block Kit as HTML: what Slack shows is shown, and nothing that came with a message becomes markup of the page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.blocks import mrkdwn, render_blocks, text_object
from schemas.errors import DeliveryError


@pytest.mark.parametrize(
    ("written", "shown", "sentence"),
    [
        ("*fat* and _slanted_ and ~gone~", "<b>fat</b> and <i>slanted</i> and <s>gone</s>", "the three styles"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name", "marks within words mean nothing"),
        ("*a _b_*", "<b>a <i>b</i></b>", "styles nest"),
        ("`x < y`", "<code>x &lt; y</code>", "code"),
        ("```a\n*b*```", "<pre>a\n*b*</pre>", "no style within preformatted text"),
        ("one\ntwo", "one<br>two", "line ends are shown"),
        ("a\n&gt; b\n&gt; c\nd", "a<blockquote>b<br>c</blockquote>d", "lines that are quoted belong together"),
        ("AT&amp;T &lt;3", "AT&amp;T &lt;3", "Slack's escapes are read once"),
        ("&amp;lt;", "&amp;lt;", "and only once"),
        (":warning: :nosuch:", "⚠️ :nosuch:", "emoji we know, others as written"),
        ("<@U1> <!channel>", '<span class="mention">@U1</span> <span class="mention">!channel</span>', "mentions"),
        ("<javascript:alert(1)|click>", "click", "a link that is none loses its target"),
        ("<script>", "script", "what looks like a tag is a link without target to Slack"),
    ],
)
def test_mrkdwn(written: str, shown: str, sentence: str) -> None:
    assert mrkdwn(written) == shown, sentence


def test_a_link_opens_elsewhere_and_its_parts_are_escaped() -> None:
    shown = mrkdwn('<https://example.org/?a="1"&amp;b=2|see & "read">')
    assert 'href="https://example.org/?a=&quot;1&quot;&amp;b=2"' in shown
    assert shown.endswith("see &amp; &quot;read&quot;</a>")


def test_plain_text_is_not_markup_and_emoji_only_where_asked_for() -> None:
    assert text_object({"type": "plain_text", "text": "*a* :fire: <b>", "emoji": False}) == "*a* :fire: &lt;b&gt;"
    assert text_object({"type": "plain_text", "text": ":fire:", "emoji": True}) == "🔥"


def test_every_kind_of_block_that_we_send_is_shown() -> None:
    text = {"type": "mrkdwn", "text": "*t*"}
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://x.com/1"}
    shown = render_blocks(
        [
            {"type": "header", "text": {"type": "plain_text", "text": "H"}},
            {"type": "section", "text": text, "fields": [text], "accessory": button},
            {"type": "context", "elements": [text, {"type": "image", "image_url": "https://x.com/i", "alt_text": ""}]},
            {"type": "divider"},
            {"type": "actions", "elements": [button]},
        ]
    )
    assert [found for found in re.findall(r'class="?(\w+)', shown) if found != "fields"] == [
        *("header", "section", "button", "context", "actions", "button")
    ]
    assert "<img" not in shown, "nothing is loaded from elsewhere"


@pytest.mark.parametrize(
    "block", [{"type": "video"}, {"type": "section", "text": {"text": "no type"}}, {}, {"type": []}]
)
def test_what_slack_would_refuse_is_refused(block: dict[str, object]) -> None:
    with pytest.raises(DeliveryError, match="invalid_blocks") as refused:
        render_blocks([block])
    assert refused.value.permanent


@given(st.text(st.sampled_from("*_~`<>|&;:>\n ab\"'/htps"), max_size=60))
def test_no_text_ever_becomes_a_tag_of_its_own_making(text: str) -> None:
    shown = mrkdwn(text)
    ours = r"</?(?:b|i|s|code|pre|blockquote)>|<br>|</a>|</span>|<span class=\"mention\">"
    ours += r"|<a href=\"[^\"<>]*\" rel=\"[^\"]*\" target=\"_blank\">"
    assert not set(re.sub(ours, "", shown)) & set("<>\"'")
