"""Pieces as one FLV again, from time zero and without gaps: what a remux or an encoder is fed with. Pure.

The bytes of pictures and sounds are the publisher's; only their times are new. So the frames that come out are the frames that came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.recording.raw.pieces import AUDIO, HEAD, TAIL, VIDEO, Data, Piece, Tag, Track, tags
from streams.rules.timebase import Timebase

# Handed on together: a write for each tag would cost more than the tags.
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Feed:
    """`runs`: the bytes of each run that a piece names. `video`, `audio`: which tracks are wanted, if the pieces have them."""

    pieces: Sequence[Piece]
    runs: Mapping[int, Data]
    video: bool = True
    audio: bool = True

    @property
    def has_video(self) -> bool:
        return self.video and any(piece.frames for piece in self.pieces)

    @property
    def has_audio(self) -> bool:
        return self.audio and any(piece.sounds for piece in self.pieces)

    @property
    def duration_ms(self) -> int:
        return sum(piece.duration_ms for piece in self.pieces)

    def chunks(self, *, from_ms: int = 0, to_ms: int | None = None) -> Iterator[bytes]:
        """All of it, or from the last keyframe up to `from_ms` (`begin_ms` says where that is) until `to_ms`."""
        yield b"FLV\x01%c\x00\x00\x00\x09\x00\x00\x00\x00" % (self.has_audio << 2 | self.has_video)
        yield self._configs()
        gathered: list[bytes] = []
        size = 0
        begin = self.begin_ms(from_ms) if from_ms else 0
        for out, tag, data in self._timed():
            if out < begin:
                continue
            if to_ms is not None and out > to_ms:
                break
            at = out - begin
            raw = data[tag.at : tag.end]
            gathered.append(b"%b%b%c%b" % (raw[:4], (at & 0xFFFFFF).to_bytes(3, "big"), at >> 24 & 0xFF, raw[8:]))
            size += tag.size
            if size > _CHUNK:
                yield b"".join(gathered)
                gathered, size = [], 0
        yield b"".join(gathered)

    def begin_ms(self, from_ms: int) -> int:
        """Where the last keyframe at or before that time is; without pictures: that time itself."""
        if not self.has_video:
            return from_ms
        found = 0
        for out, tag, _ in self._timed():
            if out > from_ms:
                break
            if tag.kind == VIDEO and tag.is_key:
                found = out
        return found

    def _configs(self) -> bytes:
        found = b""
        for name, wanted in (("video", self.has_video), ("audio", self.has_audio)):
            for piece in self.pieces if wanted else ():
                track: Track | None = getattr(piece, name)
                if track is not None and track.config >= 0:
                    raw = _whole(self.runs[piece.run], track.config)
                    found += raw[:4] + bytes(4) + raw[8:]
                    break
        return found

    def _timed(self) -> Iterator[tuple[int, Tag, Data]]:
        """Every wanted picture and sound with its time in this feed."""
        offset = 0
        wanted = {VIDEO: self.has_video, AUDIO: self.has_audio}
        for piece in self.pieces:
            if piece.is_empty:
                continue
            clock, data = Timebase.again(piece.clock), self.runs[piece.run]
            for tag in tags(data, piece.begin, piece.end):
                if not tag.is_media:
                    continue
                out = clock.at(track="video" if tag.kind == VIDEO else "audio", source=tag.time, arrived_ms=0)
                if tag.kind == VIDEO and (piece.video_from < 0 or tag.at < piece.video_from):
                    continue
                if wanted[tag.kind]:
                    yield max(0, out - piece.first_ms) + offset, tag, data
            offset += piece.duration_ms


def _whole(data: Data, at: int) -> bytes:
    head = data[at : at + 4]
    return data[at : at + HEAD + (head[1] << 16 | head[2] << 8 | head[3]) + TAIL]
