"""The contract of a channel, the loader of all channels, and the check of the routes that people write."""

import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from json import dumps
from math import inf
from time import monotonic
from typing import ClassVar

from pydantic import ValidationError

from agents.alert import channels as folder
from schemas.alert import Alert
from schemas.control import Taken
from schemas.delivery import Sent
from schemas.errors import ConfigError, DeliveryError
from schemas.model import Written
from schemas.settings import Settings, load_settings
from schemas.watch import Route, Watch

CALL_SECONDS = 10.0
"""How long a service may take for one call before we stop waiting for it."""


class TooLate(DeliveryError):
    """Nothing was sent, because it is no longer ours to send."""


class Address(Written):
    """The least that a channel's `Config` holds: `to`, the address; every channel says what may stand there."""

    to: str = ""


class Channel(ABC):
    """Where alerts go. One object serves one route with one address; a new one is made for every attempt.

    A channel is asked from a thread of its own, may block, keeps each call within `CALL_SECONDS`, and never repeats
    a call by itself: delivery does that, in the right order and with the ledger in hand.
    """

    Config: ClassVar[type[Address]]
    """What a route may hold besides `channel` and `language`."""

    def __init__(self, route: Route, settings: Settings) -> None:
        self.route = route
        self.settings = settings
        self.config = self.Config.model_validate({"to": route.to, **route.settings})
        self.until = inf
        """When, on the monotonic clock, another process may begin the same delivery."""

    def check_time(self) -> None:
        """Call this right before what must not happen twice: a process may have been frozen since its attempt began.

        Raises:
            TooLate: another process may have begun; nothing may be sent any more.
        """
        if monotonic() > self.until:
            raise TooLate("too late: another process may have begun")

    @classmethod
    def missing(cls, settings: Settings) -> str:
        """Return the environment variable without which this channel cannot work, or nothing."""
        del settings
        return ""

    @classmethod
    def redacts(cls, settings: Settings) -> bool:
        """Tell whether a message that was sent can be changed, so that it no longer shows a post that is gone."""
        del settings
        return False

    @classmethod
    def redact(
        cls,
        settings: Settings,
        message: Sent,
        gone: Sequence[str],
        root: Sent | None = None,
        *,
        edited: Sequence[str] = (),
    ) -> None:
        """Take the posts with these ids out of a message, and out of `root`, where that is what it answers to.

        Of those that are `edited` only the words are taken out, and it is said that they are others now.

        What no longer shows them is left alone, so this may be done again.

        Raises:
            DeliveryError: it was not done, or nobody knows whether it was.
        """
        del settings, message, gone, root, edited
        raise NotImplementedError(f"{cls.__name__} changes no message, as `redacts` says")

    @classmethod
    def mark(cls, settings: Settings, message: Sent, taken: Taken, language: str) -> None:
        """Have a message say, in `language`, who has taken its incident, or given it back; it may be done again.

        Raises:
            DeliveryError: it was not done, or nobody knows whether it was.
        """
        del settings, message, taken, language
        raise NotImplementedError(f"{cls.__name__} changes no message, as `redacts` says")

    @property
    def can_be_asked(self) -> bool:
        """Tell whether `find` can answer; where it cannot, an attempt in doubt is repeated once and says so."""
        return False

    @abstractmethod
    def send(self, alert: Alert, previous: Sent | None, *, repeat: bool = False) -> Sent:
        """Send `alert` and return how to find the message again.

        `previous` is the first message of the same incident at this address: update it and answer in its thread,
        where the service can. None means that nothing of the incident has arrived there yet. `repeat` means that
        this alert may have arrived already: the message says so.

        Raises:
            DeliveryError: it was not accepted, or nobody knows whether it was (`ambiguous`).
        """

    def find(self, alert: Alert, previous: Sent | None, since: datetime) -> Sent | None:
        """Return the message of `alert` if the service has it; it was sent at `since` or later.

        Only asked where `can_be_asked`.

        Raises:
            DeliveryError: the service did not answer; `permanent` where it never will.
        """
        raise NotImplementedError(f"{self.route.channel} cannot be asked for {alert.id}, {previous}, {since}")


