"""In which order the parts of a line are seen, when some of it is written from right to left: the Unicode algorithm (UAX 9) without
explicit embeddings, whose characters `words.py` has stripped. Shaping and the order within a part are raqm's."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_STRONG = {"L": "L", "R": "R", "AL": "R"}
_SIDES = {"L": "L", "R": "R", "AN": "R", "EN": "R"}
_BRACKETS = {")": "(", "]": "[", "}": "{", "）": "（", "」": "「", "】": "【", "》": "《"}
# Deeper ones are left as they are (BD16).
_DEEPEST = 63


def levels(text: str) -> list[int]:
    """Per character: even is left to right, odd right to left, each step a nesting."""
    kinds = [unicodedata.bidirectional(one) or "L" for one in text]
    base = base_level(kinds)
    first = "R" if base else "L"
    _weak(kinds, first)
    _brackets(text, kinds, first)
    _neutral(kinds, first)
    found = []
    for kind in kinds:
        if base % 2 == 0:
            found.append(base + {"R": 1, "AN": 2, "EN": 2}.get(kind, 0))
        else:
            found.append(base + (1 if kind in ("L", "AN", "EN") else 0))
    return found


def base_level(kinds: Sequence[str]) -> int:
    """P2, P3: of the first strong character."""
    return next((1 if kind in ("R", "AL") else 0 for kind in kinds if kind in _STRONG), 0)


def _weak(kinds: list[str], first: str) -> None:
    """W1 to W7."""
    before = first
    for index, kind in enumerate(kinds):  # W1: a mark is as what it stands on
        if kind == "NSM":
            kinds[index] = before
        before = kinds[index]
    strong = first
    for index, kind in enumerate(kinds):  # W2, W3: numbers after Arabic letters are Arabic
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[index] = "AN"
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    for index in range(1, len(kinds) - 1):  # W4: a separator within a number
        around = kinds[index - 1]
        if around == kinds[index + 1] and (
            (kinds[index] == "ES" and around == "EN") or (kinds[index] == "CS" and around in ("EN", "AN"))
        ):
            kinds[index] = around
    for step in (1, -1):  # W5: terminators beside a number
        ordered = range(len(kinds))[::step]
        beside = ""
        for index in ordered:
            if kinds[index] == "ET" and beside == "EN":
                kinds[index] = "EN"
            beside = kinds[index]
    strong = first
    for index, kind in enumerate(kinds):
        if kind in ("ES", "ET", "CS"):  # W6
            kinds[index] = "ON"
        elif kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":  # W7
            kinds[index] = "L"


def _brackets(text: str, kinds: list[str], first: str) -> None:
    """N0: a pair goes with what it holds if that is written as the line is, otherwise with what is before it."""
    opened: list[int] = []
    pairs: list[tuple[int, int]] = []
    for index, one in enumerate(text):
        if kinds[index] != "ON":
            continue
        if one in _BRACKETS.values():
            if len(opened) == _DEEPEST:
                return
            opened.append(index)
        elif one in _BRACKETS:
            at = next((at for at in reversed(range(len(opened))) if text[opened[at]] == _BRACKETS[one]), None)
            if at is not None:
                pairs.append((opened[at], index))
                del opened[at:]
    for start, end in sorted(pairs):
        held = {_SIDES[kind] for kind in kinds[start + 1 : end] if kind in _SIDES}
        if not held:
            continue
        before = next((_SIDES[kind] for kind in reversed(kinds[:start]) if kind in _SIDES), first)
        kinds[start] = kinds[end] = first if first in held else before


def _neutral(kinds: list[str], first: str) -> None:
    """N1, N2: between two of a direction as they, otherwise as the line."""
    index = 0
    while index < len(kinds):
        if kinds[index] in _SIDES:
            index += 1
            continue
        end = index
        while end < len(kinds) and kinds[end] not in _SIDES:
            end += 1
        left = _SIDES[kinds[index - 1]] if index else first
        right = _SIDES[kinds[end]] if end < len(kinds) else first
        kinds[index:end] = [left if left == right else first] * (end - index)
        index = end


def seen_order(found: Sequence[int]) -> list[int]:
    """L2: of parts with these levels the indexes, from left to right."""
    order = list(range(len(found)))
    for level in range(max(found, default=0), 0, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and found[order[end]] >= level:
                end += 1
            if end > start:
                order[start:end] = order[start:end][::-1]
            start = max(end, start + 1)
    return order
