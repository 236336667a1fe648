"""From a spec to an argument list. Pure: nothing is started, nothing is looked up.

Every list begins with the program's name and is never given to a shell."""

from __future__ import annotations

import ffmpeg

from streams.media.specs import FlvCopy, PacketProbe

# A pull that says nothing for this long is dead: longer than the engine takes to drop a frozen publisher.
_SILENCE_US = 12_000_000
# Without this the muxer holds one track back for up to 10 s while the other is silent.
_INTERLEAVE_US = 200_000


def flv_copy(spec: FlvCopy) -> list[str]:
    """Timestamps stay the publisher's own (`copyts`), so that a child that was restarted goes on where it stopped.

    `nobuffer` would throw the first group of pictures away; `fpsprobesize` 0 does not wait for frames to count them."""
    source = ffmpeg.input(
        spec.source,
        rw_timeout=_SILENCE_US,
        probesize=2_000_000,
        analyzeduration=spec.analyse_ms * 1000,
        fpsprobesize=0,
    )
    target = ffmpeg.output(
        source,
        "pipe:1",
        c="copy",
        f="flv",
        flvflags="no_duration_filesize",
        flush_packets=1,
        max_interleave_delta=_INTERLEAVE_US,
        copyts=None,
    )
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
