"""Whether X's source can work as configured, step by step, and which permission is missing where it cannot."""

from collections.abc import AsyncIterator, Awaitable, Callable

from agents import clock
from agents.ingest.source import Step
from agents.ingest.x.api import FEWEST
from agents.ingest.x.run import Run
from schemas.errors import ConfigError, InvalidMessage, SourceError

_CONSOLE = "in the developer console (console.x.com)"
_HINTS = {
    "bearer token and rules": f"create an app in a project {_CONSOLE} and copy its bearer token",
    "stream": f"the app needs a pay-per-use or Enterprise plan with credit {_CONSOLE}; one connection at a time",
    "search": f"the app needs a pay-per-use or Enterprise plan with credit {_CONSOLE}",
    "mentions": "`account` is the number of the account, and `user_token` an OAuth 2 token with tweet.read, users.read",
    "deletions": f"the app needs access to /2/compliance/jobs {_CONSOLE}",
}


async def steps(run: Run, account: str, *, owner: bool) -> AsyncIterator[Step]:
    """Yield what was tried. It reads at most ten posts of a search and five mentions, and no post of the stream."""
    yield await _tried("bearer token and rules", lambda: _rules(run))
    yield await _asked(run)
    yield await _tried("stream", lambda: _stream(run))
    yield await _tried("search", lambda: _search(run))
    if account:
        yield await _tried("mentions", lambda: _mentions(run, account, owner=owner))
    yield await _tried("deletions", lambda: _jobs(run))
    yield _budget(run)


async def _tried(name: str, attempt: Callable[[], Awaitable[str]]) -> Step:
    try:
        return Step(name, ok=True, detail=await attempt())
    except (ConfigError, SourceError, InvalidMessage) as error:
        what = error.message if isinstance(error, ConfigError) else str(error)
        return Step(name, ok=False, detail=f"{what}: {_HINTS[name]}")


async def _rules(run: Run) -> str:
    there = await run.api.rules()
    others = [rule for rule in there if rule.tag != run.options.tag]
    told = f"{len(there)} rules are there"
    return f"{told}, {len(others)} of them not ours: what only they let through is paid too" if others else told


async def _asked(run: Run) -> Step:
    compiled = await run.compiled(run.options.stream_limits)
    if not run.asks.watches:
        return Step("watches", ok=True, detail="no watches are known here, so nothing is asked of X")
    if not compiled.rules:
        return Step("watches", ok=False, detail="no watch asks for anything that X can be asked")
    missing = "; ".join(f"{one.part}: {one.reason}" for one in compiled.left_out[:10])
    return Step(
        "watches", not compiled.left_out, f"{len(compiled.rules)} rules{f'; not asked: {missing}' * bool(missing)}"
    )


async def _stream(run: Run) -> str:
    try:
        async with run.api.stream(run.options.quiet) as lines:
            async for line in lines:
                if line.strip():
                    return "it is open, or another process of ours has it"
                break
    except SourceError as error:
        if error.status != 409:
            raise
        return "it opens as soon as there are rules"
    return "it opens"


async def _search(run: Run) -> str:
    queries = (await run.compiled(run.options.search_limits)).rules or ("earshot",)
    run.page_size(run.purse.prices.post)
    page = await run.api.recent(queries[0], {}, FEWEST)
    return f"{len(page.payload.get('data', []))} posts of the last seven days"


async def _mentions(run: Run, account: str, *, owner: bool) -> str:
    if owner and (own := await run.api.me()) != account:
        raise ConfigError(f"the user token is that of account {own}, not of {account}, so each costs as any post does")
    page = await run.api.mentions(account, {}, 5)
    return f"{len(page.payload.get('data', []))} of the latest"


async def _jobs(run: Run) -> str:
    return f"{await run.api.jobs()} jobs so far"


def _budget(run: Run) -> Step:
    now = clock.now()
    left = run.purse.budget.left(run.purse.spending, now)
    if left is None:
        return Step("budget", ok=True, detail="none is set: set budget_day or budget_month")
    posts = run.purse.affordable(now, run.purse.prices.post, run.options.users) or 0
    return Step("budget", posts > run.options.reserve, f"{left:.2f} USD are left: {posts} posts")
