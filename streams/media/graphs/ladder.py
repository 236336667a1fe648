"""The transcoding ladder: one decode, one encoder per rung, into HLS of fragmented MP4.

Sound lies beside the picture in every rung and once alone. A group of its own would be one encoder instead of several (0.014 of a core
each), but sound that began before the first keyframe, and restarts, put the two playlists out of step (decision "sound in every rung")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ffmpeg

from streams.engines.base import OURSELVES
from streams.media import x264
from streams.media.graphs.pulling import SILENCE_US

KEYFRAME_SECONDS: Final = 2
# The first segments are shorter: a viewer need not wait for a long one.
FIRST_SECONDS, FIRST_SPAN_SECONDS = 0.5, 2
LISTED_SEGMENTS: Final = 12
_KEPT_SEGMENTS: Final = 6
# Where the publisher's clock jumps by more, it is taken for a new beginning.
_JUMP_SECONDS = 3
# What is shown is looked at once a second for so long.
LOOK_SECONDS: Final = 12
LOOK_WIDTH, LOOK_HEIGHT = 640, 360


@dataclass(frozen=True, slots=True)
class Picture:
    """One rung with a picture. `every`: which pictures of the source it shows: each (1), each second one (2) …"""

    name: str
    width: int
    height: int
    bitrate_kbps: int
    every: int = 1
    audio_kbps: int = 128


@dataclass(frozen=True, slots=True)
class LadderGraph:
    """Pull `source` and write `folder/<rung>.m3u8` for each rung, and `folder/master.m3u8` of those with a picture. `sound_name`: the
    rung without one; "": there is none. `has_audio`: the source has sound. `fps`: of the source, at most so many. `first_number`: of the
    first segment in an empty folder. `looks`: lines about what is shown go to standard output."""

    source: str
    folder: Path
    pictures: Sequence[Picture]
    sound_name: str
    sound_kbps: int
    has_audio: bool
    preset: str
    content: str
    fps: float
    first_number: int
    keyframe_seconds: int = KEYFRAME_SECONDS
    looks: bool = False


def ladder(spec: LadderGraph) -> list[str]:
    """Segments are cut at the same moments in every rung: at keyframes that are forced by the source's clock, not by count, so that
    a rung of half as many pictures and a source of varying rate stay in step."""
    source = ffmpeg.input(
        spec.source,
        f="live_flv",
        rw_timeout=SILENCE_US,
        rtmp_flashver=OURSELVES,
        analyzeduration=2_000_000,
        fpsprobesize=0,
        dts_delta_threshold=_JUMP_SECONDS,
    )
    outputs = []
    if spec.pictures:
        outputs.append(_with_pictures(source, spec))
    if spec.has_audio and spec.sound_name:
        outputs.append(_sound_alone(source, spec))
    if spec.looks and spec.pictures:
        outputs.append(ffmpeg.output(_look(source), "-", f="null", fps_mode="passthrough"))
    all_of_them = ffmpeg.merge_outputs(*outputs) if len(outputs) > 1 else outputs[0]
    arguments: list[str] = all_of_them.global_args(
        "-nostdin", "-hide_banner", "-loglevel", "warning", "-progress", "pipe:1", "-stats_period", "1"
    ).compile()
    return arguments


def _with_pictures(source: Any, spec: LadderGraph) -> Any:
    streams, options = _pictures(source, spec)
    if spec.has_audio:
        streams += [source.audio] * len(spec.pictures)
        options |= _SOUND | {f"b:a:{number}": f"{one.audio_kbps}k" for number, one in enumerate(spec.pictures)}
    variants = [
        f"v:{number}{f',a:{number}' if spec.has_audio else ''},name:{picture.name}"
        for number, picture in enumerate(spec.pictures)
    ]
    options |= {"master_pl_name": "master.m3u8", "var_stream_map": " ".join(variants)}
    # ffmpeg puts no name into `%v` of an init file where there is one rung only.
    name = "%v" if len(spec.pictures) > 1 else spec.pictures[0].name
    return ffmpeg.output(
        *streams, str(spec.folder / f"{name}.m3u8"), **options, **_hls(spec, name, seconds=FIRST_SECONDS)
    )


def _sound_alone(source: Any, spec: LadderGraph) -> Any:
    """Apart, because nothing but a keyframe ends a segment with a picture: sound would be cut into pieces of the shortest length."""
    options = _SOUND | {"b:a": f"{spec.sound_kbps}k"}
    hls = _hls(spec, spec.sound_name, seconds=spec.keyframe_seconds)
    return ffmpeg.output(source.audio, str(spec.folder / f"{spec.sound_name}.m3u8"), **options, **hls)


_SOUND: Final = {"c:a": "aac", "ac": 2, "ar": 48_000, "af": "aresample=async=1000"}


def _pictures(source: Any, spec: LadderGraph) -> tuple[list[Any], dict[str, Any]]:
    if not spec.pictures:
        return [], {}
    options: dict[str, Any] = {
        "c:v": "libx264",
        "fps_mode": "vfr",
        # A millisecond, as RTMP counts: the rate that an encoder claims is not to be trusted.
        "enc_time_base:v": "1:1000",
        "g": 1000,
        "force_key_frames:v": keyframes(spec.keyframe_seconds),
    }
    decoded = source.video.filter("format", "yuv420p")
    copies = decoded.filter_multi_output("split", len(spec.pictures)) if len(spec.pictures) > 1 else [decoded]
    streams = []
    for number, picture in enumerate(spec.pictures):
        scaled = copies[number]
        if picture.every > 1:
            scaled = scaled.filter("framestep", picture.every)
        scaled = scaled.filter("scale", picture.width, picture.height, flags="bicubic").filter("setsar", 1)
        streams.append(scaled)
        coding = x264.Coding(
            preset=spec.preset, content=spec.content, fps=spec.fps / picture.every, bitrate_kbps=picture.bitrate_kbps,
            pixels=picture.width * picture.height,
        )  # fmt: skip
        options |= {f"{name}:v:{number}": value for name, value in x264.settings(coding).items()}
    return streams, options


def keyframes(seconds: float) -> str:
    """At the first picture of every span of so many seconds (of one, in the beginning). A clock that jumps makes one keyframe, not many."""
    span = f"if(lt(t,{FIRST_SPAN_SECONDS:g}),{FIRST_SECONDS:g},{seconds:g})"
    return f"expr:if(isnan(prev_forced_t),1,gt(floor(t/{span}),floor(prev_forced_t/{span})))"


def _hls(spec: LadderGraph, name: str, *, seconds: float) -> dict[str, Any]:
    return {
        "f": "hls",
        "hls_time": seconds,
        "hls_list_size": LISTED_SEGMENTS,
        "hls_delete_threshold": _KEPT_SEGMENTS,
        "hls_segment_type": "fmp4",
        "hls_fmp4_init_filename": f"{name}_init.mp4",
        "hls_segment_filename": str(spec.folder / f"{name}_%d.m4s"),
        "hls_flags": "delete_segments+append_list+omit_endlist+independent_segments+program_date_time+temp_file",
        "start_number": spec.first_number,
    }


def _look(source: Any) -> Any:
    """One picture a second, small: how much detail, how much change, how many different tones."""
    chosen = source.video.filter("select", f"lt(t,{LOOK_SECONDS})*(isnan(prev_selected_t)+gte(t-prev_selected_t,1))")
    small = chosen.filter("scale", LOOK_WIDTH, LOOK_HEIGHT, flags="bilinear").filter("format", "yuv420p")
    return small.filter("siti").filter("entropy").filter("metadata", "print", file="-", direct=1)
