"""Links in a post on X, written out: its text holds only `https://t.co/…`, and beside it stands where each leads to.

Without that no two posts that link to the same page have the same link, and nobody who reads one sees whose page it is.
"""

import re
from collections.abc import Mapping
from typing import Any

from agents.ingest.formats.weblinks import host_of
from agents.ingest.platforms.payload import group, name, rows, text

_SHORT = re.compile(r"https?://t\.co/\w+")


def written_out(said: str, entities: Any) -> str:
    """Return `said` with each short link as the address it leads to, and without those to the post's own pictures.

    >>> urls = [{"url": "https://t.co/a1", "expanded_url": "https://bit.ly/7", "unwound_url": "https://a.example/7"},
    ...         {"url": "https://t.co/b2", "expanded_url": "https://x.com/a/status/1/photo/1", "media_key": "3_1"}]
    >>> written_out("Lest: https://t.co/a1 https://t.co/b2", {"urls": urls})
    'Lest: https://a.example/7'
    """
    targets = {text(link, "url"): _target(link) for link in map(group, rows(entities, "urls"))}
    shown = _SHORT.sub(lambda found: targets.get(found[0], found[0]), said)
    return shown.rstrip() if shown != said else said


def _target(link: Mapping[str, Any]) -> str:
    """Return where a link leads to, after redirections where X has followed them; nothing for a picture."""
    if name(link, "media_key"):
        return ""
    found = (text(link, field) for field in ("unwound_url", "expanded_url"))
    return next(filter(host_of, found), text(link, "url"))
