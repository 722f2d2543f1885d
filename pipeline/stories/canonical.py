"""Addresses made comparable: two that lead to the same page have the same canonical form.

The rules are the syntax-based ones of RFC 3986 (6.2.2), and what sites add that does not change the page: parameters
that only say where a reader came from, mobile hosts, AMP copies, and redirectors that carry their target. The result
is a key and not an address: it has no scheme. Libraries at hand (url-normalize, w3lib, courlan) know neither AMP nor
mobile hosts.

A short link is resolved only where it carries its target: nothing here asks the network.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

LONGEST = 2_000
_MOST_WRAPPINGS = 3

_TRACKING = frozenset(
    """
    fbclid gclid gclsrc gbraid wbraid dclid msclkid yclid twclid ttclid igshid igsh li_fat_id mc_cid mc_eid mkt_tok
    _hsenc _hsmi wt_mc wt_zmc wt.mc_id wt.zmc cmpid cmp s_cid ocid xtor ref_src ref_url smid sr_share at_medium
    at_campaign at_custom1 at_custom2 at_custom3 at_custom4 spm vero_id oly_enc_id oly_anon_id rb_clickid
    amp amp_js_v amp_gsa usqp outputtype __twitter_impression
    """.split()  # noqa: SIM905 - read better than in quotes
)
_PREFIXES = ("utm_", "pk_", "mtm_", "fb_action_", "hsa_")
_REDIRECTORS = {
    "google.com/url": ("url", "q"),
    "l.facebook.com/l.php": ("u",),
    "lm.facebook.com/l.php": ("u",),
    "l.instagram.com": ("u",),
    "out.reddit.com": ("url",),
    "t.umblr.com/redirect": ("z",),
    "youtube.com/redirect": ("q",),
    "linkedin.com/redir/redirect": ("url",),
    "vk.com/away.php": ("to",),
    "slack-redir.net/link": ("url",),
    "steamcommunity.com/linkfilter": ("u", "url"),
}
"""Hosts and paths whose links carry where they lead to, and in which parameter."""

_HOST_PREFIX = re.compile(r"^(?:(?:www\d?|m|mobile|amp|touch)\.)+(?=[^.]+\.[^.]+)")
_AMP_CACHE = re.compile(
    r"^(?:[^/]+\.cdn\.ampproject\.org/(?:[acv]/)+(?:s/)?|google\.[a-z.]+/amp/(?:s/)?)(?=[^/]+\.[^/]+)"
)
_AMP_PATH = re.compile(r"(?:/amp|\.amp)(?:/|(?=\.html?$))?$|\.amp(?=\.html?$)|^/amp(?=/)", re.IGNORECASE)
_ANCHOR = re.compile(r"^(?:!.+|[\w.-]*\d[\w.-]*)$")
"""A fragment that names a post on the page, or a page of an application; any other is a place to scroll to."""


def canonical(url: str) -> str:
    """Return the key of the page at `url`; '' where it is no web address, cannot be read, or names a site as a whole.

    >>> canonical("https://amp.example.org/news/7/?utm_source=x&b=2&a=1#top")
    'example.org/news/7?a=1&b=2'
    """
    for _ in range(_MOST_WRAPPINGS):
        found, target = _once(url)
        if not target:
            return found
        url = target
    return found


def _once(url: str) -> tuple[str, str]:
    """Return the key of `url`, and the address that it only leads to, if it does."""
    try:
        parts = urlsplit(url if len(url) <= LONGEST else "")
        host, port = (parts.hostname or "").rstrip("."), parts.port
        given = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100) if parts.query else []
    except ValueError:
        return "", ""
    if parts.scheme not in ("http", "https") or "." not in host:
        return "", ""
    host, path = _HOST_PREFIX.sub("", host).replace(".m.", ".", 1), parts.path
    if target := _target(f"{host}{path}", parts.query, given):
        return "", target
    if port and port != (443 if parts.scheme == "https" else 80):
        host = f"{host}:{port}"
    if "amp" in path.lower():
        path = _AMP_PATH.sub("", path)
    path = quote(unquote(path), safe="/:@!$&'()*+,;=~-._").rstrip("/") if "%" in path else path.rstrip("/")
    kept = sorted(pair for pair in given if not _tracks(pair[0].lower()))
    anchor = parts.fragment if parts.fragment and _ANCHOR.match(parts.fragment) else ""
    if not path and not kept and not anchor:
        return "", ""
    return f"{host}{path}{'?' + urlencode(kept) if kept else ''}{'#' + anchor if anchor else ''}", ""


def _target(place: str, query: str, given: list[tuple[str, str]]) -> str:
    """Return where an AMP cache or a redirector leads to; '' where `place` is neither."""
    if cached := _AMP_CACHE.match(place):
        return f"https://{place[cached.end() :]}?{query}"
    held = _REDIRECTORS.get(place.rstrip("/"), ())
    return next((value for name, value in given if name in held and value.startswith(("http:", "https:"))), "")


def _tracks(name: str) -> bool:
    return name in _TRACKING or name.startswith(_PREFIXES)
