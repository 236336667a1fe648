"""What every pull of the engine has in common."""

from __future__ import annotations

from typing import Any, Final

import ffmpeg

from streams.media.specs import RtmpTags, RtmpToFile

# A pull that says nothing for this long is dead: longer than the engine takes to drop a frozen publisher.
SILENCE_US: Final = 12_000_000
# It hands on what has come, so this is only the most at once.
_PACKET_BYTES = 65_536


def untouched(spec: RtmpTags | RtmpToFile, *, target: str) -> Any:
    """The bytes of the RTMP source as FLV, as ffmpeg's protocol hands them out: no demuxer and no muxer touches them (`data`).

    So codecs that this ffmpeg does not know are seen, timestamps stay the publisher's own, and the first byte comes at once."""
    source = ffmpeg.input(
        spec.source,
        f="data",
        raw_packet_size=_PACKET_BYTES,
        probesize=32,
        analyzeduration=0,
        rw_timeout=SILENCE_US,
        rtmp_flashver=spec.calls_itself,
    )
    return ffmpeg.output(source, target, c="copy", f="data", map="0", flush_packets=1)
