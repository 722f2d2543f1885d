"""LinkedIn: what its notifications mean, how it is asked and how it pushes, and what is never kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import clock
from agents.ingest.platforms import linkedin
from agents.ingest.platforms.linkedin import Ignored, Reader, Unread, notifications, plain
from agents.ingest.sources import linkedin as source_module
from schemas.checkpoint import Checkpoint
from schemas.errors import ConfigError, FailureKind, SourceError
from schemas.event import Deletion, Edit, Event
from tests.agents.ingest.hooks import Running, made, running
from tests.agents.ingest.payloads import payload
from tests.servers.linkedin import CLIENT, ORGANIZATION, REFRESH, SECRET, URN, LinkedInServer, post

SEEN = datetime(2026, 3, 2, 12, tzinfo=UTC)
READER = Reader("li", SEEN, b"key", URN)
SECRETS = {"LI_SECRET": f"{SECRET}, li-old-secret", "LI_REFRESH": REFRESH}


def entry(server: LinkedInServer, **more: Any) -> str:
    fields = {"organization": f'"{ORGANIZATION}"', "client_id": CLIENT, "client_secret": "env:LI_SECRET"}
    fields |= {"refresh_token": "env:LI_REFRESH", "tokens": f'"{server.url}/oauth/v2/accessToken"', "every": "1h"}
    written = {"id": "li", "kind": "linkedin", **fields, "api": f'"{server.url}"'} | more
    return "{" + ", ".join(f"{name}: {value}" for name, value in written.items()) + "}"


@asynccontextmanager
async def world(
    monkeypatch: pytest.MonkeyPatch, checkpoint: Checkpoint | None = None, **more: Any
) -> AsyncIterator[tuple[Running, LinkedInServer]]:
    async with LinkedInServer() as server:
        source = made(entry(server, **more), SECRETS, monkeypatch)
        async with running(source, checkpoint) as run:
            server.hook = run.hook
            await run.until(lambda: run.cursor, "asked once")
            yield run, server


def meanings(name: str) -> list[Any]:
    return [READER.notification(node) for _, node in notifications(payload(f"linkedin/{name}"))]


def test_a_comment() -> None:
    [event] = meanings("comment")
    assert isinstance(event, Event)
    assert event.key == "linkedin:urn:li:comment:(activity:7094637247890620418,7094977717598625792)"
    assert event.text == "Wo bleibt der Ersatzverkehr, Nordbahn AG?"
    assert event.time == datetime(2026, 3, 2, 11, 30, 0, 310_000, tzinfo=UTC)
    assert event.url == "https://www.linkedin.com/feed/update/urn:li:activity:7094637247890620418"
    assert event.in_reply_to == "urn:li:activity:7094637247890620418"


def test_a_member_is_known_by_a_pseudonym_only() -> None:
    [event] = meanings("comment")
    assert event.author is not None
    assert event.author.id.startswith("member-")
    assert event.author.name is None
    assert b"urn:li:person" not in event.to_bytes()
    assert event.author.id == linkedin.pseudonym(b"key", "urn:li:person:Qx7_a"), "always the same"
    assert event.author.id != linkedin.pseudonym(b"other", "urn:li:person:Qx7_a"), "and nobody else's"


def test_each_action() -> None:
    found = meanings("batch")
    kinds = [item if isinstance(item, Ignored) else type(item) for item in found]
    expected = [Edit, Deletion, Unread, Event, Ignored.REACTION, Ignored.OWN, Ignored.ACTION]
    assert kinds == expected, "the second delivery of one notification is not another one"
    edit, deletion, mention, share = found[:4]
    assert (edit.key, edit.text) == ("linkedin:urn:li:comment:(activity:70,71)", "Jetzt fährt er")
    assert deletion.key == "linkedin:urn:li:comment:(activity:70,72)"
    assert mention == Unread("urn:li:share:80", datetime(2026, 3, 2, 11, 30, 3, tzinfo=UTC))
    assert (share.text, share.author.id, share.quote_of) == (
        "Die Nordbahn baut um",
        "urn:li:organization:42",
        "urn:li:share:60",
    )


NOTATION = [
    (r"Danke @[Nordbahn AG](urn:li:organization:7)", "Danke Nordbahn AG", "a mention is the name"),
    (r"{hashtag|\#|bahn} und {hashtag|#|zug}", "#bahn und #zug", "a hashtag"),
    (r"5 \* 3 \(ungefähr\) \_ja\_", "5 * 3 (ungefähr) _ja_", "escaped signs"),
    ("a (b) [c] @d #e {f}", "a (b) [c] @d #e {f}", "signs that nobody escaped"),
    ("@[" * 5000, "@[" * 5000, "nothing that takes for ever"),
]


@pytest.mark.parametrize(("written", "shown", "sentence"), NOTATION)
def test_notation(written: str, shown: str, sentence: str) -> None:
    assert plain(written) == shown, sentence


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["notifications", "elements", "action", "generatedActivity", "lastModifiedAt", "owner", "text"]
            )
            | st.sampled_from(
                ["decoratedGeneratedActivity", "comment", "share", "entity", "sourcePost", "notificationId"]
            ),
            inner | st.sampled_from(["COMMENT", "SHARE", "SHARE_MENTION", "COMMENT_EDIT", "COMMENT_DELETE"]),
            max_size=6,
        )
    ),
    max_leaves=25,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE)
def test_nothing_that_may_come_breaks_the_reader(value: Any) -> None:
    for _, node in notifications(value):
        READER.notification(node)
    READER.notification(value)
    READER.post(value)


BODY = b'{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"}'
SIGNED = [
    (linkedin.sign(b"new", BODY), True, "bare"),
    ("hmacsha256=" + linkedin.sign(b"new", BODY), True, "with the prefix"),
    (linkedin.sign(b"old", BODY).upper(), True, "by the secret before, in capitals"),
    (linkedin.sign(b"other", BODY), False, "by somebody else"),
    (linkedin.sign(b"new", BODY + b" "), False, "of another body"),
    ("", False, "none"),
    ("hmacsha256=", False, "nearly none"),
]


@pytest.mark.parametrize(("header", "fits", "sentence"), SIGNED)
def test_signatures(header: str, fits: bool, sentence: str) -> None:
    assert linkedin.trusted((b"new", b"old"), header, BODY) is fits, sentence


REFUSED = [
    (426, {"code": "NONEXISTENT_VERSION"}, ConfigError, "`version`", "a version past its time"),
    (400, {"code": "VERSION_MISSING"}, ConfigError, "`version`", "the same, said otherwise"),
    (401, None, SourceError, "grant", "the member took the grant back"),
    (403, None, SourceError, "administrator", "the member is no administrator any more"),
    (429, None, SourceError, "pause", "too many calls"),
    (500, None, SourceError, "500", "a bad day"),
]


@pytest.mark.parametrize(("status", "body", "kind", "said", "sentence"), REFUSED)
def test_refusals(status: int, body: Any, kind: type[Exception], said: str, sentence: str) -> None:
    found = linkedin.refusal(status, body, "202501")
    assert type(found) is kind, sentence
    assert said in str(found)


async def test_the_challenge_is_answered_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, server):
        status, answer = await server.challenge("890e4665-4dfe-4ab1-b689-ed553bceeed0")
        assert status == 200
        assert answer == linkedin.challenge(SECRET.encode(), "890e4665-4dfe-4ab1-b689-ed553bceeed0")
        assert len(answer["challengeResponse"]) == 64
        run.source.config = run.source.config.model_copy(update={"public": "https://hooks.example"})
        assert run.source.facts()["last_challenge"].startswith(f"{clock.now():%Y-%m-%d}")


@pytest.mark.parametrize(
    ("secret", "prefix", "status"),
    [(SECRET, "", 200), (SECRET, "hmacsha256=", 200), ("li-old-secret", "", 200), ("guessed", "", 401)],
)
async def test_what_is_pushed(monkeypatch: pytest.MonkeyPatch, secret: str, prefix: str, status: int) -> None:
    async with world(monkeypatch) as (run, server):
        assert await server.push(payload("linkedin/comment"), secret=secret, prefix=prefix) == status
        assert bool(run.keys) is (status == 200)


async def test_a_batch_again_and_a_mention_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, server):
        server.posts["urn:li:share:80"] = post(
            "urn:li:share:80", "Danke @[Nordbahn](urn:li:organization:9607)", clock.now()
        )
        server.notify("SHARE_MENTION", 0, generatedActivity="urn:li:share:80", decoratedGeneratedActivity={})
        batch = payload("linkedin/batch")
        assert await server.push(batch) == 200
        assert await server.push(batch) == 200
        await run.until(lambda: "linkedin:urn:li:share:80" in run.keys, "the post was read at once")
        [mention] = [event for event in run.events if event.id == "urn:li:share:80"]
        assert mention.text == "Danke Nordbahn"
        assert {type(item) for item in run.taken} == {Edit, Deletion, Event}
        again = {"notifications": [{**batch["notifications"][0], "action": "COMMENT"}]}
        again["notifications"][0]["generatedActivity"] = "urn:li:comment:(activity:70,72)"
        again["notifications"][0]["decoratedGeneratedActivity"] = {"comment": {"text": "weg"}}
        before = len(run.taken)
        assert await server.push(again) == 200
        assert len(run.taken) == before, "what was deleted does not come back with a late delivery"


async def test_garbage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, server):
        for body, status in ((b"[" * 100_000, 400), (b"{", 400), (b'{"notifications":[5,{"action":7}]}', 200)):
            assert await server.push(None, body=body) == status
        assert run.keys == []


async def test_it_goes_on_behind_the_last_and_sees_what_became_visible_late(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LinkedInServer() as server:
        for number in range(120):
            server.notify("COMMENT", number, f"post {number}", at=time() - 3000 + number)
        source = made(entry(server), SECRETS, monkeypatch)
        async with running(source) as run:
            await run.until(lambda: len(run.keys) == 120, "all pages were read")
            assert run.keys[0].endswith("(activity:70,0)"), "oldest first"
            await run.until(lambda: run.cursor["known"].endswith(" 1119"), "the cursor is behind the last")
            cursor = run.cursor
        server.notify("COMMENT", 500, "late", at=time() - 2900)
        source = made(entry(server, id="li"), SECRETS, monkeypatch)
        resumed = Checkpoint(source="li", cursor=cursor, heard=clock.now(), at=clock.now())
        async with running(source, resumed) as run:
            await run.until(lambda: run.keys, "the late one was seen")
            await run.until(lambda: run.cursor, "and the page was read to its end")
            assert run.keys == ["linkedin:urn:li:comment:(activity:70,500)"], "and nothing twice"


async def test_sixty_days_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    since = clock.now() - timedelta(days=70)
    cursor = {"since": since.isoformat(), "known": "", "calls": ""}
    resumed = Checkpoint(source="li", cursor=cursor, heard=since, at=since)
    async with world(monkeypatch, resumed) as (run, _server):
        [gap] = run.gaps
        assert gap.since == since
        assert abs(gap.until - (clock.now() - timedelta(days=60))) < timedelta(minutes=5)


async def test_calls_are_counted_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, calls=3) as (run, server):
        facts = run.source.facts()
        assert (facts["quota_left"], facts["spent_day"], facts["spent_unit"]) == (2.0, 1.0, "calls")
        for _ in range(2):
            run.source._calls.use()
        asked = len(server.asked)
        with pytest.raises(SourceError) as refused:
            async with run.source._api() as api:
                await api.post("urn:li:share:1")
        assert refused.value.kind is FailureKind.BUDGET
        assert len(server.asked) == asked


async def test_when_tokens_end_is_said_with_a_warning_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, _server):
        facts = run.source.facts()
        assert datetime.fromisoformat(facts["token_expires"]) > clock.now() + timedelta(days=59)
        assert datetime.fromisoformat(facts["grant_ends"]) > clock.now() + timedelta(days=364)
        assert "warning" not in facts
        ends = clock.now() + timedelta(days=10)
        run.source.kept["refresh_token_ends"] = ends.isoformat()
        assert f"{ends:%Y-%m-%d}" in run.source.facts()["warning"]


async def test_a_subscription_that_died_is_renewed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    named: dict[str, Any] = {
        "public": '"https://hooks.example"',
        "application": '"77"',
        "member": '"urn:li:person:Adm_1"',
    }
    async with world(monkeypatch, None, **named) as (run, server):
        source = run.source
        source._listens = clock.now() - timedelta(hours=2)
        server.notify("COMMENT", 1, "never pushed", at=time() - 3600)
        source._wake.set()
        await run.until(lambda: server.subscribed, "it was renewed")
        assert server.subscribed == "https://hooks.example/hooks/li"
        assert run.keys == ["linkedin:urn:li:comment:(activity:70,1)"], "and what it should have said was asked for"
        renewed = source._renewed
        source._missed = 5
        async with source._api() as api:
            await source._keep_subscribed(api)
        assert source._renewed == renewed, "not again and again"


async def test_five_hours_without_a_challenge_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, public='"https://hooks.example"') as (run, _server):
        source = run.source
        source._challenged = clock.now() - timedelta(hours=6)
        async with source._api() as api:
            with pytest.raises(SourceError, match="no challenge came"):
                await source._keep_subscribed(api)


async def test_a_grant_that_is_gone_is_an_error_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    def delay(_failures: int, wait: float | None, _chance: float) -> float:
        waits.append(wait)
        return 0.05

    monkeypatch.setattr("agents.ingest.web.door.delay", delay)
    async with world(monkeypatch) as (run, server):
        server.forbidden = True
        run.source._wake.set()
        await run.until(lambda: waits, "it was refused")
        server.forbidden = False
        server.notify("COMMENT", 1, "again")
        await run.until(lambda: run.keys, "it goes on by itself")


async def test_an_old_version_ends_the_source_and_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LinkedInServer() as server:
        source = made(entry(server, version='"202501"'), SECRETS, monkeypatch)
        with pytest.raises(ConfigError, match="202501.*set `version`"):
            async for _ in source.run(None):
                pass


async def test_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LinkedInServer() as server:
        for day in (1, 5, 9):
            server.notify("COMMENT", day, f"day {day}", at=time() - 86_400 * day)
        source = made(entry(server), SECRETS, monkeypatch)
        now = clock.now()
        found = [one.item async for one in source.backfill(now - timedelta(days=6), now)]
        assert sorted((item.text, item.backfill) for item in found) == [("day 1", True), ("day 5", True)]


async def test_check_says_which_step_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LinkedInServer() as server:
        source = made(
            entry(server, public=f'"{server.url}"', application='"77"', member='"urn:li:person:A"'),
            SECRETS,
            monkeypatch,
        )
        failed = {step.name async for step in source.check() if not step.ok}
        assert failed == {"subscription"}
        server.subscribed = f"{server.url}/hooks/li"
        server.role = "CONTENT_ADMINISTRATOR"
        assert {step.name async for step in source.check() if not step.ok} == {"administrator"}
        server.forbidden = True
        steps = [step async for step in source.check()]
        assert [(step.name, step.ok) for step in steps] == [("permission rw_organization_admin", False)]


async def test_no_grant_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with LinkedInServer() as server:
        with pytest.raises(ConfigError, match="neither `refresh_token` nor `token`"):
            made(entry(server).replace("refresh_token: env:LI_REFRESH, ", ""), SECRETS, monkeypatch)


async def test_what_lies_in_the_log_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as (run, server):
        await server.push(payload("linkedin/comment"))
        written = json.dumps([item.model_dump(mode="json") for item in run.taken])
        assert "urn:li:person" not in written
        assert source_module.MOST_KNOWN < 1000, "a cursor stays small"
        await asyncio.sleep(0)


@pytest.mark.parametrize(("public", "alone"), [('""', True), ('"https://hooks.example"', False)])
async def test_who_is_only_asked_is_asked_by_one_process(
    monkeypatch: pytest.MonkeyPatch, public: str, alone: bool
) -> None:
    async with LinkedInServer() as server:
        assert made(entry(server, public=public), SECRETS, monkeypatch).exclusive is alone
