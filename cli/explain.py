"""`earshot explain`: what is judged about every post of a file, or was about one mention, and why."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from cli.reading import Unreadable
    from pipeline.sentiment import Feels
    from schemas.event import Post

WatchesOption = Annotated[Path | None, typer.Option("--watches", "-w", metavar="FILE", help="The watch file.")]
InputOption = Annotated[
    str,
    typer.Option(
        "--input",
        "-i",
        metavar="FILE",
        help="Recorded posts: .jsonl, .json or .csv, also .gz or .zip; - is stdin. A folder, .tgz: a Google+ archive.",
    ),
]
MOST_TOLD = 20
"""So many lines that are no posts are told one by one: a file of another form has nothing else."""
_MOODS = {"negative": "red", "positive": "green", "unsure": "yellow"}


def explain(
    mention: Annotated[
        str, typer.Argument(metavar="[MENTION]", help="A mention of a running deployment, such as x:123.")
    ] = "",
    watches: WatchesOption = None,
    input: InputOption = "",  # noqa: A002 - the name of the option
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say of every post what it matches, how it reads, what was decided and why; exit code 1 if a line is no post.

    With MENTION instead of --watches and --input: what a running deployment decided about that one, how far each rule
    was from firing, and what would have changed it, from the receipts that it keeps for two days.
    """
    if mention and not (watches or input):
        from cli.decided import explain_mention

        explain_mention(mention, json=json)
        return
    if mention or not watches or not input:
        raise typer.BadParameter("write a mention such as x:123, or --watches and --input")
    from rich.console import Console

    from cli.check import read_watches
    from cli.reading import read_in_order
    from pipeline.offline.explain import explain as explain_posts

    console = Console(highlight=False)
    unreadable: list[Unreadable] = []
    found = None
    for found in explain_posts(read_watches(watches), noting(read_in_order(input), unreadable), feels=feeling()):
        if json:
            _print_json(found)
        else:
            console.print(*say(found), sep="\n", end="\n\n", soft_wrap=True)
    if found is None:
        typer.echo(f"earshot: {input} holds no posts", err=True)
    if unreadable:
        raise typer.Exit(1)


def feeling() -> "Feels":
    """Return what judges sentiment, as a worker in this environment would have it judged.

    Raises:
        ConfigError: there is to be a model, and it cannot be loaded.
    """
    from pipeline.sentiment.transformer import choose
    from schemas.settings import load_settings

    settings = load_settings()
    return choose(settings.sentiment_model, settings.sentiment_languages)


def noting(posts: "Iterable[Post | Unreadable]", unreadable: "list[Unreadable]") -> "Iterator[Post | Unreadable]":
    """Pass `posts` on; what is none is noted in `unreadable`, the first of it told on standard error, then how much."""
    from cli.reading import Unreadable

    for post in posts:
        if isinstance(post, Unreadable):
            if len(unreadable) < MOST_TOLD:
                typer.echo(f"{post.where}: {post.reason}: {post.detail}", err=True)
            unreadable.append(post)
        yield post
    if len(unreadable) > MOST_TOLD:
        typer.echo(f"… and {len(unreadable) - MOST_TOLD:,} more that are no posts", err=True)


def _print_json(found: dict[str, Any]) -> None:
    from json import dumps

    typer.echo(dumps(found, ensure_ascii=False))


def say(found: dict[str, Any]) -> "list[Text]":
    """Return the explanation of one post as lines for people."""
    from rich.text import Text

    from cli.printable import printable

    decision = found["decision"]
    if found["id"] is None:
        return [Text.assemble(("no post  ", "red"), decision["detail"])]
    language, mood, score = found["language"], found["sentiment"], found["score"]
    head = Text.assemble(
        (printable(found["id"]), "bold"),
        f"  {language['code']}  ",
        (f"{mood['class']} {mood['probability']:.0%}", _MOODS.get(mood["class"], "")),
        f"  score {score['value']:g}",
    )
    lines = [head, _marked(found)]
    lines += [_answered(asked) for asked in found["queries"]]
    if factors := ", ".join(f"{one['name']} {one['points']:+g}" for one in score["factors"] if one["points"]):
        lines.append(Text(f"  score:    {factors}", "dim"))
    if words := ", ".join(f"{one['text']} {one['weight']:+g}" for one in mood["words"]):
        lines.append(Text(f"  feeling:  {words}", "dim"))
    for name, watch in found["watches"].items():
        said = watch["decision"]
        lines.append(Text.assemble(f"  {name}: ", (said["decision"], "bold"), f"  {said['detail']}"))
        lines += [Text(f"    {said}", "dim") for said in (_meant(watch["relevance"]), watch["risk"]) if said]
        lines += [Text(f"    {say_rule(one)}", "dim") for one in watch["rules"]]
    return lines if found["watches"] else [*lines, Text(f"  {decision['decision']}", "dim")]


def _meant(found: dict[str, Any]) -> str:
    """Return how probably the watched entity is meant; without description and feedback that is a rule."""
    if found["by"] == "query":
        return "meant: by the query alone"
    words = ", ".join(f"{one['word']} {one['weight']:+g}" for one in found["words"])
    return f"meant: {found['probability']:.0%} by {found['by']}{f' ({words})' if words else ''}"


def say_rule(one: dict[str, Any]) -> str:
    """Return how far a rule was from firing; keys as in `pipeline.offline.explain`."""
    tried = " (shadow: nobody is told)" if one["shadow"] else ""
    tried += f" (what is usual is scaled by {one['scaled']})" if one.get("scaled") else ""
    if one["warming"]:
        until = f", and will have at {one['until'][:16].replace('T', ' ')} UTC" if one.get("until") else ""
        return f"{one['rule']}: has not seen enough yet to judge{until}{tried}"
    share = one["value"] / one["threshold"] if one["threshold"] else 0.0
    said = "tripped" if one["tripped"] else f"{share:.0%} of the way"
    return f"{one['rule']}: {one['value']:g} of {one['threshold']:g}, {said}{tried}"


def _answered(asked: dict[str, Any]) -> "Text":
    """Return why a query matched: each operator with its words, or the operand that failed."""
    from rich.text import Text

    whose = asked["watch"] if asked["entity"] == "own" else f"{asked['watch']} ({asked['entity']})"
    return Text(f"  {whose}: {asked['said']}", "" if asked["matched"] else "dim")


def _marked(found: dict[str, Any]) -> "Text":
    """Return the text of a post with what has matched underlined."""
    from rich.text import Text

    text = Text(found["text"])
    for match in found["matches"]:
        for entity in match["entities"]:
            for span in entity["spans"]:
                text.stylize("underline cyan", span["start"], span["end"])
    return Text.assemble("  ", text)
