"""What every channel must keep. They are found by listing the folder, so that a new one is held to it at once."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.alert import channel as loader
from agents.alert.channel import Channel, addresses, channels, check_routes, delivery_id, open_channel
from schemas.alert import AlertReason
from schemas.delivery import Sent
from schemas.errors import ConfigError
from schemas.settings import Settings, load_settings
from schemas.watch import Route, Rule, Watch
from tests.agents.alert.samples import alert, revision
from tests.servers.slack import slack_server
from tests.servers.smtp import mail_server

ADDRESSES = {"slack": "#presse", "email": "presse@stadtwerke.example"}
"""An address where a channel needs one of a certain form."""


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with slack_server() as slack, mail_server() as mail:
        yield load_settings(
            SLACK_BOT_TOKEN="xoxb-contract",
            SLACK_WEBHOOK_URL=slack.webhook_url,
            slack_api_url=slack.api_url,
            smtp_host=mail.host,
            smtp_port=mail.port,
            smtp_security="none",
        )


@pytest.fixture(params=sorted(channels()))
def route(request: pytest.FixtureRequest) -> Route:
    return Route(channel=request.param, to=ADDRESSES.get(request.param, "somewhere"))


def test_the_docstring_says_what_is_guaranteed(route: Route) -> None:
    text = sys.modules[channels()[route.channel].__module__].__doc__ or ""
    assert "Auth:" in text
    assert "Limits:" in text
    assert "Guarantee" in text


def test_a_misspelt_field_is_refused_with_a_suggestion(route: Route) -> None:
    wrong = Route.model_validate({"channel": route.channel, "to": route.to, "langauge": "de"})
    with pytest.raises(ConfigError, match=r"langauge: is not known \(did you mean language\?\)"):
        open_channel(wrong, load_settings(SLACK_BOT_TOKEN="x", smtp_host="127.0.0.1"))
    with pytest.raises(ValidationError):
        channels()[route.channel].Config.model_validate({"to": route.to, "surely_unknown": 1})


@pytest.mark.parametrize("language", ["de", "en"])
def test_an_incident_is_told_from_beginning_to_end(route: Route, language: str, settings: Settings) -> None:
    spoken = route.model_copy(update={"language": language})
    channel: Channel = open_channel(spoken, settings)
    first = channel.send(alert(), None)
    second = channel.send(revision(2), first)
    last = channel.send(revision(3, AlertReason.RESOLVED), first, repeat=True)
    assert len({first.reference, second.reference, last.reference}) == 3
    assert all(isinstance(sent, Sent) for sent in (first, second, last))


def test_what_was_sent_is_found_again_or_the_channel_says_that_it_cannot_be_asked(
    route: Route, settings: Settings
) -> None:
    channel = open_channel(route, settings)
    made = alert(id="found-again.1")
    since = made.at
    if not channel.can_be_asked:
        with pytest.raises(NotImplementedError):
            channel.find(made, None, since)
        return
    assert channel.find(made, None, since) is None
    first = channel.send(made, None)
    assert channel.find(made, None, since) == first
    later = alert(id="found-again.2")
    assert channel.find(later, first, since) is None
    answer = channel.send(later, first)
    assert channel.find(later, first, since) == answer


def test_the_delivery_id_depends_on_the_alert_and_the_address_alone(route: Route) -> None:
    same = delivery_id("i.1", route)
    assert same == delivery_id("i.1", route.model_copy(update={"language": "en"}))
    assert same.startswith(f"i.1.{route.channel}.")
    assert len({same, delivery_id("i.2", route), delivery_id("i.1", route.model_copy(update={"to": "other"}))}) == 3


def test_a_new_file_is_a_new_channel_and_nothing_else_has_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "extra_channels"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "pigeon.py").write_text(
        "from agents.alert.channel import Address, Channel\n"
        "from schemas.delivery import Sent\n"
        "class Pigeon(Channel):\n"
        "    class Config(Address): ...\n"
        "    def send(self, alert, previous, *, repeat=False):\n"
        "        return Sent(reference='coo')\n"
    )
    (package / "broken.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match="broken must define exactly one Channel"):
        dict(loader._load([str(package)], "extra_channels"))
    (package / "broken.py").unlink()
    found = dict(loader._load([str(package)], "extra_channels"))
    assert found["pigeon"](Route(channel="pigeon"), load_settings()).send(alert(), None).reference == "coo"


WRONG = [
    ("a channel that does not exist", {"channel": "slak"}, r"there is no channel slak \(did you mean slack\?\)"),
    ("no mail address", {"channel": "email"}, "email: to: write a mail address"),
    ("a mail address with a line break", {"channel": "email", "to": "a@b\nBcc: c@d"}, "email: to: write a mail"),
    ("one bad address of two", {"channel": "email", "to": ("a@b.example", "b")}, "email: to: write a mail address"),
    ("quiet hours under another name", {"channel": "console", "quiet_hours": "22-7"}, r"\(did you mean quiet\?\)"),
    (
        "a field of nothing",
        {"channel": "console", "xyz": 1},
        "a route has channel, to, language, severity, quiet, budget",
    ),
    ("two in one text", {"channel": "email", "to": "a@b.example; c@d.example"}, r"\(several are a list: \["),
    ("umlauts before the @", {"channel": "email", "to": "Müller@acme.example"}, "email: to: write a mail address"),
    ("a dot too many", {"channel": "email", "to": "a..b@acme.example"}, "email: to: write a mail address"),
    ("nobody", {"channel": "email", "to": ()}, "`to` is an empty list, so nobody would be told"),
    ("the address of a webhook", {"channel": "slack", "to": "https://hooks.example/T0/s3cret"}, "in SLACK_WEBHOOK_URL"),
    ("a Slack channel with spaces", {"channel": "slack", "to": "# a b"}, "slack: to: write a Slack channel"),
]


@pytest.mark.parametrize(("wrong", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_route_is_one_clear_error(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check_routes([watch(wrong)])
    assert caught.value.where == "watch stadtwerke, route 1"
    with pytest.raises(ConfigError) as caught:
        check_routes([watch(wrong)], where=lambda number, index: f"watches.yml:{number + index + 7}")
    assert caught.value.where == "watches.yml:7"


def test_missing_secrets_matter_only_where_the_routes_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL", "EARSHOT_SMTP_HOST"):
        monkeypatch.delenv(name, raising=False)
    watched = watch({"channel": "slack", "to": "#presse"})
    check_routes([watched])
    with pytest.raises(ConfigError, match="SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL is not set"):
        check_routes([watched], require_secrets=True)
    with pytest.raises(ConfigError, match="EARSHOT_SMTP_HOST is not set"):
        check_routes([watch({"channel": "email", "to": "a@b.example"})], require_secrets=True)


def test_several_addresses_are_several_deliveries() -> None:
    route = Route(channel="email", to=("a@b.example", "c@d.example", "a@b.example"))
    assert [single.to for single in addresses(route)] == ["a@b.example", "c@d.example"]


def watch(route: dict[str, object]) -> Watch:
    return Watch.model_validate(
        {
            "id": "stadtwerke",
            "purpose": {"goal": "reputation", "measure": "x"},
            "query": "Stadtwerke",
            "rules": (Rule(kind="count"),),
            "owner": "Presse",
            "routes": (Route.model_validate(route),),
        }
    )
