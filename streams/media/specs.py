"""What a media child shall do, as frozen values. Nothing here knows how it is done."""

from __future__ import annotations

from dataclasses import dataclass

from streams.engines.base import OURSELVES


@dataclass(frozen=True, slots=True)
class RtmpTags:
    """Pull an RTMP stream and give its messages out as FLV tags on standard output, untouched and at once."""

    source: str
    calls_itself: str = OURSELVES


@dataclass(frozen=True, slots=True)
class PacketProbe:
    """Describe the packets of a source for so many seconds of its time; tracks may turn up as late as that."""

    source: str
    seconds: float
    calls_itself: str = OURSELVES


@dataclass(frozen=True, slots=True)
class StreamProbe:
    """What a streamer should know of its own stream. None: could not be told in the time given.

    `keyframe_interval_seconds` is the longest distance between two keyframes that was seen."""

    keyframe_interval_seconds: float | None
    frame_rate: float | None
    width: int | None
    height: int | None
    video_codec: str
    audio_codec: str
    has_b_frames: bool
    bitrate_kbps: int
