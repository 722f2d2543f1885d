"""Steps of `earshot sources test` that Meta's platforms share."""

import secrets
from collections.abc import AsyncIterator, Iterable

from agents.ingest.meta.graph import Graph
from agents.ingest.platforms.payload import group, moment, name, rows, text
from agents.ingest.source import Step
from agents.ingest.web.client import Client
from schemas.errors import ConfigError, SourceError


async def check_token(graph: Graph, app: str, permissions: Iterable[str]) -> AsyncIterator[Step]:
    """Yield whether the token is valid, and for each permission whether the token has it."""
    try:
        known = await graph.debug(app)
    except (ConfigError, SourceError) as error:
        yield Step("token", ok=False, detail=f"Meta does not say what it knows of it: {error}")
        return
    if known.get("is_valid") is not True:
        yield Step("token", ok=False, detail="it is not valid any more: get a new one in the app's dashboard")
        return
    expires = moment(known.get("expires_at"))
    yield Step("token", ok=True, detail=f"valid until {expires:%Y-%m-%d}" if expires else "valid, without an end")
    has = {scope for scope in rows(known, "scopes") if isinstance(scope, str)}
    for permission in permissions:
        missing = "missing: ask for it in App Review, then make the token anew"
        yield Step(f"permission {permission}", ok=permission in has, detail="" if permission in has else missing)


async def check_page(graph: Graph, page: str, fields: Iterable[str]) -> AsyncIterator[Step]:
    """Yield whether the page can be read, and whether the app is told of what happens on it."""
    try:
        found = await graph.get(f"/{page}", {"fields": "id,name"})
        yield Step("page", ok=True, detail=text(found, "name"))
        installed = await graph.get(f"/{page}/subscribed_apps")
    except (ConfigError, SourceError) as error:
        yield Step("page", ok=False, detail=str(error))
        return
    told = {field for app in rows(installed, "data") for field in rows(app, "subscribed_fields")}
    missing = [field for field in fields if field not in told]
    ask = f"the page is not subscribed to {', '.join(missing)}: POST /{page}/subscribed_apps?subscribed_fields=…"
    yield Step("subscription", ok=not missing, detail=ask if missing else ", ".join(sorted(told)))


async def check_node(graph: Graph, called: str, where: str) -> Step:
    """Return whether one thing can be read, with its name."""
    try:
        found = group(await graph.get(where, {"fields": "id,username"}))
    except (ConfigError, SourceError) as error:
        return Step(called, ok=False, detail=str(error))
    return Step(called, ok=True, detail=name(found, "username", "name", "id"))


async def check_reach(source: str, public: str, path: str, verify_token: str) -> Step:
    """Return whether our own address answers as Meta would want it to, from outside."""
    if not public:
        hint = f"set `public` to the https address under which Meta reaches {path}; without it nothing can be said"
        return Step("webhook", ok=False, detail=hint)
    challenge = secrets.token_hex(8)
    asked = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    try:
        async with Client(source, public) as client:
            answer = await client.get(path, asked)
    except (ConfigError, SourceError) as error:
        return Step("webhook", ok=False, detail=f"{error}: is `earshot ingest` running, and does {public} lead to it?")
    fits = answer.body.decode("utf-8", "replace").strip() == challenge
    return Step("webhook", ok=fits, detail="" if fits else "something else answers there")
