"""Pulls of the engine by the gateway and by a look at a stream."""

from __future__ import annotations

from streams.media.graphs.pulling import SILENCE_US, untouched
from streams.media.specs import PacketProbe, RtmpTags


def rtmp_tags(spec: RtmpTags) -> list[str]:
    """The source's FLV on standard output (`pulling.untouched`)."""
    target = untouched(spec, target="pipe:1")
    arguments: list[str] = target.global_args("-nostdin", "-hide_banner", "-loglevel", "warning").compile()
    return arguments


def packet_probe(spec: PacketProbe) -> list[str]:
    """One line per packet as it arrives, then one per track. ffmpeg-python builds no ffprobe lists; this one is short."""
    return [
        "ffprobe",
        "-hide_banner",
        "-loglevel",
        "error",
        "-rw_timeout",
        str(SILENCE_US),
        "-rtmp_flashver",
        spec.calls_itself,
        "-analyzeduration",
        str(round(spec.seconds * 1_000_000)),
        "-read_intervals",
        f"%+{spec.seconds:g}",
        "-show_entries",
        "packet=codec_type,pts_time,dts_time,size,flags:stream=codec_type,codec_name,width,height,has_b_frames",
        "-of",
        "compact=p=1:nk=0",
        spec.source,
    ]
