"""Flying comments as subtitles (ASS): lanes in which nobody runs into the one before, CJK at its full width. Plain Python.

The same decisions as the page's `danmaku.js`: a comment crosses in eight seconds, one at the top or bottom stays for four; where no lane
is free it waits two seconds and is left out then. A reader of the file gets it in order of time, as it is written: nothing is held back
but what the lanes know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil

from interactions.replay.rules.said import BOTTOM, SCROLL, TOP, WHITE, Line

WIDTH, HEIGHT = 1920, 1080
FONT_PX, LINE_PX = 48, 58
CROSS_MS, STAY_MS, WAIT_MS = 8_000, 4_000, 2_000
GAP_PX = 48
# The lower quarter is for subtitles of the film itself.
SCROLL_LANES = int(HEIGHT * 0.75) // LINE_PX
STILL_LANES = int(HEIGHT * 0.4) // LINE_PX
MOST_CHARACTERS = 100
_NARROW = 0.58
# Controls, separators of lines, and halves of characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_HEAD = f"""\ufeff[Script Info]
; One comment a line; made from a recording's archive.
Title: {{title}}
ScriptType: v4.00+
PlayResX: {WIDTH}
PlayResY: {HEIGHT}
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, \
ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Comment,Noto Sans CJK SC,{FONT_PX},&H00FFFFFF,&H00FFFFFF,&H80000000,&H80000000,-1,0,0,0,100,100,0,0,1,2,0,7,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def text_width(text: str) -> int:
    """In px: a full-width character is as wide as it is high, others a little more than half; marks that combine take no place."""
    return round((len(text) * _NARROW if text.isascii() else sum(map(_width, text))) * FONT_PX)


@lru_cache(maxsize=4096)
def _width(character: str) -> float:
    if unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in ("W", "F") else _NARROW


def plain(text: str) -> str:
    """Text that no renderer takes for a command: braces open overrides, a backslash escapes, and not all know `\\{`."""
    line = " ".join(_CONTROLS.sub(" ", text).split())
    if len(line) > MOST_CHARACTERS:
        line = f"{line[:MOST_CHARACTERS]}…"
    return line.replace("{", "｛").replace("}", "｝").replace("\\", "\\\u2060")


def clock(ms: int) -> str:
    """`1:02:03.45`."""
    hundredths = max(0, ms) // 10
    seconds, hundredths = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{hundredths:02}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A comment with its lane (0 is the outermost) and the moment at which it starts."""

    start_ms: int
    lane: int
    width: int


def free_from(last: Placed | None, *, width: int) -> int:
    """When a scrolling comment may start in the lane: the tail of the last is in, and it is not caught up with before that leaves."""
    if last is None:
        return 0
    tail_in = (last.width + GAP_PX) * CROSS_MS / (WIDTH + last.width)
    not_caught = CROSS_MS - WIDTH * CROSS_MS / (WIDTH + width)
    return last.start_ms + min(CROSS_MS, ceil(max(tail_in, not_caught)))


@dataclass(slots=True)
class Lanes:
    """What every lane holds last. Feed it in order of time."""

    scroll: list[Placed | None] = field(default_factory=lambda: [None] * SCROLL_LANES)
    still: dict[str, list[Placed | None]] = field(
        default_factory=lambda: {TOP: [None] * STILL_LANES, BOTTOM: [None] * STILL_LANES}
    )

    def place(self, line: Line) -> Placed | None:
        """The first lane that is free, else the one that is free first. None: none is within two seconds."""
        width = text_width(plain(line.text))
        lanes = self.scroll if line.position == SCROLL else self.still[line.position]
        soonest, chosen = 0, -1
        for lane in range(len(lanes)):
            free = self._flies_from(lane, width=width) if line.position == SCROLL else _stands_until(lanes[lane])
            if chosen < 0 or free < soonest:
                soonest, chosen = free, lane
            if free <= line.at_ms:
                break
        if soonest > line.at_ms + WAIT_MS:
            return None
        lanes[chosen] = placed = Placed(start_ms=max(line.at_ms, soonest), lane=chosen, width=width)
        return placed

    def _flies_from(self, lane: int, *, width: int) -> int:
        """Nor through what stands at the top."""
        above = self.still[TOP][lane] if lane < STILL_LANES else None
        return max(free_from(self.scroll[lane], width=width), _stands_until(above))


def _stands_until(last: Placed | None) -> int:
    return last.start_ms + STAY_MS if last else 0


def dialogue(line: Line, placed: Placed) -> str:
    """One event of the file."""
    stays_ms = CROSS_MS if line.position == SCROLL else STAY_MS
    if line.position == SCROLL:
        y = placed.lane * LINE_PX
        move = f"\\move({WIDTH},{y},{-placed.width},{y})"
    elif line.position == TOP:
        move = f"\\an8\\pos({WIDTH // 2},{placed.lane * LINE_PX})"
    else:
        move = f"\\an2\\pos({WIDTH // 2},{HEIGHT - placed.lane * LINE_PX})"
    red, green, blue = line.color >> 16, line.color >> 8 & 255, line.color & 255
    color = "" if line.color == WHITE else f"\\c&H{blue:02X}{green:02X}{red:02X}&"
    # A dark letter needs a light edge.
    edge = "\\3c&HFFFFFF&" if 0.299 * red + 0.587 * green + 0.114 * blue < 60 else ""
    start, end = clock(placed.start_ms), clock(placed.start_ms + stays_ms)
    # What stands is drawn over what flies.
    layer = 0 if line.position == SCROLL else 1
    return f"Dialogue: {layer},{start},{end},Comment,,0,0,0,,{{{move}{color}{edge}}}{plain(line.text)}\n"


def ass_file(lines: Iterable[Line], *, title: str) -> Iterator[str]:
    """The file in parts. The last line, a comment of the file, says how many had no free lane."""
    yield _HEAD.format(title=plain(title) or "Comments")
    lanes, left_out = Lanes(), 0
    for line in lines:
        placed = lanes.place(line)
        if placed is None:
            left_out += 1
        else:
            yield dialogue(line, placed)
    if left_out:
        yield f"Comment: 0,0:00:00.00,0:00:00.00,Comment,,0,0,0,,{left_out} comments found no free lane.\n"
