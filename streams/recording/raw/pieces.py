"""What was written of a stream, read tag by tag: where it may be cut, and what belongs together. Pure.

While a recording runs, its child writes the publisher's own tags, untouched, into one FLV file per run. A *piece* is a stretch of such a
file: it ends with the run, where a codec's configuration changes, or at a keyframe where a new file is due. Every picture and every sound
of a run is in exactly one piece; only pictures before the first keyframe, which nobody can show, are in none.

Reading goes on where it stopped: a piece holds everything that is needed to read it again, and the clock at its begin."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from streams.rules import codecs
from streams.rules.timebase import Timebase

FILE_HEADER = 13
HEAD, TAIL = 11, 4
VIDEO, AUDIO = 9, 8
ENHANCED = 0x80
_LARGEST_TAG = 16 * 1024 * 1024
_COMMAND = 5
# Jumps of both tracks for one reason.
_ONE_JUMP_MS = 1_000
_MOST_BREAKS = 200
# Of a track that has only one message so far.
_USUAL_STEP_MS = 40


class Data(Protocol):
    """Bytes, or a file that is mapped into memory."""

    def __getitem__(self, key: slice, /) -> bytes: ...

    def __len__(self) -> int: ...


class Track(Struct):
    """`codec`: FLV's number, with ENHANCED for those named by letters; `config`: where its configuration stands in the run, -1: nowhere."""

    codec: int
    config: int = -1
    digest: str = ""

    def is_like(self, other: Track) -> bool:
        return self.codec == other.codec and (not self.digest or not other.digest or self.digest == other.digest)


class Piece(Struct):
    """Bytes `begin` to `end` of a run. Times are the clock's (`Timebase`), in milliseconds; `steps`: between the last two messages.

    `video_from`: pictures before it are left out; -1: no keyframe came yet. `breaks`: where
    a clock jumped: how long was missing there is seen from when it arrived.
    `changed`: the track whose configuration ended it. `walls`: seconds since 1970, of its begin and of each break."""

    run: int
    begin: int
    end: int
    clock: dict[str, Any]
    first_ms: int = -1
    last_ms: int = -1
    step_ms: int = _USUAL_STEP_MS
    frames: int = 0
    sounds: int = 0
    video_from: int = -1
    video: Track | None = None
    audio: Track | None = None
    breaks: list[int] = msgspec.field(default_factory=list)
    largest_group: int = 0
    last_key: int = -1
    changed: str = ""
    walls: list[float] = msgspec.field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return self.first_ms < 0

    @property
    def duration_ms(self) -> int:
        return 0 if self.is_empty else self.last_ms + self.step_ms - self.first_ms

    @property
    def size(self) -> int:
        return self.end - self.begin

    def anchor(self, *, last_at: float) -> None:
        """Its last message was written at that second: so its begin, and what came after each break, was so much earlier.

        Later looks can only make it earlier: what is written late is late, never early."""
        if self.is_empty:
            return
        starts = [self.first_ms, *self.breaks]
        found = last_at - (self.last_ms - starts[-1]) / 1000
        if len(self.walls) < len(starts):
            missing = [found]
            for place in range(len(starts) - 1, len(self.walls), -1):
                missing.insert(0, missing[0] - (starts[place] - starts[place - 1]) / 1000)
            self.walls += missing
        elif found < self.walls[-1]:
            self.walls[-1] = found


class Tag(Struct, gc=False):
    """Where a tag stands and what its first bytes say."""

    at: int
    size: int
    kind: int
    time: int
    first: int
    second: int

    @property
    def end(self) -> int:
        return self.at + self.size

    @property
    def is_key(self) -> bool:
        return (self.first >> 4) & 7 == 1

    @property
    def codec(self) -> int:
        if self.kind == AUDIO:
            return self.first >> 4
        return ENHANCED if self.first & ENHANCED else self.first & 0x0F

    @property
    def is_config(self) -> bool:
        if self.kind == AUDIO:
            return self.first >> 4 == codecs.AAC and self.second == 0
        if self.first & ENHANCED:
            return self.first & 0x0F == 0
        return self.first & 0x0F == codecs.AVC and self.second == 0

    @property
    def is_media(self) -> bool:
        """A picture or a sound, and no word to the player."""
        if self.size <= HEAD + TAIL + 1 or self.is_config:
            return False
        if self.kind == AUDIO:
            return True
        if self.first & ENHANCED:
            return self.first & 0x0F in (1, 3)
        return self.first >> 4 != _COMMAND and (self.codec != codecs.AVC or self.second == 1)


