"""What a media child shall do, as frozen values. Nothing here knows how it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlvCopy:
    """Pull an RTMP stream and give it out as FLV on standard output, untouched and at once.

    `analyse_ms` is how much of the stream may be looked at before the first byte comes out: long enough to meet every track,
    as a track that turns up later is left out. With both tracks seen it starts at once."""

    source: str
    analyse_ms: int = 1000


@dataclass(frozen=True, slots=True)
class PacketProbe:
    """Describe the packets of a source for so many seconds of its time; tracks may turn up as late as that."""

    source: str
    seconds: float


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
