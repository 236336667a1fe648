"""Films as live: what is in a file, one file as FLV on standard output in the shape of its list, and the publisher behind all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ffmpeg

from streams.engines.base import OURSELVES
from streams.media.graphs.pulling import SILENCE_US

_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "warning")
# Kilobits a second that a picture of that height may take at most.
_RATES = ((1080, 4500), (720, 2500), (480, 1200), (0, 800))


@dataclass(frozen=True, slots=True)
class Shape:
    """What all files of a list look and sound like on air. No size: no picture; no `sample_rate`: no sound."""

    width: int = 0
    height: int = 0
    frame_rate: float = 25.0
    sample_rate: int = 0
    channels: int = 2


@dataclass(frozen=True, slots=True)
class FilmProbe:
    """What is in a file. `before`: what has to stand before `-i` (streams/egress/uploads.py)."""

    address: str
    before: Sequence[str]


@dataclass(frozen=True, slots=True)
class Film:
    """One file from a moment on. A track is copied, made anew, or, where the file has none, made up: black, silence."""

    address: str
    before: Sequence[str]
    shape: Shape
    from_seconds: float = 0.0
    has_video: bool = True
    has_audio: bool = True
    copies_video: bool = True
    copies_audio: bool = True


@dataclass(frozen=True, slots=True)
class FilmPublish:
    """FLV from standard input, in its own time, to our engine."""

    target: str


def film_probe(spec: FilmProbe) -> list[str]:
    return [
        "ffprobe", "-hide_banner", "-loglevel", "error", *spec.before, "-show_entries",
        "stream=codec_type,codec_name,profile,pix_fmt,width,height,avg_frame_rate,sample_rate,channels:"
        "stream_disposition=attached_pic:format=duration",
        "-of", "json", spec.address,
    ]  # fmt: skip


def film(spec: Film) -> list[str]:
    before = dict(zip((word[1:] for word in spec.before[::2]), spec.before[1::2], strict=True))
    if spec.from_seconds:
        before["ss"] = f"{spec.from_seconds:.3f}"
    source, shape = ffmpeg.input(spec.address, **before), spec.shape
    tracks: list[ffmpeg.nodes.FilterableStream] = []
    options: dict[str, str | None] = {"f": "flv", "flvflags": "no_duration_filesize+no_sequence_end"}
    if shape.width:
        tracks.append(_picture(spec, source, options))
    if shape.sample_rate:
        tracks.append(_sound(spec, source, options))
    if (shape.width and not spec.has_video) or (shape.sample_rate and not spec.has_audio):
        # What is made up has no end.
        options["shortest"] = None
    arguments: list[str] = ffmpeg.output(*tracks, "pipe:1", **options).global_args(*_QUIET).compile()
    return arguments


def _picture(
    spec: Film, source: ffmpeg.nodes.FilterableStream, options: dict[str, str | None]
) -> ffmpeg.nodes.FilterableStream:
    shape = spec.shape
    if spec.has_video and spec.copies_video:
        options["c:v"] = "copy"
        return source["V:0"]
    most = next(kbps for height, kbps in _RATES if shape.height >= height)
    options |= {
        "c:v": "libx264", "preset": "veryfast", "crf": "23", "maxrate": f"{most}k", "bufsize": f"{2 * most}k", "bf": "0",
        "g": str(max(1, round(2 * shape.frame_rate))), "sc_threshold": "0",
    }  # fmt: skip
    if not spec.has_video:
        black = f"color=c=black:s={shape.width}x{shape.height}:r={shape.frame_rate:g}"
        return ffmpeg.input(black, f="lavfi")["v:0"].filter("format", "yuv420p")
    size = {"w": shape.width, "h": shape.height}
    return (
        source["V:0"]
        .filter("scale", **size, force_original_aspect_ratio="decrease")
        .filter("pad", **size, x="(ow-iw)/2", y="(oh-ih)/2")
        .filter("setsar", "1")
        .filter("fps", f"{shape.frame_rate:g}")
        .filter("format", "yuv420p")
    )


def _sound(
    spec: Film, source: ffmpeg.nodes.FilterableStream, options: dict[str, str | None]
) -> ffmpeg.nodes.FilterableStream:
    shape = spec.shape
    if spec.has_audio and spec.copies_audio:
        options["c:a"] = "copy"
        return source["a:0"]
    options |= {"c:a": "aac", "b:a": "128k", "ar": str(shape.sample_rate), "ac": str(shape.channels)}
    if not spec.has_audio:
        layout = "mono" if shape.channels == 1 else "stereo"
        return ffmpeg.input(f"anullsrc=r={shape.sample_rate}:cl={layout}", f="lavfi")["a:0"]
    return source["a:0"]


def film_publish(spec: FilmPublish) -> list[str]:
    # Unparsed: the parser would read each film by the configuration of the first.
    source = ffmpeg.input("pipe:0", f="flv", fflags="noparse", analyzeduration=1_000_000)
    output = ffmpeg.output(
        source, spec.target, c="copy", f="flv", flvflags="no_duration_filesize", map="0", rw_timeout=SILENCE_US,
        rtmp_flashver=OURSELVES,
    )  # fmt: skip
    arguments: list[str] = output.global_args(
        "-hide_banner", "-loglevel", "warning", "-progress", "pipe:1", "-stats_period", "1"
    ).compile()
    return arguments
