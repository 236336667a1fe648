"""A playlist of low-latency HLS (RFC 8216bis), in full or without what the player knows already. Pure.

Durations in it never exceed what it promises: a picture that stayed longer than a part may be is told as long as one, and the time of
the next segment (EXT-X-PROGRAM-DATE-TIME) is right again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from streams.gateway.fmp4.pieces import Initial, Open, Part, Segment

# Parts are listed for so many target durations from the end, segments so far from it may be skipped, and a player that does not know
# of parts begins so far from it (4.4.3.8 and 6.2.5.1 of the draft).
PARTS_SHOWN: Final = 3
SKIP_UNTIL: Final = 6
HOLD_BACK: Final = 3
# How far from the end players of parts begin, in parts: the least that the draft recommends.
PART_HOLD_BACK: Final = 3


@dataclass(frozen=True, slots=True)
class Names:
    """How pieces are called, relative to the playlist."""

    initial: Callable[[Initial], str]
    segment: Callable[[int], str]
    part: Callable[[int, int], str]


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed. `breaks_before`: discontinuities in front of it, ever. `open` and `parts`: the segment that is being made."""

    target_seconds: int
    part_seconds: float
    segments: Sequence[Segment]
    open: Open | None
    parts: Sequence[Part]
    breaks_before: int = 0
    ended: bool = False


def hold_back(part_seconds: float) -> float:
    return math.ceil(part_seconds * PART_HOLD_BACK * 100) / 100


def rendered(listing: Listing, *, names: Names, skip: bool = False) -> str:
    """At least one segment is there. `skip`: a delta, if there is anything to leave out."""
    target, most_part = listing.target_seconds, listing.part_seconds
    skipped = _skipped(listing) if skip else 0
    control = f"CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={SKIP_UNTIL * target}"
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{target}",
        f"#EXT-X-SERVER-CONTROL:{control},HOLD-BACK={HOLD_BACK * target},PART-HOLD-BACK={hold_back(most_part):.2f}",
        f"#EXT-X-PART-INF:PART-TARGET={most_part:.3f}",
        f"#EXT-X-MEDIA-SEQUENCE:{listing.segments[0].msn}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{listing.breaks_before}",
    ]
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
    shown = listing.segments[skipped:]
    parts_from = _parts_from(listing)
    for number, segment in enumerate(shown):
        lines += _head(segment, names, first=number == 0)
        if segment.msn >= parts_from:
            lines += [_part(part, names, most_part) for part in segment.parts]
        lines += [f"#EXTINF:{min(segment.duration, target + 0.49):.5f},", names.segment(segment.msn)]
    if listing.ended:
        return "\n".join([*lines, "#EXT-X-ENDLIST", ""])
    if listing.open is not None:
        if listing.parts:
            lines += _head(listing.open, names, first=False)
            lines += [_part(part, names, most_part) for part in listing.parts]
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{names.part(listing.open.msn, len(listing.parts))}"')
    return "\n".join([*lines, ""])


def _head(segment: Segment | Open, names: Names, *, first: bool) -> list[str]:
    lines = ["#EXT-X-DISCONTINUITY"] if segment.after_break else []
    if first or segment.after_break:
        lines.append(f'#EXT-X-MAP:URI="{names.initial(segment.initial)}"')
    return [*lines, f"#EXT-X-PROGRAM-DATE-TIME:{_shown(segment.started_at)}"]


def _part(part: Part, names: Names, most: float) -> str:
    independent = ",INDEPENDENT=YES" if part.is_independent else ""
    return f'#EXT-X-PART:DURATION={min(part.duration, most):.5f},URI="{names.part(part.msn, part.index)}"{independent}'


def _shown(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parts_from(listing: Listing) -> int:
    """The first segment whose parts are listed: not all of it is further from the end than PARTS_SHOWN target durations."""
    behind = sum(part.duration for part in listing.parts)
    for segment in reversed(listing.segments):
        if behind > PARTS_SHOWN * listing.target_seconds:
            return segment.msn + 1
        behind += segment.duration
    return listing.segments[0].msn


def _skipped(listing: Listing) -> int:
    """How many segments end further from the end of the playlist than the skip boundary."""
    behind = sum(part.duration for part in listing.parts) + sum(segment.duration for segment in listing.segments)
    for number, segment in enumerate(listing.segments):
        behind -= segment.duration
        if behind < SKIP_UNTIL * listing.target_seconds:
            return number
    return 0