@cache
def channels() -> Mapping[str, type[Channel]]:
    """Return every channel by kind: all files of `agents/alert/channels`, imported.

    Raises:
        ImportError: a file cannot be imported or does not hold exactly one channel.
    """
    return dict(_load(folder.__path__, folder.__name__))


def _load(path: Iterable[str], package: str) -> Iterator[tuple[str, type[Channel]]]:
    for found in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{found.name}")
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Channel) and value.__module__ == module.__name__
        ]
        if len(classes) != 1:
            raise ImportError(f"{module.__name__} must define exactly one Channel, not {len(classes)}")
        yield found.name, classes[0]


def addresses(route: Route) -> Iterator[Route]:
    """Split a route to several addresses into one route each: each is accepted or refused on its own."""
    for address in (route.to,) if isinstance(route.to, str) else dict.fromkeys(route.to):
        yield route.model_copy(update={"to": address})


def delivery_id(alert: str, route: Route) -> str:
    """Return the id of the delivery of alert `alert` on `route`: the same for the same input, forever.

    The language is left out, so that an incident keeps its thread when somebody changes it.
    """
    place = dumps({"to": route.to, **route.settings}, sort_keys=True, default=str)
    return f"{alert}.{route.channel}.{sha256(place.encode()).hexdigest()[:12]}"


def open_channel(route: Route, settings: Settings) -> Channel:
    """Return the channel of a route with one address.

    Raises:
        ConfigError: the channel does not exist, the route does not fit it, or a secret is missing.
    """
    channel = _known(route.channel)
    if missing := channel.missing(settings):
        raise ConfigError(f"channel {route.channel} needs it", where=missing, hint="set this environment variable")
    return _checked(channel, route, settings)


def _known(kind: str) -> type[Channel]:
    if found := channels().get(kind):
        return found
    near = get_close_matches(kind, channels(), 1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(channels())}"
    raise ConfigError(f"there is no channel {kind}", hint=meant)


def _checked(channel: type[Channel], route: Route, settings: Settings) -> Channel:
    try:
        return channel(route, settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "route"
        hint = _hint(channel, field) if first["type"] == "extra_forbidden" else ""
        text = "is not known" if hint else re.sub("^Value error, ", "", first["msg"])
        raise ConfigError(f"{route.channel}: {field}: {text}", hint=hint) from None


def _hint(channel: type[Channel], field: str) -> str:
    fields = list(dict.fromkeys([*Route.model_fields, *channel.Config.model_fields]))
    near = get_close_matches(field, fields, 1)
    return f"did you mean {near[0]}?" if near else f"a route has {', '.join(fields)}"


def check_routes(
    watches: Iterable[Watch],
    settings: Settings | None = None,
    *,
    require_secrets: bool = False,
    where: Callable[[int, int], str] | None = None,
) -> None:
    """Check that every route of `watches` fits its channel, and with `require_secrets` that it can be used right now.

    `where` turns the index of a watch and of its route into the place to name, `file:line`.

    Raises:
        ConfigError: the first route that does not fit.
    """
    known = settings or load_settings()
    for number, watch in enumerate(watches):
        for index, route in enumerate(watch.routes):
            place = where(number, index) if where else f"watch {watch.id}, route {index + 1}"
            _check(route, known, place, require_secrets=require_secrets)
        for count, step in enumerate(watch.escalation, 1):
            for route in step.routes:
                place = f"watch {watch.id}, step {count} of its escalation"
                _check(route, known, place, require_secrets=require_secrets)


def _told(route: Route) -> list[Route]:
    if found := list(addresses(route)):
        return found
    raise ConfigError("`to` is an empty list, so nobody would be told", hint="write an address into it")


def _check(route: Route, settings: Settings, place: str, *, require_secrets: bool) -> None:
    try:
        for single in _told(route):
            _checked(_known(single.channel), single, settings)
            if require_secrets:
                open_channel(single, settings)
    except ConfigError as error:
        text = f"{error.where} is not set" if error.where else error.message
        raise ConfigError(text, where=place, hint=error.hint) from error
