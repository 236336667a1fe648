"""A line that flies over the picture, as the exports write it. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCROLL, TOP, BOTTOM = "scroll", "top", "bottom"
WHITE = 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Line:
    """`at_ms`: in the recording; `color`: 0xRRGGBB; `said_at`: unix seconds; `sender`: a user id; `number`: of the comment in its room."""

    at_ms: int
    text: str
    position: str = SCROLL
    color: int = WHITE
    said_at: int = 0
    sender: str = ""
    number: int = 0


def line_of(event: Mapping[str, Any], *, at_ms: int, said_at: int, number: int) -> Line | None:
    """A comment's line; None for what does not fly: other events, and comments without a letter (pictures, sounds)."""
    if event.get("type") != "comment":
        return None
    text = " ".join(str(event.get("text") or "").split())
    if not text:
        return None
    position, sender = event.get("position"), event.get("from")
    return Line(
        at_ms=at_ms,
        text=text,
        position=position if position in (TOP, BOTTOM) else SCROLL,
        color=_color(event.get("color")),
        said_at=said_at,
        sender=str(sender.get("id") or "") if isinstance(sender, Mapping) else "",
        number=number,
    )


def _color(said: object) -> int:
    if not isinstance(said, str) or len(said) != 7 or not said.startswith("#"):
        return WHITE
    try:
        return int(said[1:], 16)
    except ValueError:
        return WHITE
