"""Slack's Socket Mode: how delivery hears of buttons without an address that Slack could reach.

Auth: `SLACK_APP_TOKEN` (scope connections:write) opens a web socket, over which nobody but Slack speaks to us; the app
has Socket Mode and Interactivity switched on. Limits: ten sockets of an app; Slack gives each press to one of them.
Guarantee: an envelope is acknowledged when the broker has the record, or after `ACK_SECONDS`, because Slack wants to
hear within three seconds and delivers again what nobody has acknowledged: that press is taken twice and counts once.
A Slack that does not answer is asked again and holds up no delivery.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from agents.alert.pressed import take
from agents.observe import gauge
from schemas.metrics import BUTTONS_HEARD
from schemas.settings import Settings

ACK_SECONDS = 2.0
CONNECT_SECONDS = 30.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds between attempts to connect: doubled each time."""
LOOK_SECONDS = 0.5

_log = structlog.get_logger("buttons")
_silent = logging.getLogger("slack_sdk.socket_mode.earshot")
"""The library's own log: it would repeat each attempt with a trace, and addresses that hold a ticket."""
_silent.setLevel(logging.CRITICAL + 1)


@contextmanager
def hearing_buttons(settings: Settings) -> Iterator[None]:
    """Hear of buttons in a thread of its own for as long as the context lasts, where Slack is set up for it."""
    if not settings.slack_app_token.get_secret_value() or not settings.slack_bot_token.get_secret_value():
        if settings.slack_bot_token.get_secret_value():
            _log.info("messages to Slack have no buttons: SLACK_APP_TOKEN is not set")
        yield
        return
    stopping = Event()
    thread = Thread(target=lambda: asyncio.run(_hear(settings, stopping)), name="buttons", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(CONNECT_SECONDS)


async def _hear(settings: Settings, stopping: Event) -> None:
    pause = FIRST_PAUSE
    while not stopping.is_set():
        client = SocketModeClient(
            settings.slack_app_token.get_secret_value(),
            logger=_silent,
            web_client=AsyncWebClient(base_url=settings.slack_api_url.rstrip("/") + "/", logger=_silent),
        )
        try:
            if await _connected(client, settings):
                pause = FIRST_PAUSE
                await _while_connected(client, stopping)
        except Exception:  # noqa: BLE001 - the seam of the thread: should it end, nobody would hear of a button again
            _log.exception("hearing of buttons failed in a way it must not; trying again")
        finally:
            gauge(BUTTONS_HEARD).set(0)
            await client.close()  # type: ignore[no-untyped-call]  # the library's
        await asyncio.to_thread(stopping.wait, pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def _connected(client: SocketModeClient, settings: Settings) -> bool:
    """Open the socket; False, and a line in the log, where that does not succeed."""
    tasks: set[asyncio.Task[Any]] = set()

    async def hear(_: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        task = asyncio.create_task(asyncio.to_thread(_take, settings, request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await asyncio.wait({task}, timeout=ACK_SECONDS)
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(hear)
    try:
        # not by issue_new_wss_url of the library, which breaks on an answer that is not JSON
        answer = await client.web_client.apps_connections_open(app_token=client.app_token)
        client.wss_uri = str(answer["url"])
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect()  # type: ignore[no-untyped-call]
    except SlackApiError as error:
        _log.warning("Slack lets us hear of no buttons", reason=_word(error))
        return False
    except (SlackClientError, ClientError, TimeoutError, OSError) as error:
        _log.warning("Slack cannot be reached for buttons", reason=type(error).__name__)
        return False
    _log.info("buttons are heard")
    return True


def _word(error: SlackApiError) -> str:
    """Return Slack's word for why it refuses; there is none where the answer is not JSON."""
    told = error.response if isinstance(error.response, str) else error.response.data
    return str(told.get("error", "")) if isinstance(told, dict) else "the answer is not JSON"


def _take(settings: Settings, request: SocketModeRequest) -> None:
    if request.type == "interactive" and request.payload.get("type") == "block_actions":
        take(settings, request.payload)


async def _while_connected(client: SocketModeClient, stopping: Event) -> None:
    """Return once we are to stop, or the socket is gone and the library does not get another one in time."""
    lost = 0.0
    while not stopping.is_set() and lost < CONNECT_SECONDS:
        heard = await client.is_connected()
        gauge(BUTTONS_HEARD).set(heard)
        lost = 0.0 if heard else lost + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
