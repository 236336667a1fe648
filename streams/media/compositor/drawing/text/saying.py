"""What an overlay says at an instant: plain words, so that it is drawn again only when they change. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from streams.media.compositor import scene

# Directives of strftime that a clock may use. No widths (`%999d`), which the C library obeys to any length.
_DIRECTIVE: Final = re.compile(r"%(.?)", re.DOTALL)
_ALLOWED: Final = frozenset("aAbBdHIjmMpSyYZzFTRDuwe%")


def said(overlay: scene.Overlay, now: float) -> str:
    """Of a clock and a countdown what they show now, of others their text."""
    if overlay.kind == "clock":
        return clock(overlay.text, overlay.zone, now)
    if overlay.kind == "countdown":
        left = overlay.until - now
        if left <= 0:
            return overlay.detail or "00:00"
        # 10.0 to 9.001 seconds before it is 00:10: who counts along says "ten" then.
        return f"{overlay.text} {remaining(int(-(-left // 1)))}".strip()
    return overlay.text


def remaining(seconds: int) -> str:
    days, rest = divmod(min(seconds, 999 * 86_400), 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    if days:
        return f"{days}d {hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def clock(pattern: str, zone: str, now: float) -> str:
    """An unknown zone is UTC, an unknown directive is left out."""
    fair = _DIRECTIVE.sub(lambda found: found[0] if found[1] in _ALLOWED else "", pattern or "%H:%M:%S")
    try:
        return datetime.fromtimestamp(now, zone_of(zone)).strftime(fair)
    except (ValueError, OverflowError, OSError, UnicodeError):
        return ""


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except Exception:  # an unknown name is a KeyError, a folder, a path, a nul and an endless one are each another
        return UTC
