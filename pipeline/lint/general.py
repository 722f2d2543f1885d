"""General: a query that brings far more than anybody can use, by what it asks for or by what a sample says."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.lint import Asked, Context, Finding, Watched
from pipeline.lint.tree import alternatives
from pipeline.normalize import clean, fold
from pipeline.query.leaf import QUOTES
from pipeline.query.tree import Glob, Node, Part, Phrase, Word
from schemas.duration import parse_duration, print_duration

MOST_A_DAY = 10_000
"""More own-brand mentions a day than this are no longer read by anybody."""
SHORT = 2
_COMMON = frozenset(
    fold(word)
    for word in Path(__file__).with_name("common_words.txt").read_text("utf-8").splitlines()
    if not word.startswith("#")
)


def look(watched: Watched, context: Context) -> Iterator[Finding]:
    """Yield the parts of queries that match nearly everything, and rules that would never be quiet."""
    for asked in watched.asked:
        for part in alternatives(asked.query.root):
            yield from _ordinary(watched, asked, part)
    if context.counts is not None:
        yield from _measured(watched, context.counts.per_day(watched.watch.id))


def _ordinary(watched: Watched, asked: Asked, part: Node) -> Iterator[Finding]:
    word = _only_word(part)
    if not isinstance(part, Phrase) or not word:
        return
    if word in _COMMON:
        why, do = "it is an ordinary word", "join it with what it is about, as in … AND …"
    elif len(word) <= SHORT:
        why, do = f"{len(word)} letters stand for many things", f"add what it is about: {part.written} AND (… OR …)"
    else:
        return
    where = watched.where(*asked.path, column=part.column)
    yield Finding("general", where, f"{part.written} alone is enough", why, do)


def _only_word(part: Node) -> str:
    """Return the only word that a part asks for, folded, and of one with wildcards what they leave of it."""
    match part:
        case Phrase(ways=((Part() as term,),)):
            return term.folded
        case Phrase(ways=((Word() | Glob(),),), title=False):
            return fold(clean(part.written)).strip(QUOTES + "*?")
        case _:
            return ""


def _measured(watched: Watched, per_day: float) -> Iterator[Finding]:
    where, watch = watched.where("query"), watched.watch
    if per_day > MOST_A_DAY:
        why = f"the sample holds {per_day:,.0f} mentions a day"
        yield Finding("general", where, f"watch {watch.id} hears too much", why, "narrow the query")
    for number, rule in enumerate(watch.rules):
        said = rule.settings
        if rule.kind == "count" and said.get("distinct", "mentions") == "mentions":
            seconds = parse_duration(said["window"])
            usual = per_day * seconds / 86_400
            if usual >= said["threshold"]:
                why = f"{usual:,.0f} mentions in {print_duration(seconds)} are usual on the sample"
                what = f"rule {rule.id} would hardly ever be quiet"
                do = f"a threshold of {max(2 * usual, 1):,.0f} is twice the usual"
                yield Finding("general", watched.where("rules", number), what, why, do)
