"""What others wrote, and how many there are, as it may stand on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from agents.strays import Stray


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


def console(width: int = 140, *, markup: bool = False) -> "Console":
    """Return where tables are printed: as wide as the terminal is, or as they are where there is none.

    What people have written is no markup.
    """
    from rich.console import Console

    found = Console(highlight=False, markup=markup)
    return found if found.is_terminal else Console(highlight=False, markup=markup, width=width)


def print_table(shown: "Table | str") -> None:
    """Print a table, and keep whole what is copied from its first column."""
    if not isinstance(shown, str):
        shown.columns[0].no_wrap = True
    console().print(shown)


MOST_STRAYS = 5


def name_strays(strays: "Sequence[Stray]") -> None:
    """Name on standard error what was left out because it is not ours, the first few each, and how many more."""
    import typer

    for stray in strays[:MOST_STRAYS]:
        typer.echo(f"earshot: {stray}", err=True)
    if len(strays) > MOST_STRAYS:
        typer.echo(f"earshot: … and {len(strays) - MOST_STRAYS:,} more records that are not ours", err=True)
