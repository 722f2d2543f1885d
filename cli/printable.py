"""What others wrote, and how many there are, as it may stand on a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def printable(text: str) -> str:
    r"""Return `text` with what has no shape written out: a post's id may hold control sequences of the terminal.

    >>> printable("x:1\x1b[2J – Müller")
    'x:1\\x1b[2J – Müller'
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts, one or several.

    >>> counted(1, "story", "stories"), counted(1200, "post")
    ('1 story', '1,200 posts')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def print_table(shown: "Table | str") -> None:
    """Print what people have written as it is, and keep what is copied whole; a pipe is as wide as the tables are."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not isinstance(shown, str):
        shown.columns[0].no_wrap = True
    (console if console.is_terminal else Console(highlight=False, markup=False, width=140)).print(shown)
