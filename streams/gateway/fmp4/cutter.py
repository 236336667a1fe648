"""One stream cut into fragmented MP4: parts of about 0.2 s, segments that begin at keyframes; once, for all who want it.

It is fed the tags of a copy (`picture/feed.py`), which are on one time that never runs back, and tells its sinks (`pieces.Sink`) of each
part and segment as it is whole. It holds what the open segment has, and no more; while nobody subscribes it is not fed.

A part ends when the picture that does not fit into it any more has come, so every duration is what it was and not a guess; sound is in
the part in which it arrived. A segment ends at the first keyframe after 1.5 s. Where keyframes are further apart than the first two of
them were (`target_seconds`, which a playlist must not change), it ends without one, and the next is not independent."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from streams.gateway.fmp4 import boxes
from streams.gateway.fmp4.beat import Beat, SoundClock
from streams.gateway.fmp4.pieces import Initial, Making, Open, Part, Sink
from streams.gateway.fmp4.tracks import Picture, Sound, Unreadable, picture_of, sound_of
from streams.gateway.picture.flv import Kind, time_of
from streams.rules import codecs

log = logging.getLogger(__name__)

SEGMENT_MS: Final = 1500
SOUND_SEGMENT_MS: Final = 1900
MOST_SEGMENT_MS: Final = 10_000
LEAST_TARGET_SECONDS: Final = 2
# Nobody's picture is like that: the part, or the segment, ends there.
MOST_PART_BYTES: Final = 4 * 1024 * 1024
MOST_SEGMENT_BYTES: Final = 32 * 1024 * 1024
MOST_PART_SAMPLES: Final = 1000
# How far the wall clock of segments may be from when their pictures came before it is set anew.
CLOCK_SLACK_MS: Final = 250


class Cutter:
    """`here_ms`: the newest time of the copy; what it is fed first may be a group of pictures from before. `wall`: Unix time."""

    def __init__(
        self,
        *,
        name: str,
        has_video: bool,
        has_audio: bool,
        here_ms: int,
        wall: Callable[[], float],
        first_msn: int = 0,
    ) -> None:
        self.name = name
        # In whole seconds; 0 until the first segment is whole.
        self.target_seconds = 0
        # Why it cannot be cut, for the viewer; empty: it can.
        self.unsuitable = ""
        self._has_video, self._has_audio = has_video, has_audio
        self._wall = wall
        self._began_ms = self._earliest_ms = wall() * 1000 - here_ms
        self._sinks: list[Sink] = []
        self._picture: Picture | None = None
        self._sound: Sound | None = None
        self._initial: Initial | None = None
        self._beat = Beat()
        self._sound_clock: SoundClock | None = None
        self._broken = False
        self._msn = first_msn
        self._making: Making | None = None
        self._fragments = 0
        self._part_at = 0.0
        self._last_picture_at = -1
        self._pictures: list[tuple[int, int, bool, bytes]] = []
        self._sounds: list[boxes.Sample] = []
        self._part_bytes = 0
        self._over = False

    # For those who want it

    def subscribe(self, sink: Sink) -> None:
        """From the segment that is being made: what it has so far comes at once."""
        self._sinks.append(sink)
        if self._making is not None:
            sink.opens(self._making.open)
            for part in self._making.parts:
                sink.part(part)

    def unsubscribe(self, sink: Sink) -> None:
        """Safe to call twice."""
        if sink in self._sinks:
            self._sinks.remove(sink)

    @property
    def is_wanted(self) -> bool:
        return bool(self._sinks)

    @property
    def part_seconds(self) -> float:
        """No part is longer; 0 until known."""
        return self._beat.part_ms / 1000

    # From the copy

    def take(self, tag: bytes, kind: Kind) -> None:
        if self._over:
            return
        try:
            if kind is Kind.VIDEO_CONFIG:
                self._configure_picture(tag[16:-4])
            elif kind is Kind.AUDIO_CONFIG:
                self._configure_sound(tag[13:-4])
            elif not self._beat.known:
                for early in self._beat.learn(tag, kind, lead_is_video=self._has_video):
                    self._take_sample(*early)
            else:
                self._take_sample(tag, kind)
        except Unreadable as error:
            log.warning("Stream %s is not cut: %s.", self.name, error)
            self.unsuitable = str(error)
            self.end("unsuitable")

    def end(self, word: str) -> None:
        """What is open is closed and told; then nothing more. Safe to call twice."""
        if self._over:
            return
        self._close_segment()
        self._over = True
        self._tell(lambda sink: sink.ended(word))
        self._sinks.clear()

    # Configurations

    def _configure_picture(self, config: bytes) -> None:
        if not self._has_video or (self._picture is not None and self._picture.config == config):
            return
        self._picture = picture_of(config)
        # What comes until the next keyframe belongs to neither.
        self._break()

    def _configure_sound(self, config: bytes) -> None:
        if not self._has_audio or (self._sound is not None and self._sound.config == config):
            return
        self._sound = sound_of(config)
        self._sound_clock = SoundClock(rate=self._sound.rate, frame=self._sound.frame_samples)
        if self._making is not None and self._has_video:
            # Pictures go on with the old tracks until they can begin anew; sound that only the new ones can tell waits for that.
            self._broken = True
        else:
            self._break()

    def _break(self) -> None:
        if self._initial is not None:
            self._close_segment()
            self._broken = True

    # Samples

    def _take_sample(self, tag: bytes, kind: Kind) -> None:
        at = time_of(tag)
        self._earliest_ms = min(self._earliest_ms, self._wall() * 1000 - at)
        if kind is Kind.AUDIO:
            self._take_sound(tag, at)
        elif self._has_video and self._picture is not None:
            offset = int.from_bytes(tag[13:16], "big", signed=True)
            self._take_picture(max(at, self._last_picture_at + 1), offset, kind is Kind.KEY, tag[16:-4])

    def _take_picture(self, at: int, offset: int, is_key: bool, data: bytes) -> None:
        making = self._making
        if making is None:
            if not is_key or (self._has_audio and self._sound is None):
                return
            self._open_segment(at)
        else:
            self._cut_before(at, making=making, is_key=is_key)
        self._last_picture_at = at
        self._pictures.append((at, offset, is_key, data))
        self._part_bytes += len(data)

    def _take_sound(self, tag: bytes, at: int) -> None:
        if tag[11] >> 4 != codecs.AAC:
            raise Unreadable("its sound is MP3, which fragments of MP4 do not carry for every browser")
        if not self._has_audio or self._sound is None or self._sound_clock is None:
            return
        if (self._broken or self._making is None) and self._has_video:
            return
        place = self._sound_clock.place(at_ms=at)
        if place is None or len(self._sounds) >= MOST_PART_SAMPLES:
            return
        if not self._has_video:
            lead = place * 1000 / self._sound.rate
            if self._making is None:
                self._open_segment(lead)
            else:
                self._cut_before(lead, making=self._making, is_key=True)
        data = tag[13:-4]
        self._sounds.append(boxes.Sample(at=place, duration=self._sound.frame_samples, data=data))
        self._part_bytes += len(data)

    def _cut_before(self, at: float, *, making: Making, is_key: bool) -> None:
        """End the part, and the segment, where the next picture (or, without pictures, the next sound) begins at `at`."""
        at_key, whole_ms = is_key and self._has_video, at - making.at_ms
        part_ends = self._beat.ends(at - self._part_at, at_key=at_key) or self._part_bytes > MOST_PART_BYTES
        if (at_key and (whole_ms >= SEGMENT_MS or self._broken)) or (part_ends and self._is_full(making, whole_ms)):
            self._close_segment(at)
            self._open_segment(at)
        elif part_ends:
            self._close_part(at)

    def _is_full(self, making: Making, whole_ms: float) -> bool:
        if not self._has_video:
            return whole_ms >= SOUND_SEGMENT_MS
        most_ms = self.target_seconds * 1000 + 450 if self.target_seconds else MOST_SEGMENT_MS
        return whole_ms + self._beat.part_ms > most_ms or making.size > MOST_SEGMENT_BYTES

    def _open_segment(self, at: float) -> None:
        if self._initial is None or self._broken:
            was, self._initial = self._initial, Initial(picture=self._picture, sound=self._sound)
            self._broken = False
            after_break = was is not None
            if after_break:
                self._tell(lambda sink: sink.discontinuity())
        else:
            after_break = False
        if abs(self._earliest_ms - self._began_ms) > CLOCK_SLACK_MS:
            self._began_ms = self._earliest_ms
        self._earliest_ms = math.inf
        started_at = datetime.fromtimestamp((self._began_ms + at) / 1000, UTC)
        opened = Open(msn=self._msn, initial=self._initial, started_at=started_at, after_break=after_break)
        self._msn += 1
        self._making = Making(open=opened, at_ms=int(at))
        self._part_at = at
        self._tell(lambda sink: sink.opens(opened))

    def _close_part(self, ends_at: float | None = None) -> None:
        """`ends_at`: where the next one begins; None: it is not known, and what came last is taken to last as long as usual."""
        making, pictures = self._making, self._pictures
        if making is None or not (pictures or self._sounds):
            return
        end = ends_at if ends_at is not None else self._usual_end()
        samples = []
        for number, (at, offset, is_key, data) in enumerate(pictures):
            after = pictures[number + 1][0] if number + 1 < len(pictures) else max(at + 1, int(end))
            samples.append(boxes.Sample(at=at, duration=after - at, data=data, is_key=is_key, offset=offset))
        self._fragments += 1
        part = Part(
            msn=making.open.msn,
            index=len(making.parts),
            duration=max(0.001, (end - self._part_at) / 1000),
            is_independent=not self._has_video or any(is_key for _, _, is_key, _ in pictures),
            data=boxes.fragment(number=self._fragments, pictures=samples, sounds=self._sounds),
        )
        making.add(part)
        self._pictures, self._sounds, self._part_bytes = [], [], 0
        self._part_at = end
        self._tell(lambda sink: sink.part(part))

    def _usual_end(self) -> float:
        if self._pictures:
            return self._pictures[-1][0] + self._beat.interval_ms
        last = self._sounds[-1]
        rate = self._sound.rate if self._sound is not None else 1
        return max(self._part_at, (last.at + last.duration) * 1000 / rate)

    def _close_segment(self, ends_at: float | None = None) -> None:
        self._close_part(ends_at)
        making, self._making = self._making, None
        if making is None or not making.parts:
            return
        segment = making.whole()
        if not self.target_seconds:
            self.target_seconds = max(LEAST_TARGET_SECONDS, math.ceil(segment.duration - 0.45))
        self._tell(lambda sink: sink.segment(segment))

    def _tell(self, what: Callable[[Sink], None]) -> None:
        for sink in list(self._sinks):
            try:
                what(sink)
            except Exception:
                # One that fails must not take the picture from all others.
                log.exception("Somebody who wants stream %s cut could not take it, and is let go.", self.name)
                self.unsubscribe(sink)
