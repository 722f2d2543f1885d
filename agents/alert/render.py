"""The form of a message in each medium: Slack's blocks, a mail's HTML and text, plain text."""

from collections.abc import Iterable, Sequence
from typing import Any

from agents.alert.letter import Extract, Letter, environment, write
from agents.alert.localize import ELLIPSIS, cut, one_line
from agents.alert.shown import platform
from pipeline.stories.sketch import number
from schemas.alert import Alert, AlertReason

Blocks = list[dict[str, Any]]

HEADER_LIMIT = 150
SECTION_LIMIT = 3000
CONTEXT_LIMIT = 2000
FALLBACK_LIMIT = 2000
SUBJECT_LIMIT = 180
_POST = "earshot-post-"
QUOTED = {"de": "„{}“", "en": "“{}”"}
COLOURS = {
    AlertReason.OPENED: "#d64545",
    AlertReason.GREW: "#a61b1b",
    AlertReason.RESOLVED: "#3f9142",
    AlertReason.ROSE: "#a61b1b",
    AlertReason.ESCALATED: "#a61b1b",
    AlertReason.REMINDER: "#d64545",
    AlertReason.LAPSED: "#d64545",
    AlertReason.DIGEST: "#5a67d8",
    AlertReason.SILENCE_ENDS: "#b7791f",
    AlertReason.WITHDRAWN: "#6b7280",
    AlertReason.MISTAKE: "#b7791f",
}


def slack(alert: Alert, language: str, *, repeat: bool = False) -> tuple[str, Blocks]:
    """Return the text for notifications and the blocks of a Slack message.

    What other people wrote stands in plain text objects, where Slack reads no markup and mentions nobody, or is
    escaped. Whatever comes in, Slack's limits hold: 150 characters a header, 3,000 a section, 50 blocks.
    """
    letter = write(alert, language, repeat=repeat)
    summary = [f"*{_escape(letter.lead, 800)}*", *(f"• {_escape(text, 400)}" for text in letter.details)]
    blocks: Blocks = [{"type": "header", "text": _plain(letter.headline, HEADER_LIMIT)}]
    if letter.repeat:
        blocks.append(_context(f":warning: {_escape(letter.repeat, 500)}"))
    blocks += _sections(summary)
    if letter.extracts:
        blocks.append(_section(f"*{_escape(letter.extracts_title, 200)}*"))
    for extract in letter.extracts:
        blocks += [_gone(extract.text, extract.platform)] if extract.gone else _quoted(extract, letter)
    facts = [f"*{_escape(label, 100)}:* {_escape(text, 600)}" for label, text in letter.facts]
    blocks += [{"type": "divider"}, _section("\n".join(facts)), _context(_escape(letter.footer, CONTEXT_LIMIT))]
    return _escape(f"{letter.headline}. {letter.lead}", FALLBACK_LIMIT), blocks


def without(blocks: Sequence[dict[str, Any]], gone: Iterable[str], edited: Iterable[str] = ()) -> Blocks:
    """Return the blocks of a message with a line in place of each post that is gone, by its id; the same if none is.

    Of one that is `edited` the line stands in place of its words, and where it is stays.
    """
    names = {str(number(mention)): mention.partition(":")[0] for mention in gone}
    others = {str(number(mention)) for mention in edited} - names.keys()
    found: Blocks = []
    for block in blocks:
        part, _, rest = str(block.get("block_id", "")).removeprefix(_POST).partition("-")
        language, _, name = rest.partition("-")
        if part == "text" and language in QUOTED and name in others:
            # it keeps its name, so that it is found again should the post be deleted
            found.append(
                {**_context(f"_{_escape(_said(language, 'quote_edited'), 200)}_"), "block_id": block["block_id"]}
            )
        elif part not in {"text", "from"} or language not in QUOTED or name not in names:
            found.append(block)
        elif part == "text":
            found.append(_gone(_said(language, "quote_gone"), platform(names[name])))
    return found


def _said(language: str, macro: str) -> str:
    said: Any = environment.get_template(f"{language}.j2").make_module({"a": None})
    return one_line(str(getattr(said, macro)()))


def _gone(said: str, where: str) -> dict[str, Any]:
    return _context(f"_{_escape(said, 200)}_ · {_escape(where, 200)}")


def _quoted(extract: Extract, letter: Letter) -> Blocks:
    """Return a post and where it stands; both can be found again in the message, should it be deleted."""
    text = _plain(QUOTED[letter.language].format(extract.text), SECTION_LIMIT)
    name = f"{letter.language}-{extract.number}"
    section = {"type": "section", "block_id": f"{_POST}text-{name}", "text": text}
    return [section, {**_source(extract, letter), "block_id": f"{_POST}from-{name}"}]


def _source(extract: Extract, letter: Letter) -> dict[str, Any]:
    """Return the line below a post: platform, author, time, copies and the link."""
    parts = [_escape(text, 200) for text in (extract.platform, *extract.about)]
    if extract.url:
        # Slack decodes entities within a link, so only what would end it has to go; letter did that
        parts.append(f"<{extract.url.replace('&', '&amp;')}|{_escape(letter.open_label, 100)}>")
    line = " · ".join(parts)
    return _context(line if _size(line) <= SECTION_LIMIT else " · ".join(parts[:-1]))


def _size(text: str) -> int:
    """Return the length of `text` as Slack counts it at worst: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _escape(text: str, limit: int) -> str:
    """Return `text` with Slack's three special characters escaped, at most `limit` long, no entity cut in two.

    A zero-width space behind the @ of a group keeps it from calling everybody, should a client ever read it.
    """
    for name in ("channel", "here", "everyone"):
        text = text.replace(f"@{name}", f"@\u200b{name}")
    size = limit
    while True:
        kept = cut(text, size).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        if _size(kept) <= limit:
            return kept
        size = size * 2 // 3


def _plain(text: str, limit: int) -> dict[str, Any]:
    kept = text
    while _size(kept) > limit:
        kept = kept[: len(kept) - max(1, (_size(kept) - limit) // 2) - 1] + ELLIPSIS
    return {"type": "plain_text", "text": kept, "emoji": False}


def _marked(text: str) -> dict[str, Any]:
    # verbatim: Slack must not look for channel names, people and links in what was not marked as such
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _marked(text)}


def _sections(lines: list[str]) -> Blocks:
    """Return as many sections as `lines` need, each of which is short enough for one."""
    texts = [""]
    for line in lines:
        longer = f"{texts[-1]}\n{line}" if texts[-1] else line
        texts = [*texts[:-1], longer] if _size(longer) <= SECTION_LIMIT else [*texts, line]
    return [_section(text) for text in texts]


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_marked(text)]}


def mail(alert: Alert, language: str, *, repeat: bool = False) -> tuple[str, str, str]:
    """Return the subject, the HTML and the text of a mail. The subject is one line and stays the same for an incident.

    Mail programs sort messages into threads by References *and* by the subject, so news stand in the first line.
    """
    letter = write(alert, language, repeat=repeat)
    html = environment.get_template("mail.html.j2").render(letter=letter, colour=COLOURS[alert.reason])
    return cut(letter.subject, SUBJECT_LIMIT), html, _text(letter)


def console(alert: Alert, language: str, *, repeat: bool = False) -> str:
    """Return the message as plain text."""
    return _text(write(alert, language, repeat=repeat))


def _text(letter: Letter) -> str:
    return environment.get_template("mail.txt.j2").render(letter=letter)
