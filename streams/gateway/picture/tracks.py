"""Which tracks a copy has: met before its viewers are let in, and fixed from then on."""

from __future__ import annotations

from dataclasses import dataclass

from streams.gateway.picture.flv import Kind, is_video
from streams.gateway.picture.timeline import Timeline


@dataclass(slots=True)
class Tracks:
    """`met_at`: loop time of the first picture or sound that a viewer may begin with."""

    has_video: bool = False
    has_audio: bool = False
    met_at: float | None = None

    def meet(self, kind: Kind, *, now: float) -> bool:
        """Before viewers are let in: whether this is kept. From the first keyframe on, sound also before it."""
        if self.met_at is None and kind in (Kind.KEY, Kind.AUDIO):
            self.met_at = now
        self.has_video = self.has_video or kind is Kind.KEY
        self.has_audio = self.has_audio or kind is Kind.AUDIO
        return self.has_video or kind in (Kind.VIDEO_CONFIG, Kind.AUDIO_CONFIG, Kind.AUDIO)

    def have(self, tag: bytes) -> bool:
        """Whether the players were told of this tag's track."""
        return self.has_video if is_video(tag) else self.has_audio

    def is_added(self, tag: bytes, kind: Kind, *, timeline: Timeline) -> bool:
        """Of a track that players were not told of: whether the publisher has added it. Else it was waited for in vain."""
        expected = timeline.has_video if is_video(tag) else timeline.has_audio
        return not expected and kind is not Kind.AUDIO_CONFIG

    def due_at(self, timeline: Timeline) -> float:
        """When viewers are let in, whatever else may come."""
        return (self.met_at or 0.0) + timeline.wait_ms(video=self.has_video, audio=self.has_audio) / 1000