def tags(data: Data, at: int, end: int) -> Iterator[Tag]:
    """The whole tags of picture and sound between two places. Bytes that are no tag end it."""
    while at + HEAD <= end:
        head = data[at : at + HEAD + 2]
        body = head[1] << 16 | head[2] << 8 | head[3]
        size = HEAD + body + TAIL
        kind = head[0] & 0x1F
        if size > _LARGEST_TAG or kind not in (VIDEO, AUDIO, 18) or at + size > end:
            return
        if kind != 18 and body >= 2:
            yield Tag(at, size, kind, head[4] << 16 | head[5] << 8 | head[6] | head[7] << 24, head[11], head[12])
        at += size


class Why(enum.Enum):
    """Why reading stopped: nothing more is there, another configuration comes, or a new file is due."""

    END = "end"
    CHANGE = "change"
    SPLIT = "split"


class Limits(Struct, frozen=True):
    """When a new file is due: milliseconds and bytes of a file, 0: never; and what its pieces before this one have already."""

    split_ms: int = 0
    split_bytes: int = 0
    file_ms: int = 0
    file_bytes: int = 0


def read_on(
    data: Data, piece: Piece, clock: Timebase, *, limits: Limits, like: tuple[Track | None, Track | None]
) -> Why:
    """Read from `piece.end` on; the piece grows. `like`: the tracks (picture, sound) of the file that it belongs to."""
    for tag in tags(data, piece.end, len(data)):
        name = "video" if tag.kind == VIDEO else "audio"
        if tag.is_config or tag.is_media:  # noqa: SIM102 - what is neither is only passed
            if not _same_track(data, piece, tag, name, like[tag.kind == AUDIO]):
                piece.changed = name
                return Why.CHANGE
        if tag.is_media:
            if tag.kind == VIDEO and tag.is_key and piece.video_from >= 0 and _is_due(piece, tag, clock, limits):
                return Why.SPLIT
            _take(piece, tag, name, clock)
        piece.end = tag.end
    return Why.END


def _same_track(data: Data, piece: Piece, tag: Tag, name: str, like: Track | None) -> bool:
    """Whether the tag fits the piece and its file; what it is the first to say is kept."""
    known: Track | None = getattr(piece, name)
    if not tag.is_config:
        if known is None:
            known = Track(codec=tag.codec)
            if like is not None and not known.is_like(like):
                return False
            setattr(piece, name, known)
        return known.codec == tag.codec
    body = data[tag.at + HEAD : tag.end - TAIL]
    found = Track(codec=tag.codec, config=tag.at, digest=blake2b(body, digest_size=12).hexdigest())
    if not all(other is None or found.is_like(other) for other in (known, like)):
        return False
    if known is None or not known.digest:
        setattr(piece, name, found)
    return True


def _is_due(piece: Piece, tag: Tag, clock: Timebase, limits: Limits) -> bool:
    if limits.split_ms and limits.file_ms + clock.here - piece.first_ms >= limits.split_ms - _USUAL_STEP_MS:
        return True
    # The group of pictures that begins here may be as large as the largest before it.
    return (
        bool(limits.split_bytes) and limits.file_bytes + tag.at - piece.begin + piece.largest_group > limits.split_bytes
    )


def _take(piece: Piece, tag: Tag, name: str, clock: Timebase) -> None:
    jumps = clock.jumps
    out = clock.at(track=name, source=tag.time, arrived_ms=0)
    if tag.kind == VIDEO:
        if piece.video_from < 0:
            if not tag.is_key:
                return
            piece.video_from = tag.at
        piece.frames += 1
        if tag.is_key:
            if piece.last_key >= 0:
                piece.largest_group = max(piece.largest_group, tag.at - piece.last_key)
            piece.last_key = tag.at
    else:
        piece.sounds += 1
    is_jump = clock.jumps != jumps and not piece.is_empty and len(piece.breaks) < _MOST_BREAKS
    if is_jump and (not piece.breaks or out - piece.breaks[-1] > _ONE_JUMP_MS):
        piece.breaks.append(out)
    if piece.is_empty:
        piece.first_ms = piece.last_ms = out
    piece.first_ms = min(piece.first_ms, out)
    if out > piece.last_ms:
        piece.step_ms = min(1_000, out - piece.last_ms)
        piece.last_ms = out


def next_piece(piece: Piece, clock: Timebase) -> Piece:
    """The one that begins where this one ended, in the same run."""
    found = Piece(
        run=piece.run, begin=piece.end, end=piece.end, clock=clock.kept(), video=piece.video, audio=piece.audio
    )
    if piece.changed == "video":
        found.video = None
    elif piece.changed == "audio":
        found.audio = None
        # Its pictures go on in the middle of a group; they are kept all the same.
        found.video_from = piece.end if piece.video_from >= 0 else -1
    if not piece.changed:
        found.largest_group = piece.largest_group
    return found


def first_piece(run: int) -> Piece:
    """Of a run of which nothing was read."""
    return Piece(run=run, begin=FILE_HEADER, end=FILE_HEADER, clock={})
