"""A mailbox that gets Google Alerts."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.agents.ingest import mails
from tests.counterparts._mailbox import Postbox


def written(number: int, text: str) -> tuple[bytes, str]:
    """Return an alert with one result."""
    url = f"https://news.example/{number}"
    date = format_datetime(datetime.now(UTC) - timedelta(hours=1, seconds=number))
    raw = mails.alert((f"Title of {number}", text, url), message_id=f"{number}@google.com", date=date)
    return raw, f"web:{url}"


def counterpart() -> Postbox:
    return Postbox("alertmail", written)
