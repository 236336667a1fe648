"""What recordings need: a copy to disk while they run, and finite work on what was written."""

from __future__ import annotations

from typing import Any

import ffmpeg

from streams.media.graphs.pulling import untouched
from streams.media.specs import ClipCut, Cover, Remux, RtmpToFile, Sprite

_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "warning")
_PROGRESS = ("-progress", "pipe:1", "-stats_period", "1")
# A player starts at any of these.
_HLS_SECONDS = 6


def rtmp_to_file(spec: RtmpToFile) -> list[str]:
    """The publisher's own tags, untouched, in an FLV that is whole at any moment: what was received is written at once."""
    target = untouched(spec, target=f"file:{spec.target}")
    return _compiled(target, *_PROGRESS)


def remux(spec: Remux) -> list[str]:
    """FLV on standard input to a finished file. Pictures are never encoded again; sound only where the format cannot hold it."""
    source = ffmpeg.input("pipe:0", f="flv", probesize=2_000_000, analyzeduration=3_000_000)
    options: dict[str, Any] = {"map_metadata": "-1"}
    if spec.has_video:
        options["c:v"] = "copy"
    if spec.has_audio:
        options["c:a"] = spec.audio
        if spec.audio == "libmp3lame":
            options["b:a"] = "192k"
        elif spec.audio == "aac":
            options["b:a"] = "128k"
    if spec.format == "mp4" and spec.index_bytes:
        # The index goes into room that is left for it, so that a large file is not written twice.
        options |= {"f": "mp4", "moov_size": spec.index_bytes}
    elif spec.format in ("mp4", "aac"):
        options |= {"f": "mp4", "movflags": "+faststart"}
    elif spec.format == "flv":
        options |= {"f": "flv", "flvflags": "+add_keyframe_index"}
    elif spec.format == "mp3":
        options |= {"f": "mp3", "write_xing": 1}
    else:
        options |= {
            "f": "hls",
            "hls_time": _HLS_SECONDS,
            "hls_playlist_type": "vod",
            "hls_segment_type": "mpegts",
            "hls_flags": "single_file+independent_segments" if spec.has_video else "single_file",
            "hls_segment_filename": f"{spec.target.removesuffix('.m3u8')}.ts",
        }
    streams = [source[kind] for kind, there in (("v", spec.has_video), ("a", spec.has_audio)) if there]
    return _compiled(ffmpeg.output(*streams, spec.target, **options), *_PROGRESS)


def cover(spec: Cover) -> list[str]:
    """One picture of a file, at a place, as a JPEG that is no wider than asked."""
    source = ffmpeg.input(spec.source, ss=round(spec.at_seconds, 3), protocol_whitelist="file")
    picture = source.video.filter("scale", f"min({spec.width},iw)", -2)
    return _compiled(ffmpeg.output(picture, spec.target, vframes=1, f="image2", update=1, **{"q:v": 4}))


def sprite(spec: Sprite) -> list[str]:
    """Small pictures at equal distances in one JPEG, row by row. Only keyframes are decoded."""
    source = ffmpeg.input(spec.source, skip_frame="nokey", protocol_whitelist="file")
    picture = (
        source.video.filter("fps", f"1/{spec.every_seconds:g}", round="up")
        .filter("scale", spec.width, -2)
        .filter("tile", f"{spec.columns}x{spec.rows}")
    )
    output = ffmpeg.output(picture, spec.target, vframes=1, f="image2", update=1, **{"q:v": 5})
    return _compiled(output, *_PROGRESS)


def clip(spec: ClipCut) -> list[str]:
    """From one frame to another, encoded anew so that it begins exactly there: on standard input (FLV) or from a file."""
    if spec.source:
        source = ffmpeg.input(spec.source, ss=round(spec.from_seconds, 3), protocol_whitelist="file")
        skipped = {}
    else:
        source = ffmpeg.input("pipe:0", f="flv", probesize=2_000_000, analyzeduration=3_000_000)
        # An option of the output: everything before is decoded and thrown away.
        skipped = {"ss": round(spec.from_seconds, 3)}
    options: dict[str, Any] = {
        "t": round(spec.duration_seconds, 3), "f": "mp4", "movflags": "+faststart", "map_metadata": "-1", **skipped,
    }  # fmt: skip
    if spec.has_video:
        options |= {"c:v": "libx264", "preset": "veryfast", "crf": 20, "pix_fmt": "yuv420p"}
    if spec.has_audio:
        options |= {"c:a": "aac", "b:a": "160k"}
    streams = [source[kind] for kind, there in (("v", spec.has_video), ("a", spec.has_audio)) if there]
    return _compiled(ffmpeg.output(*streams, spec.target, **options), *_PROGRESS)


def _compiled(output: Any, *more: str) -> list[str]:
    arguments: list[str] = output.global_args(*_QUIET, *more).overwrite_output().compile()
    return arguments
