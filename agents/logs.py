"""How every process logs: one line an event on standard error, for people or as JSON for machines.

Callers pass names, counts and reasons, never a post's text. What looks like a secret by its name is masked all the
same, and long values are cut, so that a mistake in one call does not put a text or a token into a log archive.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from threading import Lock
from time import monotonic
from typing import Any

import structlog

from schemas.settings import Settings

_NOISY = ("aiokafka", "kafka", "faust", "mode", "slack_sdk", "aiohttp.access", "asyncio", "mail.log")
"""Libraries whose INFO is written for their own developers."""
_SECRET = ("password", "secret", "token", "authorization", "signature", "webhook_url")
_LONGEST = 500
_AGAIN_SECONDS = 60.0
"""How long librdkafka is not heard with what it has just said: without a broker it says it twenty times a second."""
_ATTEMPT = re.compile(r"\w+ \[rdkafka#")
_CLOSED = "Metadata refresh: failed Cancelled"
"""What kafka-python calls an error although we have closed that client ourselves, as after each look at the broker."""
_VARIES = re.compile(r"#\w+-\d+|\d+ms")


class _NotAgain(logging.Filter):
    """Lets through what librdkafka says of a broker once, and again after `_AGAIN_SECONDS`; never what is routine."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether `record` is news."""
        text = record.getMessage()
        if text == _CLOSED:
            return False
        if not _ATTEMPT.match(text):
            return True
        key, now = (record.name, _VARIES.sub("", text)), monotonic()
        with self._lock:  # every client logs from threads of its own
            self._said = {known: at for known, at in self._said.items() if now < at + _AGAIN_SECONDS}
            if key in self._said:
                return False
            self._said[key] = now
        return True


class _NoHttp(logging.Filter):
    """Makes one line of what is no HTTP request: the traceback quotes what was sent, a header or a post's text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite `record` where it is about that; let everything through."""
        error = record.exc_info[1] if record.exc_info else None
        if record.name == "aiohttp.server" and type(error).__module__ == "aiohttp.http_exceptions":
            record.msg, record.exc_info, record.exc_text = "what %s sent is no HTTP request", None, None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def configure(settings: Settings, process: str) -> None:
    """Send our logs and those of the libraries to standard error; `process` stands in every line."""

    def _named(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # not a context variable: those do not reach the threads of the clients
        event["process"] = process
        return event

    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _named,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _discreet,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_NotAgain())
    handler.addFilter(_NoHttp())
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(settings)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _last(settings: Settings) -> list[Any]:
    """Return the processors that make the line."""
    finish: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log == "json":
        return [*finish, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # without the frames' variables: a post's text would stand among them
    plain = structlog.dev.plain_traceback
    return [*finish, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _discreet(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what is named like a secret, and cut what is too long to be a name, a count or a reason."""
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRET):
            event[name] = "***"
        elif isinstance(value, str) and name != "event" and len(value) > _LONGEST:
            event[name] = f"{value[:_LONGEST]}… ({len(value)} characters)"
    return event
