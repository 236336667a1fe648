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


@dataclass(frozen=True, slots=True)
class RtmpToFile:
    """Pull an RTMP stream and write its messages as FLV tags into a file, untouched and at once."""

    source: str
    target: str
    calls_itself: str = OURSELVES


@dataclass(frozen=True, slots=True)
class Remux:
    """FLV on standard input into a finished file. `audio`: copy, aac or libmp3lame. `index_bytes`: room for an MP4's index at its
    begin; 0: it is moved there at the end."""

    target: str
    format: str
    has_video: bool
    has_audio: bool
    audio: str = "copy"
    index_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Cover:
    """One picture of a local file."""

    source: str
    target: str
    at_seconds: float
    width: int = 640


@dataclass(frozen=True, slots=True)
class Sprite:
    """`columns` × `rows` small pictures of a local file in one."""

    source: str
    target: str
    every_seconds: float
    columns: int
    rows: int
    width: int = 160


@dataclass(frozen=True, slots=True)
class ClipCut:
    """A stretch of FLV on standard input, or of a local file, exact to the frame."""

    target: str
    from_seconds: float
    duration_seconds: float
    has_video: bool
    has_audio: bool
    source: str = ""


@dataclass(frozen=True, slots=True)
class FilmLook:
    """What is in a file. `source`: its address for ffmpeg; `before_input`: what has to stand before it (streams/egress/uploads.py)."""

    source: str
    before_input: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilmPicture:
    """One picture of a file as a JPEG at `target`, at most so many lines high."""

    source: str
    before_input: tuple[str, ...]
    target: str
    at_seconds: float
    most_lines: int
