"""What msgspec found wrong with JSON from outside, in words that name the place, the limit and what was given. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType


class Fault(ValueError):
    """What cannot be accepted. `place`: such as rungs[0].height; `limit` and `given` where there are some."""

    def __init__(self, text: str, *, place: str, limit: float | None, given: Any) -> None:
        super().__init__(text)
        self.text, self.place, self.limit, self.given = text, place, limit, given


_PLACE = re.compile(r"\A(?P<text>.*?)(?: - at `\$\.?(?P<place>[^`]*)`)?\Z", re.DOTALL)
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>[^`]*)`")
_LIMIT = re.compile(r"(?:>=|<=|multiple of) (?P<limit>-?[0-9.]+)")
_STEP = re.compile(r"\[(?P<index>\d+)\]|\.?(?P<name>[^.\[]+)")
_NO_WORDS: Final[Mapping[str, Sequence[str]]] = {}


def fault_of(
    error: Exception, raw: Any, *, whole: str, words: Mapping[str, Sequence[str]] = _NO_WORDS, under: str = ""
) -> Fault:
    """msgspec's "Expected `int` >= 60 - at `$.mp4.interval_seconds`", taken apart.

    `whole`: what all of it is called; `under`: the field that `raw` is the value of; `words`: of fields that take one of several."""
    found = _PLACE.match(str(error))
    text, place = (found["text"], found["place"] or "") if found else (str(error), "")
    named = _FIELD.search(text)
    if named:
        place = f"{place}.{named['name'][:40]}".lstrip(".")
        text = "there is no such field" if "unknown" in text else "it is missing"
    limit = _LIMIT.search(text)
    given = _at(raw, place)
    said = f" (given: {given!r})" if isinstance(given, int | float | str) and len(repr(given)) <= 60 else ""
    if text.startswith("Invalid enum value"):
        known = words.get(place.rpartition(".")[2])
        text = f"expected one of {', '.join(known)}" if known else text
    text = text[:1].lower() + text[1:]
    full = f"{under}{'.' if under and place and not place.startswith('[') else ''}{place}" or whole
    return Fault(
        f"{full}: {text.replace('`', '')}{said}.", place=full,
        limit=float(limit["limit"]) if limit else None, given=None if isinstance(given, UnsetType) else given,
    )  # fmt: skip


def _at(raw: Any, place: str) -> Any:
    """What stands at a place, UNSET if nothing does."""
    for step in _STEP.finditer(place):
        try:
            raw = raw[int(step["index"])] if step["index"] else raw[step["name"]]
        except (KeyError, IndexError, TypeError):
            return UNSET
    return raw
