"""Answers that do not end: the lines of a chunked stream and the frames of a WebSocket, bounded and never silent."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp

from agents.ingest.web.address import NotPublic
from schemas.errors import FailureKind, SourceError


@contextmanager
def failures() -> Iterator[None]:
    """Say what an error of the network means, without the URL or whatever else it quotes."""
    try:
        yield
    except TimeoutError as error:
        raise SourceError("the service did not answer in time") from error
    except aiohttp.WSServerHandshakeError:
        raise
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, NotPublic):
            raise SourceError("it leads to what is not a public address", kind=FailureKind.REFUSED) from None
        raise SourceError(f"the service cannot be reached ({type(error).__name__})") from error
    except aiohttp.ClientPayloadError as error:
        raise SourceError("the answer broke off or cannot be unpacked", kind=FailureKind.BROKEN_ANSWER) from error
    except (aiohttp.InvalidURL, aiohttp.TooManyRedirects) as error:
        # what it says quotes the address
        raise SourceError(f"it leads nowhere ({type(error).__name__})", kind=FailureKind.REFUSED) from None
    except aiohttp.ClientError as error:
        raise SourceError(f"the service could not be asked ({type(error).__name__})") from error


def broken(message: str) -> SourceError:
    """Return the error that an answer is not what it should be."""
    return SourceError(message, kind=FailureKind.BROKEN_ANSWER)


async def lines_of(content: aiohttp.StreamReader, longest: int, quiet: float) -> AsyncIterator[bytes]:
    """Yield the lines of `content` without their ends, the empty ones too; the last one only if it is ended.

    Raises:
        SourceError: nothing came for `quiet` seconds, which is for the connection to find out; the connection broke;
            or a line is longer than `longest` bytes.
    """
    rest = bytearray()
    while True:
        try:
            with failures():
                chunk = await content.readany()
        except SourceError as error:
            if isinstance(error.__cause__, TimeoutError):
                raise SourceError(f"the stream was silent for {quiet:g} s") from error
            raise
        if not chunk:
            return
        begin = len(rest)
        rest += chunk
        if rest.find(b"\n", begin) >= 0:
            *whole, last = rest.split(b"\n")
            rest = last
            for line in whole:
                yield bytes(line.removesuffix(b"\r"))
        if len(rest) > longest:
            raise broken(f"a line of the stream is longer than {longest} bytes")


class Socket:
    """An open WebSocket: iterate over it for what comes, text or bytes. It ends when the service closes it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, quiet: float) -> None:
        self._socket = socket
        self._quiet = quiet

    @property
    def close_code(self) -> int | None:
        """The code with which it was closed; None while it is open."""
        return self._socket.close_code

    async def send_json(self, value: Any) -> None:
        """Send `value`.

        Raises:
            SourceError: the connection is gone.
        """
        try:
            await self._socket.send_str(json.dumps(value))
        except (aiohttp.ClientError, OSError) as error:
            raise SourceError("the connection is gone") from error

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield each message.

        Raises:
            SourceError: nothing came for `quiet` seconds, the connection broke, or a message was too large.
        """
        while True:
            try:
                message = await self._socket.receive(self._quiet)
            except TimeoutError as error:
                raise SourceError(f"the stream was silent for {self._quiet:g} s") from error
            match message.type:
                case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                    yield message.data
                case aiohttp.WSMsgType.ERROR:
                    if self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                        raise broken("a frame of the stream is too large")
                    raise SourceError("the stream broke")
                case aiohttp.WSMsgType.CLOSE | aiohttp.WSMsgType.CLOSING | aiohttp.WSMsgType.CLOSED:
                    if self._socket.close_code in (None, aiohttp.WSCloseCode.ABNORMAL_CLOSURE):
                        raise SourceError("the stream broke")
                    return
