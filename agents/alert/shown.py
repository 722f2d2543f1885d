"""What a message shows of where a post stands: the platform as its users write it, and a link that may be shown."""

from urllib.parse import quote, urlsplit

from agents.alert.localize import cut

URL_LIMIT = 1500

PLATFORMS = {
    "x": "X",
    "web": "Web",
    "youtube": "YouTube",
    "linkedin": "LinkedIn",
    "xing": "XING",
    "googleplus": "Google+",
    "hackernews": "Hacker News",
}


def platform(name: str) -> str:
    """Return a platform's name as its users write it."""
    return cut(PLATFORMS.get(name, name.capitalize()), 40)


def web_address(url: str | None) -> str:
    """Return `url` if it is a link that may be shown (http or https, with a host, not too long), else nothing."""
    text = (url or "").strip()
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:  # such as an unclosed bracket of an IPv6 address: not a link
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host or len(text) > URL_LIMIT:
        return ""
    # what could end a link early in any medium is written as %XX; a % that is there stays
    safe = quote(text, safe="%/:?#[]@!$&'()*+,;=~")
    return safe if len(safe) <= URL_LIMIT else ""
