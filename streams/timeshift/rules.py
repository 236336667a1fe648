"""A window over a running stream: which of its items are kept, and which a player is told of. Plain Python, whole milliseconds.

An *item* is one file: some of the cutter's segments, joined. Items follow each other by their numbers; a *stretch* is a number that grows
where the picture went on after a break. The window's time is the clock on the wall, so that comments can be laid beside it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

# A file that has left the window is kept for so long: a player that was told of it may still ask.
MARGIN_MS: Final = 60_000
# A list that moves behind the live edge shows so much: players begin three items from its end.
TAIL_MS: Final = 30_000
TAIL_ITEMS: Final = 4
# After the end of a show it can be played for so long, beside the delay of those who are kept behind; then its files go.
LINGER_SECONDS: Final = 60
# A file of the index begins anew after so long: what has left the window goes as whole folders.
RUN_MS: Final = 3_600_000
# Clocks of two gateways beside each other, and of the wall while it is put right.
_OVERLAP_MS: Final = 1_000

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,16}\Z")


@dataclass(frozen=True, slots=True)
class Item:
    """`run`: the folder; `head`: of which initial file in it; `token`: a part of its name, so that nobody finds it who was not told."""

    run: str
    number: int
    start_ms: int
    duration_ms: int
    size: int
    head: int
    stretch: int
    token: str

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.duration_ms

    @property
    def name(self) -> str:
        return f"{self.number}-{self.token}.m4s"

    @property
    def head_name(self) -> str:
        return f"head{self.head}.mp4"

    def line(self) -> str:
        """As the index of its run says it."""
        values = (self.number, self.start_ms, self.duration_ms, self.size, self.head, self.stretch, self.token)
        return " ".join(map(str, values)) + "\n"


def _end(item: Item) -> int:
    return item.end_ms


def items_of(text: str, *, run: str) -> list[Item]:
    """Of an index, or of a part of it that ends with a line. A line that makes no sense is left out: it was half written."""
    found = []
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) != 7 or not _TOKEN.match(words[6]) or not all(word.isdigit() for word in words[:6]):
            continue
        number, start, duration, size, head, stretch = map(int, words[:6])
        if duration:
            found.append(Item(run, number, start, duration, size, head, stretch, words[6]))
    return found


def whole_lines(text: str) -> str:
    """Without a last line that has no end yet."""
    return text[: text.rfind("\n") + 1]


def goes_on(items: Sequence[Item], more: Iterable[Item]) -> list[Item]:
    """Of `more` what follows `items` in number and time. Where two gateways wrote the same moments for a while, the first one counts."""
    found: list[Item] = []
    last = items[-1] if items else None
    for item in more:
        if last is None or (item.number > last.number and item.start_ms >= last.end_ms - _OVERLAP_MS):
            found.append(item)
            last = item
    return found


def over(items: Sequence[Item], *, before_ms: int) -> int:
    """How many from the front ended before that moment."""
    return bisect_right(items, before_ms, key=_end)


def shown(
    items: Sequence[Item],
    *,
    now_ms: int,
    seconds: int,
    since_ms: int = 0,
    delay_ms: int = 0,
    from_ms: int | None = None,
) -> list[Item]:
    """Those that a player may hear of: of the last `seconds`, not of an earlier show, none younger than the delay, from that moment on.
    An item stands in the window while any of it does. Where `from_ms` is younger than all, the last few."""
    first = max(
        bisect_right(items, now_ms - seconds * 1000, key=_end),
        bisect_left(items, since_ms, key=lambda item: item.start_ms),
    )
    last = bisect_right(items, now_ms - delay_ms, key=_end)
    allowed = items[first:last]
    if from_ms is None:
        return list(allowed)
    since = bisect_right(allowed, from_ms, key=_end)
    return list(allowed[min(since, max(0, len(allowed) - TAIL_ITEMS)) :])


def tail(items: Sequence[Item]) -> list[Item]:
    """What a player of the moving list needs: the last half a minute, and some items."""
    place = len(items)
    while place and (len(items) - place < TAIL_ITEMS or items[-1].end_ms - items[place - 1].start_ms <= TAIL_MS):
        place -= 1
    return list(items[place:])


@dataclass(frozen=True, slots=True)
class Shift:
    """A stream's window as it is wanted. `since_ms`: nothing from before is shown (an earlier show); `over_ms`: when the show was over;
    `oldest_ms`: what was written and is still there, as last heard."""

    seconds: int
    item_seconds: int
    delay_seconds: int
    since_ms: int
    over_ms: int | None = None
    oldest_ms: int | None = None

    def from_ms(self, now_ms: int) -> int:
        """The oldest moment that can be asked for."""
        return max(self.since_ms, self.oldest_ms or self.since_ms, now_ms - self.seconds * 1000)

    def is_over(self, now_ms: int) -> bool:
        """Its show is, and whoever was behind has had the time to see its end."""
        return self.over_ms is not None and now_ms >= self.over_ms + (self.delay_seconds + LINGER_SECONDS) * 1000

    def floor_ms(self, now_ms: int) -> int:
        """What ended before is to go; of a show that is over, all of it."""
        return now_ms if self.is_over(now_ms) else max(self.since_ms, now_ms - self.seconds * 1000) - MARGIN_MS


@dataclass(frozen=True, slots=True)
class Wanted:
    """One window. `mine`: the gateway that asked has the lease on its files."""

    stream: str
    shift: Shift
    mine: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What there is of a window. `short`: why it reaches less far back than it should."""

    oldest_ms: int
    newest_ms: int
    size: int
    short: str = ""


def too_large(windows: Sequence[tuple[int, int]], *, excess: int) -> list[int]:
    """`windows`: (start_ms, size) of all items of all windows, in any order. Which of them go, the oldest first, until that many bytes
    are gone; their places."""
    gone: list[int] = []
    for place in sorted(range(len(windows)), key=lambda one: windows[one][0]):
        if excess <= 0:
            break
        gone.append(place)
        excess -= windows[place][1]
    return gone
