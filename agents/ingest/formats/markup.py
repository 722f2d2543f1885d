"""HTML as a row of texts and tags, read in one pass whatever somebody has made of it.

The parser of the standard library reads some broken documents again from every character on; this one reads as browsers
do where they are lenient, and where something is never closed it lasts to the end.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape

_NAME = re.compile(r"/?[a-zA-Z][^\s/>]*")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']*)))?""")
_STOP = re.compile("[\"'>]")
_RAW = frozenset({"script", "style"})
"""Elements in which nothing is a tag but their own end."""
LONGEST_TAG = 16_384
MOST_ATTRIBUTES = 50


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its name in lower case, whether it ends an element or is `empty` (`<br/>`), and its attributes."""

    name: str
    closes: bool = False
    empty: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


def tokens(html: str) -> Iterator[str | Tag]:
    """Yield the texts (with their characters read) and tags of `html`, in order; comments are left out.

    >>> list(tokens("<p>a &amp; <b>b</b><!-- c -->"))[1:4]
    ['a & ', Tag(name='b', closes=False, empty=False, attributes={}), 'b']
    """
    at, size = 0, len(html)
    while at < size:
        begin = html.find("<", at)
        if begin < 0:
            yield unescape(html[at:])
            return
        if begin > at:
            yield unescape(html[at:begin])
        if html.startswith("<!--", begin):
            at = _after(html, "-->", begin + 4)
        elif html.startswith(("<!", "<?"), begin):
            at = _after(html, ">", begin)
        elif named := _NAME.match(html, begin + 1, begin + 65):
            end = _end_of_tag(html, named.end())
            tag = _tag(named.group(), html[named.end() : min(end, named.end() + LONGEST_TAG)])
            yield tag
            at = end + 1
            if tag.name in _RAW and not (tag.closes or tag.empty):
                end = _end_of_raw(html, tag.name, at)
                yield html[at:end]
                at = end
        else:
            yield "<"
            at = begin + 1


def _after(html: str, mark: str, at: int) -> int:
    found = html.find(mark, at)
    return len(html) if found < 0 else found + len(mark)


def _end_of_tag(html: str, at: int) -> int:
    """Return where the tag ends: at a `>` that stands in no quotes, or with the document."""
    while stop := _STOP.search(html, at):
        if stop.group() == ">":
            return stop.start()
        # a quote means something only behind an equals sign
        quoted = html[max(at, stop.start() - 20) : stop.start()].rstrip().endswith("=")
        at = stop.end()
        if quoted:
            closing = html.find(stop.group(), at)
            if closing < 0:
                return len(html)
            at = closing + 1
    return len(html)


def _end_of_raw(html: str, name: str, at: int) -> int:
    found = re.compile(f"</{name}", re.IGNORECASE).search(html, at)
    return found.start() if found else len(html)


def _tag(name: str, rest: str) -> Tag:
    lowered = name.lower()
    if lowered.startswith("/"):
        return Tag(lowered[1:], closes=True)
    attributes: dict[str, str] = {}
    at = 0
    while len(attributes) < MOST_ATTRIBUTES and (found := _ATTRIBUTE.match(rest, at)):
        value = next((value for value in found.groups()[1:] if value is not None), "")
        attributes.setdefault(found.group(1).lower(), unescape(value))
        at = found.end()
    return Tag(lowered, empty=rest.endswith("/"), attributes=attributes)
