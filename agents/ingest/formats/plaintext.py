"""HTML as feeds carry it, read as the text a person would see."""

from agents.ingest.formats.markup import Tag, tokens

UNSEEN = frozenset({"script", "style", "template", "noscript", "head", "svg", "iframe", "object"})
"""Elements of whose content people see nothing."""
BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "footer"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"}
    | {"table", "td", "th", "tr", "ul"}
)
"""Elements that begin a new line, so that no two words of different blocks grow together."""
DEEPEST = 50
"""Elements of which nothing is seen, inside each other: what is deeper counts as part of the last."""


class Hiding:
    """Whether what is read is seen by people, tag by tag."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def pass_over(self, tag: Tag) -> bool:
        """Note `tag`, and tell whether it begins or ends something unseen."""
        if tag.name not in UNSEEN:
            return False
        if tag.closes and tag.name in self._open:
            del self._open[self._open.index(tag.name) :]
        elif not tag.closes and not tag.empty and len(self._open) < DEEPEST:
            # <script/> and <iframe/> hide nothing that follows
            self._open.append(tag.name)
        return True


def plain(html: str) -> str:
    """Return the text of `html`, a line a block, white space collapsed.

    >>> plain("<p>M&uuml;ller &amp; S&ouml;hne<br>Br&uuml;cke</p><script>alert(1)</script><p>zu</p>")
    'Müller & Söhne\\nBrücke\\nzu'
    """
    parts: list[str] = []
    hiding = Hiding()
    for token in tokens(html):
        if isinstance(token, str):
            parts += [] if hiding else [token]
        elif not hiding.pass_over(token) and token.name in BLOCKS:
            parts.append("\n")
    return collapse("".join(parts))


def collapse(text: str) -> str:
    """Return `text` without empty lines, and without white space that says nothing.

    >>> collapse("  a \\t b\\n\\n c ")
    'a b\\nc'
    """
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
