"""Pulls of the engine by the gateway and by a look at a stream."""

from __future__ import annotations

import ffmpeg

from streams.media.specs import PacketProbe, RtmpTags

# A pull that says nothing for this long is dead: longer than the engine takes to drop a frozen publisher.
_SILENCE_US = 12_000_000
# It hands on what has come, so this is only the most at once.
_PACKET_BYTES = 65_536


def rtmp_tags(spec: RtmpTags) -> list[str]:
    """The bytes of the RTMP source as FLV, as ffmpeg's protocol hands them out: no demuxer and no muxer touches them (`data`).

    So codecs that this ffmpeg does not know are seen, timestamps stay the publisher's own, and the first byte comes at once."""
    source = ffmpeg.input(
        spec.source,
        f="data",
        raw_packet_size=_PACKET_BYTES,
        probesize=32,
        analyzeduration=0,
        rw_timeout=_SILENCE_US,
        rtmp_flashver=spec.calls_itself,
    )
    target = ffmpeg.output(source, "pipe:1", c="copy", f="data", map="0", flush_packets=1)
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
        str(_SILENCE_US),
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
