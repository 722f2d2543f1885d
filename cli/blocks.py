"""Block Kit as HTML: a Slack message the way Slack shows it, for the local inbox.

Everything from a message is escaped; links are kept only for http, https and mailto. What Slack would refuse is not
shown either: an unknown kind of block raises, because a message that only looks right here would not arrive there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from schemas.errors import DeliveryError

Block = Mapping[str, Any]

_EMOJI = {
    "rotating_light": "🚨", "warning": "⚠️", "white_check_mark": "✅", "chart_with_upwards_trend": "📈", "fire": "🔥",
    "eyes": "👀", "bell": "🔔", "speech_balloon": "💬", "large_green_circle": "🟢", "red_circle": "🔴", "mega": "📣",
    "large_yellow_circle": "🟡", "large_orange_circle": "🟠", "clock3": "🕒", "bust_in_silhouette": "👤", "link": "🔗",
    "arrow_up": "⬆️", "heavy_check_mark": "✔️", "information_source": "ℹ️", "bar_chart": "📊", "hourglass": "⌛",
}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<pre>```(?P<pre_text>.+?)```)|(?P<code>`(?P<code_text>[^`\n]+)`)|<(?P<link>[^<>\n]+)>"
    r"|(?<!\w)\*(?P<bold>\S|\S[^*\n]*\S)\*(?!\w)|(?<!\w)_(?P<italic>\S|\S[^_\n]*\S)_(?!\w)"
    r"|(?<!\w)~(?P<strike>\S|\S[^~\n]*\S)~(?!\w)|:(?P<emoji>[a-z0-9_+-]+):",
    re.DOTALL,
)
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def _plain(text: str) -> str:
    """Undo Slack's own three escapes, then escape for HTML: `&amp;lt;` stays what it is."""
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def mrkdwn(text: str) -> str:
    """Return Slack's own markup as HTML."""
    parts: list[str] = []
    quoting = False
    for line in [text] if "```" in text else text.split("\n"):
        quoted = line.startswith(("&gt;", ">"))
        body = _inline(re.sub(r"^(?:&gt;|>) ?", "", line) if quoted else line)
        if quoted != quoting:
            parts.append("<blockquote>" if quoted else "</blockquote>")
        elif parts:
            parts.append("<br>")
        parts.append(body)
        quoting = quoted
    return "".join(parts) + ("</blockquote>" if quoting else "")


def _inline(text: str) -> str:
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts += [_plain(text[end : token.start()]).replace("\n", "<br>"), _token(token)]
        end = token.end()
    return "".join([*parts, _plain(text[end:]).replace("\n", "<br>")])


def _token(token: re.Match[str]) -> str:
    if (inner := token["pre_text"]) is not None:
        return f"<pre>{_plain(inner)}</pre>"
    if (inner := token["code_text"]) is not None:
        return f"<code>{_plain(inner)}</code>"
    if (inner := token["link"]) is not None:
        return _link(inner)
    if (inner := token["emoji"]) is not None:
        return _EMOJI.get(inner, f":{escape(inner)}:")
    for name, tag in (("bold", "b"), ("italic", "i"), ("strike", "s")):
        if (inner := token[name]) is not None:
            return f"<{tag}>{_inline(inner)}</{tag}>"
    return escape(token[0])


def _link(inner: str) -> str:
    target, _, label = inner.partition("|")
    if target.startswith("!date^"):
        return _plain(label)
    if target.startswith(("@", "#", "!")):
        return f'<span class="mention">{_plain(label or target)}</span>'
    if not _SAFE_LINK.match(target):
        return _plain(label or target)
    return f'<a href="{_plain(target)}" rel="noreferrer noopener" target="_blank">{_plain(label or target)}</a>'


def text_object(text: Block) -> str:
    """Return a text object, `plain_text` or `mrkdwn`, as HTML."""
    said = str(text["text"])
    if text["type"] == "mrkdwn":
        return mrkdwn(said)
    if text.get("emoji") is False:
        return escape(said).replace("\n", "<br>")
    return re.sub(r":([a-z0-9_+-]+):", lambda found: _EMOJI.get(found[1], found[0]), escape(said).replace("\n", "<br>"))


def _section(block: Block) -> str:
    body = f"<div>{text_object(block['text'])}</div>" if "text" in block else ""
    fields = "".join(f"<div>{text_object(one)}</div>" for one in block.get("fields", ()))
    accessory = _button(block["accessory"]) if "accessory" in block else ""
    return f'<div class="section">{body}{f"<div class=fields>{fields}</div>" if fields else ""}{accessory}</div>'


def _button(element: Block) -> str:
    """Return a button; its link is shown, and nothing here can be pressed."""
    if element["type"] != "button":
        return ""
    style = " primary" if element.get("style") == "primary" else " danger" if element.get("style") == "danger" else ""
    label = text_object(element["text"])
    if _SAFE_LINK.match(str(element.get("url", ""))):
        href = escape(str(element["url"]))
        return f'<a class="button{style}" href="{href}" rel="noreferrer noopener" target="_blank">{label}</a>'
    return f'<span class="button{style}">{label}</span>'


def _context(block: Block) -> str:
    parts = [text_object(one) for one in block["elements"] if one["type"] != "image"]
    return f'<div class="context">{"".join(f"<span>{part}</span>" for part in parts)}</div>'


_BLOCKS: dict[str, Callable[[Block], str]] = {
    "header": lambda block: f'<div class="header">{text_object(block["text"])}</div>',
    "section": _section,
    "context": _context,
    "divider": lambda _block: "<hr>",
    "actions": lambda block: f'<div class="actions">{"".join(_button(one) for one in block["elements"])}</div>',
}


def render_blocks(blocks: Sequence[Block]) -> str:
    """Return the blocks of a message as HTML.

    Raises:
        DeliveryError: a block is of a kind that is not known here, or lacks what Slack demands.
    """
    try:
        return "".join(_BLOCKS[block["type"]](block) for block in blocks)
    except (KeyError, TypeError) as error:
        raise DeliveryError(f"invalid_blocks: {error}", permanent=True) from error
