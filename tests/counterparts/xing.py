"""A mailbox that gets XING's notifications."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.agents.ingest import mails
from tests.counterparts._mailbox import Postbox


def written(number: int, text: str) -> tuple[bytes, str]:
    """Return a notification."""
    name = f"{number}@mail.xing.com"
    date = format_datetime(datetime.now(UTC) - timedelta(hours=1, seconds=number))
    return mails.xing("Eva Muster hat Sie in einem Beitrag erwähnt", text, message_id=name, date=date), f"xing:{name}"


def counterpart() -> Postbox:
    return Postbox("xing", written)
