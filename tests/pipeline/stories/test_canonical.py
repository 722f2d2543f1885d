"""Canonical addresses: what is the same page, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories.canonical import canonical

PAGE = "https://www.example.org/news/train-late.html?id=5"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("http://example.org/news/train-late.html?id=5", "neither the scheme nor www. says what page it is"),
        ("HTTPS://WWW.EXAMPLE.ORG:443/news/train-late.html?id=5", "case of the host, and the port that goes without"),
        (f"{PAGE}&utm_source=x&utm_medium=social&fbclid=abc&gclid=1", "parameters that say where a reader came from"),
        ("https://example.org/news/train-late.html?wt_mc=rss&id=5", "wherever they stand"),
        ("https://m.example.org/news/train-late.html?id=5", "the mobile host"),
        ("https://mobile.example.org/news/train-late.html?id=5#comments", "a place to scroll to"),
        ("https://amp.example.org/news/train-late.html?id=5", "the AMP host"),
        ("https://www.example.org/news/train-late.amp.html?id=5", "the AMP copy by its ending"),
        ("https://www.example.org/amp/news/train-late.html?id=5", "the AMP copy by its folder"),
        ("https://www.example.org/news/train-late.html/amp/?id=5&amp=1", "the AMP copy by its end"),
        ("https://www.google.com/amp/s/www.example.org/news/train-late.html?id=5", "as Google shows AMP"),
        ("https://www-example-org.cdn.ampproject.org/c/s/www.example.org/news/train-late.html?id=5", "an AMP cache"),
        (
            "https://www.google.com/url?sa=t&url=https%3A%2F%2Fwww.example.org%2Fnews%2Ftrain-late.html%3Fid%3D5",
            "a redirector that carries its target",
        ),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org%2Fnews%2Ftrain-late.html%3Fid%3D5&h=x", "another"),
        ("https://example.org/news/train%2Dlate.html?id=5", "an escape that need not be one"),
    ],
)
def test_the_same_page(other: str, why: str) -> None:
    assert canonical(other) == canonical(PAGE) == "example.org/news/train-late.html?id=5", why


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (PAGE, PAGE.replace("id=5", "id=6"), "a parameter that says which page"),
        (PAGE, PAGE.replace("late", "early"), "another path"),
        (PAGE, PAGE.replace("example.org", "example.com"), "another site"),
        ("https://forum.example/t/9#post-12", "https://forum.example/t/9#post-13", "two posts of a thread"),
        ("https://example.org/camp", "https://example.org/c", "a word that ends like AMP"),
        ("https://m.example.org/a", "https://n.example.org/a", "another host of the site"),
        ("https://m.de/a", "https://t.de/a", "a site that is called like a mobile host"),
        ("https://t.co/abc", "https://t.co/abd", "short links whose target nobody told"),
    ],
)
def test_two_pages(one: str, other: str, why: str) -> None:
    assert canonical(one), why
    assert canonical(one) != canonical(other), why


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://www.example.org/", "a site as a whole is no story"),
        ("https://www.example.org/?utm_source=x#top", "nor is it with a tracking parameter"),
        ("ftp://example.org/a", "no web address"),
        ("at://did:plc:abc/app.bsky.feed.post/1", "nor this"),
        ("https://[", "cannot be read"),
        ("https://example.org:port/a", "nor can this"),
        ("", "nothing"),
        ("https://example.org/" + "a" * 2_000, "longer than an address is"),
    ],
)
def test_what_names_no_page(url: str, why: str) -> None:
    assert canonical(url) == "", why


def test_a_redirector_that_leads_to_itself_comes_to_an_end() -> None:
    url = "https://google.com/url?url=https://example.org/a"
    for _ in range(20):
        url = f"https://google.com/url?{'url=' + url.replace('&', '%26').replace('?', '%3F')}"
    assert isinstance(canonical(url), str)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=20))
def test_any_address_has_a_key_that_is_its_own(path: str, query: str, fragment: str) -> None:
    found = canonical(f"https://example.org/{path}?{query}#{fragment}")
    assert not found or canonical(f"https://{found}") == found
