"""Time zones: the names of the IANA database, and which one somebody meant who wrote another."""

import difflib
import unicodedata
from functools import cache
from zoneinfo import available_timezones

_MEANT = {
    "Europe/Berlin": "mez mesz cest germany deutschland bonn dresden essen frankfurt hamburg hannover koln leipzig "
    "munchen munich nurnberg stuttgart",
    "Europe/Vienna": "wien austria osterreich graz salzburg",
    "Europe/Zurich": "basel bern genf geneva schweiz switzerland",
    "Europe/Brussels": "brussel brussels",
    "Europe/Warsaw": "warschau",
    "Europe/Prague": "prag",
    "Europe/Kyiv": "kiew kiev",
    "Europe/Moscow": "moskau",
    "Europe/Rome": "rom mailand milan",
    "Europe/Lisbon": "lissabon",
    "Europe/Copenhagen": "kopenhagen",
    "Europe/Athens": "athen",
    "Europe/Luxembourg": "luxemburg",
    "Europe/London": "bst gb uk england",
    "America/New_York": "est edt",
    "America/Los_Angeles": "pst pdt",
    "Asia/Tokyo": "tokio",
    "Asia/Shanghai": "peking beijing",
}
"""Cities, countries and abbreviations that are no part of their zone's name, as `_plain` leaves them."""
_ZONE_OF = {word: zone for zone, words in _MEANT.items() for word in words.split()}
_JOINTS = {ord(one): None for one in "/_-"}
_CONTINENTS = frozenset({"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones; they are read from disk once."""
    return frozenset(available_timezones())


def meant(written: str) -> str:
    """Return what to write instead of `written`, which is no time zone: the nearest name, or how names look.

    >>> meant("Europe/Kiew"), meant("Berlin")
    ('did you mean `Europe/Kyiv`?', 'did you mean `Europe/Berlin`?')
    """
    found = _nearest(_plain(written))
    return f"did you mean `{found}`?" if found else "write one as Europe/Berlin"


def _nearest(plain: str) -> str:
    by_name = {_plain(zone): zone for zone in sorted(zones())}
    by_city = {name.rpartition("/")[2]: zone for name, zone in by_name.items() if zone.partition("/")[0] in _CONTINENTS}
    city = plain.rpartition("/")[2]
    exact = by_name.get(plain) or _ZONE_OF.get(city) or by_city.get(city)
    if exact or len(city) < 4 or not plain.translate(_JOINTS).isalpha():  # what has digits is a time, or a distance
        return exact or ""
    for asked, known in ((plain, by_name), (city, {**by_city, **_ZONE_OF})):
        if close := difflib.get_close_matches(asked, known, 1, 0.75):
            return known[close[0]]
    return ""


def _plain(written: str) -> str:
    """Return a name without what people write differently: case, accents, spaces, and the German Europa."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", written[:80]) if not unicodedata.combining(one))
    name = "_".join(bare.casefold().replace("\\", "/").split())
    return name.replace("europa/", "europe/", 1)
