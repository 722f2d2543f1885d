"""HTML to text: what a person would see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.formats.plaintext import plain


@pytest.mark.parametrize(
    ("html", "expected", "sentence"),
    [
        ("<p>M&uuml;ller &amp; S&ouml;hne</p>", "Müller & Söhne", "entities"),
        ("one<br>two<br/>three<p>four", "one\ntwo\nthree\nfour", "blocks begin lines"),
        ("<b>Zug</b>unglück", "Zugunglück", "a word stays one word inside a line"),
        ("<td>a</td><td>b</td>", "a\nb", "cells do not grow together"),
        ("a<script>alert('<p>')</script><style>p{}</style>b", "ab", "scripts and styles are not seen"),
        ("<iframe src='x'/>seen", "seen", "an empty element hides nothing"),
        ("<svg><g><text>x</text></g></svg>seen</svg>", "seen", "nested, and closed once too often"),
        ("a &lt;b&gt; c", "a <b> c", "angle brackets that are text"),
        ("a < b & c", "a < b & c", "brackets that are no tags"),
        ("<!-- no --><![CDATA[x]]>y", "y", "comments"),
        ("  a \n\t b&nbsp;c ", "a\nb c", "white space"),
    ],
)
def test_seen(html: str, expected: str, sentence: str) -> None:
    assert plain(html) == expected, sentence


@given(st.text(st.sampled_from("<>/!-&;#x pbrscript='\"\n")))
def test_whatever_is_in_a_feed_is_read(html: str) -> None:
    assert plain(html) == plain(html).strip()
