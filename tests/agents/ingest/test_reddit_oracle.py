"""The Reddit of the tests, driven by `asyncpraw`: what that client understands, the service may say."""

from collections.abc import AsyncIterator

import asyncpraw
import pytest
from asyncprawcore.exceptions import Forbidden, ResponseException, TooManyRequests

from tests.counterparts.reddit import AGENT, ID, SECRET, SUB, Reddit

# the client's own business
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
async def site() -> AsyncIterator[Reddit]:
    async with Reddit() as site:
        yield site


def client_of(site: Reddit, secret: str = SECRET) -> asyncpraw.Reddit:
    return asyncpraw.Reddit(
        client_id=ID, client_secret=secret, user_agent=AGENT, reddit_url=site.url, oauth_url=site.url,
        check_for_updates=False,
    )  # fmt: skip


async def test_the_client_pages_through_a_listing(site: Reddit) -> None:
    names = [site.submit(number, f"post {number}") for number in range(250)]
    async with client_of(site) as client:
        subreddit = await client.subreddit(SUB)
        told = [submission async for submission in subreddit.new(limit=None)]
    assert [submission.fullname for submission in told] == names[::-1]
    assert told[0].author.name == "eva"
    assert (told[0].selftext, told[0].edited) == ("post 249", False)


async def test_the_client_reads_comments_and_searches(site: Reddit) -> None:
    name = site.submit(1, "a zebra")
    site.submit(2, "a horse")
    comment = site.comment("indeed", name)
    async with client_of(site) as client:
        subreddit = await client.subreddit(SUB)
        [told] = [one async for one in subreddit.comments(limit=10)]
        assert (told.fullname, told.body, told.parent_id) == (comment, "indeed", name)
        found = [one.fullname async for one in subreddit.search("zebra", sort="new")]
        assert found == [name]


async def test_the_client_looks_again_and_sees_what_is_gone(site: Reddit) -> None:
    names = [site.submit(number, f"post {number}") for number in range(3)]
    await site.edit(0)
    await site.delete(1)
    site.remove(names[2])
    async with client_of(site) as client:
        told = [one async for one in client.info(fullnames=names)]
    assert [one.fullname for one in told] == names[:2]
    assert told[0].edited
    assert told[1].author is None, "this is how the client shows an author [deleted]"
    assert told[1].removed_by_category == "deleted"


async def test_before_a_deleted_anchor_there_is_nothing(site: Reddit) -> None:
    anchor = site.submit(1, "anchor")
    site.submit(2, "newer")
    async with client_of(site) as client:
        subreddit = await client.subreddit(SUB)
        assert len([one async for one in subreddit.new(params={"before": anchor})]) == 1
        site.remove(anchor)
        # the reason why the source keeps a ring of names and never asks with `before`
        assert len([one async for one in subreddit.new(params={"before": anchor})]) == 0


async def test_the_client_is_refused_as_it_expects(site: Reddit) -> None:
    async with client_of(site, "another") as client:
        with pytest.raises(ResponseException):
            await (await client.subreddit(SUB, fetch=True)).load()
    async with client_of(site) as client:
        with pytest.raises(Forbidden):
            [one async for one in (await client.subreddit("forbidden")).new()]
        await site.limit(60)
        with pytest.raises(TooManyRequests):
            [one async for one in (await client.subreddit(SUB)).new()]
