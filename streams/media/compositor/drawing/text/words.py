"""What people wrote, made fit to be drawn: nothing invisible, no towers of marks, no end that never comes; and cut into clusters, the
pieces that a font must draw as one."""

from __future__ import annotations

import unicodedata
from typing import Final

# Of one cluster, and of one line. A family of four with skin tones has 11 characters, Tibetan and Khmer need four marks.
MOST_MARKS: Final = 4
LONGEST_CLUSTER: Final = 14
MOST_CLUSTERS: Final = 400
_JOINERS = "\u200c\u200d"
_PICTURE_SELECTOR, _TEXT_SELECTOR, _KEYCAP = "\ufe0f", "\ufe0e", "\u20e3"
# Below U+1F000 these are shown in colour without being asked (Emoji_Presentation of Unicode 15).
_COLORED = (
    (0x231A, 0x231B), (0x23E9, 0x23EC), (0x23F0, 0x23F0), (0x23F3, 0x23F3), (0x25FD, 0x25FE), (0x2614, 0x2615), (0x2648, 0x2653),
    (0x267F, 0x267F), (0x2693, 0x2693), (0x26A1, 0x26A1), (0x26AA, 0x26AB), (0x26BD, 0x26BE), (0x26C4, 0x26C5), (0x26CE, 0x26CE),
    (0x26D4, 0x26D4), (0x26EA, 0x26EA), (0x26F2, 0x26F3), (0x26F5, 0x26F5), (0x26FA, 0x26FA), (0x26FD, 0x26FD), (0x2705, 0x2705),
    (0x270A, 0x270B), (0x2728, 0x2728), (0x274C, 0x274C), (0x274E, 0x274E), (0x2753, 0x2755), (0x2757, 0x2757), (0x2795, 0x2797),
    (0x27B0, 0x27B0), (0x27BF, 0x27BF), (0x2B1B, 0x2B1C), (0x2B50, 0x2B50), (0x2B55, 0x2B55), (0x1F000, 0x1FAFF),
)  # fmt: skip


def clean(text: str, *, lines: int = 1) -> list[str]:
    """At most so many lines, without control, format and unassigned characters; white space is single. Never empty lines at the end."""
    # What follows the first few thousand characters cannot be seen on any canvas.
    found = [_clean_line(line) for line in text[:4000].replace("\r\n", "\n").split("\n")]
    if lines == 1:
        found = [" ".join(line for line in found if line)]
    while found and not found[-1]:
        found.pop()
    return found[:lines]


def _clean_line(line: str) -> str:
    kept = []
    for one in unicodedata.normalize("NFC", line):
        kind = unicodedata.category(one)
        if kind in ("Zs", "Zl", "Zp") or one in "\t\v\f":
            kept.append(" ")
        elif one in _JOINERS or (kind[0] != "C") or 0xE0020 <= ord(one) <= 0xE007F or 0xE000 <= ord(one) <= 0xF8FF:
            kept.append(one)
    return " ".join("".join(kept).split())


def clusters(line: str) -> list[str]:
    """What is drawn as one: a letter with its marks, an emoji with all that is joined to it. Marks beyond the bound are left out, and so
    are joiners and selectors that have nothing to join."""
    found: list[str] = []
    marks = 0
    for one in line:
        last = found[-1] if found else ""
        if not _goes_on(last, one):
            if len(found) == MOST_CLUSTERS:
                break
            if one not in _JOINERS and one not in (_PICTURE_SELECTOR, _TEXT_SELECTOR) and not _is_tag(one):
                found.append(one)
                marks = 0
            continue
        marks += unicodedata.category(one)[0] == "M"
        if marks <= MOST_MARKS and len(last) < LONGEST_CLUSTER:
            found[-1] = last + one
    return [one.rstrip("\u200d") or " " for one in found]


def _goes_on(last: str, one: str) -> bool:
    if not last:
        return False
    if unicodedata.category(one)[0] == "M" or one == _KEYCAP:
        return last != " "
    if one in _JOINERS or _is_tag(one):
        return last != " "
    if 0x1F3FB <= ord(one) <= 0x1F3FF:
        return is_emoji(last)
    if last[-1] == "\u200d":
        # Emoji that are joined are one; letters (of Indian scripts) stay apart, the joiner with the first.
        return is_emoji(last) or (ord(one) >= 0x2190 and ord(last[0]) >= 0x2190)
    return _is_flag(one) and len(last) == 1 and _is_flag(last)


def is_emoji(cluster: str) -> bool:
    """Whether it asks to be shown in colour."""
    if _TEXT_SELECTOR in cluster:
        return False
    if _PICTURE_SELECTOR in cluster or _KEYCAP in cluster:
        return True
    number = ord(cluster[0])
    return any(low <= number <= high for low, high in _COLORED)


def _is_flag(one: str) -> bool:
    return 0x1F1E6 <= ord(one) <= 0x1F1FF


def _is_tag(one: str) -> bool:
    return 0xE0020 <= ord(one) <= 0xE007F
