"""The steps of `earshot sources test` for LinkedIn."""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

from agents import clock
from agents.ingest.linkedin.api import LinkedInApi, LinkedInEntry
from agents.ingest.platforms.linkedin import subscription
from agents.ingest.platforms.payload import group, rows, text
from agents.ingest.source import Step
from agents.ingest.web.client import Client
from schemas.errors import ConfigError, SourceError


async def check(api: LinkedInApi, entry: LinkedInEntry, path: str) -> AsyncIterator[Step]:
    """Yield whether the member is administrator, notifications can be read, and LinkedIn is asked to tell us."""
    urn = f"urn:li:organization:{entry.organization}"
    try:
        roles = await api.get("/rest/organizationAcls?q=roleAssignee")
    except (ConfigError, SourceError) as error:
        yield Step("permission rw_organization_admin", ok=False, detail=str(error))
        return
    held = {text(group(one), "role") for one in rows(roles, "elements") if urn in _organization(one)}
    admin = "ADMINISTRATOR" in held
    yield Step("permission rw_organization_admin", ok=True)
    yield Step("administrator", ok=admin, detail="" if admin else "the member must be ADMINISTRATOR of the page")
    now = clock.now()
    try:
        async for found in api.notifications(urn, now - timedelta(days=60), now):
            yield Step("permission r_organization_social", ok=True, detail=f"{len(found)} notifications of 60 days")
            break
    except (ConfigError, SourceError) as error:
        yield Step("permission r_organization_social", ok=False, detail=str(error))
    if entry.public:
        yield await _subscribed(api, entry, urn, path)
        yield await _reached(entry, path)


async def _subscribed(api: LinkedInApi, entry: LinkedInEntry, urn: str, path: str) -> Step:
    if not (entry.application and entry.member):
        return Step("subscription", ok=False, detail="set `application` and `member`, else it cannot be looked at")
    try:
        found = await api.get(subscription(entry.application, entry.member, urn))
    except (ConfigError, SourceError) as error:
        return Step("subscription", ok=False, detail=f"there is none that we may see: {error}")
    fits = text(found, "webhook") == f"{entry.public.rstrip('/')}{path}"
    return Step("subscription", ok=fits, detail="" if fits else "it leads to another address")


async def _reached(entry: LinkedInEntry, path: str) -> Step:
    try:
        async with Client(entry.id, entry.public) as client:
            answer = await client.get(f"{path}?challengeCode={quote(entry.organization)}")
    except (ConfigError, SourceError) as error:
        return Step("webhook", ok=False, detail=f"{error}: is `earshot ingest` running, and does `public` lead to it?")
    fits = b"challengeResponse" in answer.body
    return Step("webhook", ok=fits, detail="" if fits else "something else answers there")


def _organization(role: object) -> str:
    return text(group(role), "organization", "organizationalTarget", "organizationTarget")
