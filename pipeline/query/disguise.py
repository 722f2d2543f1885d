"""Letters in disguise: look-alikes of other scripts, letters in circles and squares, as what they are taken for.

Which letters look alike was chosen from the confusables of Unicode Technical Standard 39; the table is our own and
holds what passes for a Latin letter at a glance. One character becomes one character, so places in the text stay what
they are. A word is uncovered where it mixes scripts, or where every letter of it is a look-alike; a word that is
plainly Cyrillic or Greek stays as it is.
"""

import re

_CYRILLIC = dict(zip("АВЕЅІЈКМНОРСТУХЁЇԌԚԜаеорсухіјѕһԁԛԝӏӓӧёї", "ABEЅIJKMHOPCTYXËÏGQWaeopcyxijshdqwläöëï", strict=True))
_CYRILLIC["Ѕ"] = "S"
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυχϲϳ", "ABEZHIKMNOPTYXayiknopuxcj", strict=True))
_OTHERS = dict(zip("օհոսցᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢɑɡ", "ohnugabcdeghijklmnoprtuvwyzag", strict=True))
_CIRCLED = {chr(start + n): chr(65 + n) for start in (0x24B6, 0x1F130, 0x1F150, 0x1F170) for n in range(26)}
_CIRCLED |= {chr(0x24D0 + n): chr(97 + n) for n in range(26)}

_LOOKALIKES = _CYRILLIC | _GREEK | _OTHERS
_AS_LATIN = str.maketrans(_LOOKALIKES)
_OUT_OF_CIRCLES = str.maketrans(_CIRCLED)

_BEYOND_LATIN = re.compile("[^\x00-\u024f\u2013-\u2027\u20ac]")
SUSPECTS = frozenset(_LOOKALIKES) | frozenset(_CIRCLED)
"""Every letter that could be in disguise."""
_CIRCLE = re.compile("[" + "".join(_CIRCLED) + "]")
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")


def uncover(text: str) -> str:
    """Return `text` with letters in disguise as the Latin letters they are taken for, character by character."""
    if text.isascii() or SUSPECTS.isdisjoint(_BEYOND_LATIN.findall(text)):
        return text
    if _CIRCLE.search(text):
        text = text.translate(_OUT_OF_CIRCLES)
    return _WORD.sub(_uncover_word, text)


def _uncover_word(found: re.Match[str]) -> str:
    word = found[0]
    if word.isascii():
        return word
    uncovered = word.translate(_AS_LATIN)
    return uncovered if _LATIN.search(word) or _all_latin(uncovered) else word


def _all_latin(word: str) -> bool:
    return all(map(_LATIN.match, word))
