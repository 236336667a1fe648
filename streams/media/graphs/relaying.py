"""A picture from elsewhere into our engine, and from our engine to elsewhere: nothing is decoded but sound that FLV cannot carry."""

from __future__ import annotations

from dataclasses import dataclass

import ffmpeg

from streams.engines.base import OURSELVES
from streams.media.graphs.pulling import SILENCE_US

_LOOK_US = 3_000_000
# The engine gives sound at once and pictures from the next keyframe on, which some encoders send every ten seconds. What has both
# begins as soon as both are there.
_LIVE_LOOK_US = 12_000_000


@dataclass(frozen=True, slots=True)
class PullSource:
    """Where a picture comes from. `kind`: rtmp, rtmps, rtsp, srt, `list` (HLS by HTTP) or `http` (anything else by HTTP).

    `ours`: our own engine, by its loopback address."""

    address: str
    kind: str
    ours: bool = False

    @property
    def is_paced(self) -> bool:
        """Comes in bursts, or as fast as it can: it is read in its own time."""
        return self.kind in ("list", "http") and not self.ours


@dataclass(frozen=True, slots=True)
class Pull:
    """`new_sound`: made AAC. `target`: an address of our engine."""

    source: PullSource
    target: str
    new_sound: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What is in a source: read for a moment, told in the log, written nowhere."""

    source: PullSource


@dataclass(frozen=True, slots=True)
class Push:
    """`source`: an address of our engine; `container`: flv for RTMP, mpegts for SRT."""

    source: str
    target: str
    container: str = "flv"


def pull(spec: Pull) -> list[str]:
    codecs = {"c:v": "copy", "c:a": "copy"}
    if spec.new_sound:
        codecs |= {"c:a": "aac", "b:a": "128k", "ar": "44100", "ac": "2"}
    output = ffmpeg.output(
        *_tracks(_read(spec.source)),
        spec.target,
        f="flv",
        flvflags="no_duration_filesize",
        rw_timeout=SILENCE_US,
        rtmp_flashver=OURSELVES,
        **codecs,
    )
    return _running(output)


def look(spec: Look) -> list[str]:
    """Its codecs stand in the log, behind "Output #0"."""
    output = ffmpeg.output(*_tracks(_read(spec.source)), "pipe:2", c="copy", t=0.5, f="null")
    return _running(output.global_args("-nostats"), loglevel="info")


def carry(target: str) -> list[str]:
    """A transport stream from standard input, as it comes, to our engine."""
    # An encoder begins with a keyframe: a second shows all there is.
    source = ffmpeg.input("pipe:0", f="mpegts", analyzeduration=1_000_000)
    output = ffmpeg.output(
        *_tracks(source), target, c="copy", f="flv", flvflags="no_duration_filesize", rw_timeout=SILENCE_US
    )
    arguments: list[str] = output.global_args("-hide_banner", "-loglevel", "warning").compile()
    return arguments


def push(spec: Push) -> list[str]:
    source = ffmpeg.input(
        spec.source,
        f="flv",
        rw_timeout=SILENCE_US,
        rtmp_flashver=OURSELVES,
        rtmp_live="live",
        analyzeduration=_LIVE_LOOK_US,
    )
    extra = {"flvflags": "no_duration_filesize"} if spec.container == "flv" else {}
    return _running(ffmpeg.output(*_tracks(source), spec.target, c="copy", f=spec.container, **extra))


def _tracks(source: ffmpeg.nodes.FilterableStream) -> list[ffmpeg.nodes.FilterableStream]:
    """One picture that moves (V: no cover of a song) and one sound, if they are there."""
    return [source["V:0?"], source["a:0?"]]


def _read(source: PullSource) -> ffmpeg.nodes.FilterableStream:
    """Of an outside source the guard adds what may be opened for it (`streams/egress/arguments.py`)."""
    options: dict[str, object] = {"analyzeduration": _LOOK_US}
    if source.kind in ("rtmp", "rtmps"):
        options |= {"f": "flv", "rtmp_live": "live", "analyzeduration": _LIVE_LOOK_US}
    elif source.kind == "list":
        options |= {"f": "hls", "allowed_extensions": "ts,m4s,mp4,aac,mp3,m3u8,m3u"}
    if source.ours:
        options |= {"rtmp_flashver": OURSELVES, "rw_timeout": SILENCE_US}
    if source.is_paced:
        options["re"] = None
    return ffmpeg.input(source.address, **options)


def _running(output: ffmpeg.nodes.OutputStream, *, loglevel: str = "warning") -> list[str]:
    arguments: list[str] = output.global_args(
        "-nostdin", "-hide_banner", "-loglevel", loglevel, "-progress", "pipe:1", "-stats_period", "1"
    ).compile()
    return arguments
