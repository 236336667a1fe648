"""The children of a compositor: one decoder for each input, into raw pictures and sound on two pipes, and the encoder of what was drawn.

Lists written out: ffmpeg-python has no words for inherited pipes, and importing it costs a compositor a tenth of its start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from streams.engines.base import OURSELVES

SAMPLE_RATE: Final = 48_000
KEYFRAME_SECONDS: Final = 2
# As graphs/pulling.py: longer than the engine takes to drop a frozen publisher.
_SILENCE_US: Final = 12_000_000
# A target that takes nothing for so long is lost.
_STUCK_US: Final = 4_000_000
_JUMP_SECONDS: Final = 3
_LOOK_BYTES: Final = 10_000_000
# What a decoder agrees to hold: 4096 x 2304 and a little.
_MOST_PIXELS: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Decode:
    """`address` and `before` (what stands in front of `-i`) of a stream or a film; pictures fitted into `width` x `height` at its top left
    corner, `fps` a second, yuv420p of limited range, on the descriptor `pictures`; 16-bit stereo of 48 kHz on `sound`. None: the
    source has none, or it is not wanted.

    `look_seconds`: so long it waits until it knows two tracks; pictures come with the source's next keyframe only.
    `live`: an RTMP source; otherwise a file, read in its own time, again and again if it `loops`."""

    address: str
    width: int
    height: int
    fps: int
    pictures: int | None
    sound: int | None
    before: Sequence[str] = ()
    look_seconds: float = 3.0
    live: bool = True
    loops: bool = True


@dataclass(frozen=True, slots=True)
class Encode:
    """Pictures from standard input and sound from the descriptor `sound` to `target`, as FLV. Progress goes to standard output."""

    target: str
    width: int
    height: int
    fps: int
    sound: int
    video_bitrate_kbps: int
    audio_bitrate_kbps: int
    preset: str
    threads: int = 2


def decode(spec: Decode) -> list[str]:
    """Pictures and sound are counted from one zero, that of the source (`start_time=0`, `first_pts=0`): picture number n is due at
    n/fps, sample number m at m/48000, whatever was missing at the begin or in between is filled. So neither needs a timestamp.

    It tells on standard error, at `verbose`, what it decodes and how large it came out (`compositor/inputs/words.py`)."""
    arguments = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "repeat+level+verbose", "-nostats"]
    arguments += ["-threads", "1", "-filter_threads", "1", "-max_pixels", str(_MOST_PIXELS)]
    arguments += ["-analyzeduration", str(round(spec.look_seconds * 1_000_000)), "-probesize", str(_LOOK_BYTES)]
    if spec.live:
        arguments += ["-fpsprobesize", "0", "-dts_delta_threshold", str(_JUMP_SECONDS), "-f", "live_flv"]
        arguments += _by_rtmp(spec.address, _SILENCE_US)
    else:
        arguments += ["-re", *(["-stream_loop", "-1"] if spec.loops else [])]
    arguments += [*spec.before, "-i", spec.address]
    if spec.pictures is not None:
        arguments += ["-map", "0:V:0", "-vf", _fitted(spec), "-fps_mode", "passthrough", "-f", "rawvideo"]
        arguments += [f"pipe:{spec.pictures}"]
    if spec.sound is not None:
        chain = f"aresample={SAMPLE_RATE}:async=1000:first_pts=0,aformat=sample_fmts=s16:channel_layouts=stereo"
        arguments += ["-map", "0:a:0", "-af", chain, "-c:a", "pcm_s16le", "-f", "s16le", f"pipe:{spec.sound}"]
    return arguments


def _fitted(spec: Decode) -> str:
    """The shape as it is to be seen (`dar`), without borders; the rest of the box is filled, so that every picture has as many bytes."""
    width = f"max(2,trunc(min({spec.width},{spec.height}*dar)/2+0.5)*2)"
    height = f"max(2,trunc(min({spec.height},{spec.width}/dar)/2+0.5)*2)"
    return (
        f"fps={spec.fps}:start_time=0,scale=w='min({spec.width},{width})':h='min({spec.height},{height})'"
        f":flags=bilinear:out_range=tv,setsar=1,format=yuv420p,pad={spec.width}:{spec.height}:0:0"
    )


def with_sound(spec: Encode, sound: int) -> Encode:
    """The same for another descriptor."""
    return replace(spec, sound=sound)


def encode(spec: Encode) -> list[str]:
    """No B-frames and no look ahead: what is drawn is sent at once. A bit rate that holds over each second."""
    video, audio = f"{spec.video_bitrate_kbps}k", f"{spec.audio_bitrate_kbps}k"
    return [
        "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1", "-stats_period", "1",
        "-probesize", "32", "-analyzeduration", "0", "-thread_queue_size", "4", "-f", "rawvideo", "-pix_fmt", "yuv420p",
        "-video_size", f"{spec.width}x{spec.height}", "-framerate", str(spec.fps), "-i", "pipe:0",
        "-probesize", "32", "-analyzeduration", "0", "-thread_queue_size", "64", "-f", "s16le", "-ar", str(SAMPLE_RATE),
        "-channel_layout", "stereo",
        "-i", f"pipe:{spec.sound}",
        "-map", "0:v", "-map", "1:a", *coding(spec), "-b:v", video, "-maxrate", video, "-bufsize", video,
        "-c:a", "aac", "-b:a", audio, "-flush_packets", "1", "-flvflags", "no_duration_filesize+no_sequence_end",
        *_by_rtmp(spec.target, _STUCK_US), "-f", "flv", spec.target,
    ]  # fmt: skip


def coding(spec: Encode) -> list[str]:
    """What x264 is told."""
    return [
        "-c:v", "libx264", "-preset", spec.preset, "-tune", "zerolatency", "-threads", str(spec.threads), "-bf", "0",
        "-g", str(spec.fps * KEYFRAME_SECONDS), "-sc_threshold", "0",
    ]  # fmt: skip


def _by_rtmp(address: str, most_us: int) -> list[str]:
    """What only that protocol understands."""
    if not address.startswith("rtmp"):
        return []
    return ["-rw_timeout", str(most_us), "-rtmp_flashver", OURSELVES]
