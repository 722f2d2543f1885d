"""What a story keeps of the post that stands for it reads as the quote that an alert shows."""

from pipeline.stories.quotation import MAX_QUOTE, quote
from schemas.alert import Quote
from schemas.event import Author
from schemas.mention import Factor, Match, Score, Word
from tests.pipeline.timeline import NOON, match

LATER = {"copies", "gone", "schema_version"}
"""What an alert adds, and what is always the same."""


def told(platform: str, text: str = "ganz “schön” ärgerlich\n\u2028 \U0001f602") -> Match:
    author = Author(id="7", name="Eva Muster", followers=12)
    post = match("1", 0.5, text, platform=platform, author=author, url="https://a.example/1?a=b&c=d")
    words = post.sentiment.model_copy(update={"words": (Word(text="ärgerlich", weight=-1.25),)})
    factors = (Factor(name="tone", points=3.5, detail="unsaid"), Factor(name="reach", points=0.0))
    return post.model_copy(update={"sentiment": words, "score": Score(value=3.5, factors=factors)})


def test_all_that_an_alert_shows_is_kept() -> None:
    post = told("x")
    kept = Quote.from_bytes(quote(post).encode())
    assert kept == Quote(
        mention="x:1",
        platform="x",
        time=post.mention.time,
        text=post.mention.text,
        author="Eva Muster",
        followers=12,
        url=post.mention.url,
        sentiment=post.sentiment,
        risk=3.5,
        factors={"tone": 3.5},
    )
    assert kept.model_fields_set | LATER == set(Quote.model_fields), "no field is forgotten"


def test_of_what_may_not_last_only_the_link_is_kept() -> None:
    kept = Quote.from_bytes(quote(told("linkedin")).encode())
    assert (kept.text, kept.author, kept.followers) == ("", None, None)
    assert kept.sentiment is not None
    assert kept.sentiment.words == ()
    assert kept.url == "https://a.example/1?a=b&c=d"


def test_a_long_text_is_cut_and_a_post_without_author_and_address_has_none() -> None:
    post = match("1", 0, "a" * (MAX_QUOTE + 1), author=None)
    kept = Quote.from_bytes(quote(post).encode())
    assert (len(kept.text), kept.text[-1]) == (MAX_QUOTE, "…")
    assert (kept.author, kept.url, kept.time) == (None, None, NOON)
