"""What others wrote, as it may stand on a terminal."""


def printable(text: str) -> str:
    r"""Return `text` with what has no shape written out: a post's id may hold control sequences of the terminal.

    >>> printable("x:1\x1b[2J – Müller")
    'x:1\\x1b[2J – Müller'
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
