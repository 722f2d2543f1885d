"""Which of two entities a text prefers by how it is built: `better than`, `from A to B`, `never again A`.

The two names are read as two signs, so that a form (`_FORMS`) can say who wins and who loses. A comparison with *als*
or *than* goes by its comparative: *besser* praises whom it is said of, *teurer* blames him; *nicht besser* blames him
and says nothing of the other. *So … wie* and *as … as* compare where they are denied (*nicht so gut wie*) or multiplied
(*doppelt so teuer wie*). German and English forms are tried on every text: they hardly meet by chance.
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from pipeline.sentiment.names import LARGE, SMALL

Range = tuple[int, int]
Leans = Callable[[str], float]
"""Says which way a word leans; below zero negative, 0 where nothing is known of it."""


class Standing(StrEnum):
    """How an entity comes out beside the other one."""

    PREFERRED = "preferred"
    REJECTED = "rejected"


class Preference(NamedTuple):
    """How the watched entity comes out, and the words that say so."""

    standing: Standing
    words: str


_OWN, _OTHER = "\x01", "\x02"
_NAME, _WINS, _LOSES = "[\x01\x02]", "(?P<wins>[\x01\x02])", "(?P<loses>[\x01\x02])"
_GAP, _NEAR = r"[^.!?\n]{0,80}?", r"[^.!?\n\x01\x02]{0,30}?"
_CHANGE = r"(?:wechsel\w*|gewechselt|umgestiegen|switch\w*|mov(?:ed|ing)|chang(?:ed|ing)|zurück|hin)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b(?:lieber|eher)\b{_GAP}{_WINS}{_GAP}\b(?:als|statt)\b{_NEAR}{_LOSES}",
        rf"\brather\b{_GAP}{_WINS}{_GAP}\bthan\b{_NEAR}{_LOSES}",
        rf"{_WINS}{_NEAR}\b(?:statt|anstatt|instead\s+of|rather\s+than)\b{_NEAR}{_LOSES}",
        rf"\b(?:prefer|bevorzuge|choose|favou?r)\b{_NEAR}{_WINS}{_NEAR}\b(?:to|over|gegenüber|vor)\b{_NEAR}{_LOSES}",
        rf"\b{_CHANGE}\b{_GAP}\b(?:von|vom|from)\b{_NEAR}{_LOSES}{_NEAR}\b(?:zu|zur|zum|nach|to)\b{_NEAR}{_WINS}",
        rf"\b(?:von|vom|from)\b{_NEAR}{_LOSES}{_NEAR}\b(?:zu|zur|zum|nach|to)\b{_NEAR}{_WINS}{_NEAR}\b{_CHANGE}\b",
        rf"\b(?:weg|away)\s+(?:von|vom|from)\b{_NEAR}{_LOSES}{_GAP}\b(?:zu|zur|zum|to)\b{_NEAR}{_WINS}",
        rf"\b(?:left|quit|ditched|dropped|dumped)\s+{_LOSES}\s+(?:for|and\s+(?:joined|went\s+to))\s+{_WINS}",
        rf"{_WINS}{_NEAR}{_LOSES}{_NEAR}\b(?:geschlagen|übertroffen|überholt|abgehängt|abgelöst)\b",
        rf"{_WINS}\s+(?:\w+\s+)?(?:beats?|outperform\w*|outclass\w*|surpass\w*|overt(?:ook|aken)|schlägt|übertrifft)"
        rf"\s+(?:\w+\s+)?{_LOSES}",
        rf"{_LOSES}{_GAP}\b(?:von|bei)\b{_NEAR}{_WINS}{_GAP}\b(?:lernen|scheibe\s+abschneiden|abschauen)\b",
        rf"{_LOSES}{_GAP}\b(?:could|should|can)\s+learn\b{_GAP}\bfrom\b{_GAP}{_WINS}",
        rf"\b(?:lobe?\s+ich\s+mir|vermisse(?:\s+ich)?|(?<!don't\s)\bmiss|zurück\s+zu|back\s+to)\s+(?:\w+\s+)?{_WINS}",
        rf"\b(?:nur\s+noch|künftig|ab\s+jetzt|ab\s+sofort)\s+(?:bei|mit|von|zu|zur|zum)\s+(?:der\s+)?{_WINS}",
        rf"\b(?:only|nothing\s+but)\s+(?:\w+\s+)?(?:at|with|from)\s+{_WINS}",
    )
)
_REFUSALS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\bgegen\b{_GAP}{_WINS}{_GAP}{_LOSES}{_GAP}\b(?:einpacken|nicht\s+an(?:kommen)?|chancenlos)\b",
        rf"{_LOSES}\s+(?:has\s+nothing\s+on|is\s+no\s+match\s+for|(?:can\s*not|can't)\s+(?:compete|keep\s+up)\s+with)\b"
        rf"{_GAP}{_WINS}",
        rf"\b(?:kein\s+vergleich|no\s+comparison)\s+(?:zu|zur|zum|mit|to|with)\b{_NEAR}{_LOSES}",
        rf"\b(?:nie\s+(?:wieder|mehr)|never\s+again|finger\s+weg\s+von|hands\s+off|(?:stay|keep)\s+away\s+from|steer\s+clear"
        rf"\s+of|meide|avoid)\s+(?:\w+\s+){{0,2}}?{_LOSES}",
        rf"\bvon\s+(?:der\s+)?{_LOSES}{_NEAR}\b(?:finger|hände)\b",
        rf"{_LOSES}\s+(?:(?:ver)?meide\s+ich|i\s+avoid)\b",
    )
)
"""Forms that hold a denial of their own."""
_BETTER_WORDS = """besser bessere besseren besserer besseres günstiger billiger preiswerter schneller pünktlicher
freundlicher netter sauberer zuverlässiger leckerer frischer sicherer ehrlicher bequemer leiser moderner schöner
fairer kulanter better nicer faster quicker cheaper cleaner safer friendlier easier fresher tastier kinder smoother
reliable punctual affordable polite helpful"""
_WORSE_WORDS = """schlechter schlechtere schlechteren schlimmer teurer langsamer unfreundlicher unzuverlässiger
dreckiger schmutziger enger lauter kälter mieser unpünktlicher umständlicher komplizierter worse slower pricier dearer
ruder dirtier noisier colder expensive pricey unreliable"""
_WAYS = dict.fromkeys(_BETTER_WORDS.split(), 1) | dict.fromkeys(_WORSE_WORDS.split(), -1)
_COMPARATIVE = re.compile(
    r"(?!anders|rather|lieber|eher|aber|oder|immer|wieder|other|never|over|after)\w{2,}er(?:e[nmrs]?)?", re.IGNORECASE
)
_INFLECTED = re.compile(r"ere[nmrs]?$")
_MORE, _LESS = ("more", "mehr"), ("less", "weniger")
_THAN = re.compile(
    rf",?\s+\b(?:als|than)\b(?!\s+(?:auch|ob|wenn)\b)[^.!?\n\x01\x02]{{0,25}}?(?P<second>{_NAME})", re.IGNORECASE
)
_BACK = 5
"""How many words before *als* the comparative stands at the most."""
_AS = re.compile(
    r"(?P<times>\b(?:doppelt|\w+mal|twice|\w+\s+times)\s+)?\b(?:so|as)\s+(?P<word>\w+)(?:\s+[^\s.!?,\x01\x02]+){0,2}?"
    rf"\s+(?:wie|as)\b[^.!?\n\x01\x02]{{0,25}}?(?P<second>{_NAME})",
    re.IGNORECASE,
)
_SHOWN_NAME = re.compile(rf"{_NAME}|[{SMALL}{LARGE}]+")
_NOT = r"(?:\b(?:nicht|nie|kein\w*|kaum|no|not|never|hardly)|n't)\b"
_DENIAL = re.compile(_NOT, re.IGNORECASE)
_DENIED = re.compile(_NOT + r"[^.!?,\n\x01\x02]{0,30}$", re.IGNORECASE)


def prefer(text: str, own: Sequence[Range], others: Sequence[Range], leans: Leans) -> Preference | None:
    """Return how `own` comes out beside `others` in `text`; None where its build says nothing of that."""
    read = _read(text, own, others)
    return _compared(read, leans) or _formed(read)


def _read(text: str, own: Sequence[Range], others: Sequence[Range]) -> str:
    """Return the text with one sign for each name."""
    found, end = [], 0
    for start, after, sign in sorted([(*one, _OWN) for one in own] + [(*one, _OTHER) for one in others]):
        if start >= end:
            found += [text[end:start], sign]
            end = after
    return "".join([*found, text[end:]])


def _formed(read: str) -> Preference | None:
    for form in _FORMS:
        for found in form.finditer(read):
            denied = _DENIED.search(read[: found.start()]) or _DENIAL.search(found.group())
            if not denied and (preference := _role(found)):
                return preference
    return next((one for form in _REFUSALS for found in form.finditer(read) if (one := _role(found))), None)


def _role(found: re.Match[str]) -> Preference | None:
    """Return which role the watched one has in a form; None where only the other one has one."""
    for role, standing in (("wins", Standing.PREFERRED), ("loses", Standing.REJECTED)):
        if found.groupdict().get(role) == _OWN:
            return Preference(standing, _words(found.group()))
    return None


def _compared(read: str, leans: Leans) -> Preference | None:
    """Return what comparisons say: of the one before *als* or *wie*, the first, or of the one behind it, the second."""
    for found in _THAN.finditer(read):
        way, start = _comparative(read[: found.start()], leans)
        denied = _DENIED.search(read[:start]) is not None
        if way and (result := _result(read, found, -way if denied else way, start, second=not denied)):
            return result
    for found in _AS.finditer(read):
        denied = _DENIED.search(read[: found.start()]) is not None
        way = _way(found["word"], leans)
        compares = way and (denied or found["times"])
        if compares and (result := _result(read, found, -way if denied else way, found.start())):
            return result
    return None


def _comparative(before: str, leans: Leans) -> tuple[int, int]:
    """Return which way the last comparative of a text leans, and where it begins; 0 where none is near its end."""
    words = list(re.finditer(r"[\w'’-]+|[.!?\n]", before))[-_BACK:]
    for at in range(len(words) - 1, -1, -1):
        word, more = words[at].group(), words[at - 1].group().lower() if at else ""
        if word in ".!?\n":
            break
        if more in _MORE + _LESS and (way := _way(word, leans)):
            return (-way if more in _LESS else way), words[at - 1].start()
        if (word.lower() in _WAYS or _COMPARATIVE.fullmatch(word)) and (way := _way(word, leans)):
            return way, words[at].start()
    return 0, len(before)


def _way(word: str, leans: Leans) -> int:
    lower = word.lower()
    if known := _WAYS.get(lower) or _WAYS.get(_INFLECTED.sub("er", lower)):
        return known
    lean = leans(word)
    return (lean > 0) - (lean < 0)


def _result(read: str, found: re.Match[str], way: int, start: int, second: bool = True) -> Preference | None:
    """Return how the watched one comes out, where the first is better by `way`; the second may be left open."""
    if found["second"] == _OWN:
        way = -way if second else 0
    elif _OWN not in read[: found.start()]:
        return None
    standing = Standing.PREFERRED if way > 0 else Standing.REJECTED
    return Preference(standing, _words(read[start : found.end()])) if way else None


def _words(found: str) -> str:
    """Return the words of a form without the names, as an explanation shows them."""
    return " ".join(_SHOWN_NAME.sub("…", found).split())[-60:]
