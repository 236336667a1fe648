"""A look at a running stream: sizes, rates, keyframes. Pulls it for a few seconds like any viewer; bounded in time and memory."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from liveroom.kernel.errors import LiveRoomError
from streams.media import graphs
from streams.media.process import spawn
from streams.media.specs import PacketProbe, StreamProbe

# To connect, to meet the tracks, and to be told that there is nothing.
_EXTRA_SECONDS = 4.0
_MAX_OUTPUT = 8 * 1024 * 1024


class ProbeFailed(LiveRoomError):
    """Nothing could be learned: the source is not there, said nothing, or took too long."""

    code, name, status = 10002, "probe_failed", 503


async def probe_health(*, url: str, seconds: float) -> StreamProbe:
    """Watch `url` for about `seconds` of its time. ProbeFailed with the reason; never takes more than `seconds` + 4 s."""
    output = bytearray()

    def collect(data: bytes) -> None:
        if len(output) < _MAX_OUTPUT:
            output.extend(data)

    child = await spawn(graphs.packet_probe(PacketProbe(source=url, seconds=seconds)), on_output=collect)
    try:
        code = await asyncio.wait_for(child.wait(), seconds + _EXTRA_SECONDS)
    except TimeoutError:
        raise ProbeFailed(f"The stream said too little within {seconds + _EXTRA_SECONDS:g} seconds.") from None
    finally:
        await child.stop(grace_seconds=0.5)
    if code != 0 and not output:
        reason = child.last_lines[-1] if child.last_lines else f"code {code}"
        raise ProbeFailed(f"The stream cannot be read: {reason}")
    return summary(output.decode("utf-8", "replace"))


def summary(text: str) -> StreamProbe:
    """The figures in a probe's lines (`packet|codec_type=video|pts_time=…`). Pure. ProbeFailed where there is no packet."""
    tracks: dict[str, dict[str, str]] = {}
    video: list[tuple[float, bool]] = []
    times: list[float] = []
    size = 0
    reordered = False
    for line in text.splitlines():
        section, _, rest = line.partition("|")
        fields = dict(part.partition("=")[::2] for part in rest.split("|"))
        if section == "stream":
            tracks.setdefault(fields.get("codec_type", ""), fields)
        elif section == "packet":
            shown, at = _number(fields.get("pts_time")), _number(fields.get("dts_time"))
            at = shown if at is None else at
            if at is None:
                continue
            times.append(at)
            size += int(_number(fields.get("size")) or 0)
            if fields.get("codec_type") == "video":
                video.append((at, "K" in fields.get("flags", "")))
                # RTMP counts in milliseconds: a smaller difference is rounding.
                reordered = reordered or (shown is not None and shown - at > 0.002)
    if not times:
        raise ProbeFailed("The stream sent no pictures and no sound.")
    span = max(times) - min(times)
    keys = [at for at, key in video if key]
    picture, sound = tracks.get("video", {}), tracks.get("audio", {})
    shown_for = video[-1][0] - video[0][0] if video else 0.0
    return StreamProbe(
        keyframe_interval_seconds=round(max(b - a for a, b in pairwise(keys)), 3) if len(keys) > 1 else None,
        frame_rate=round((len(video) - 1) / shown_for, 2) if shown_for > 0 else None,
        width=int(_number(picture.get("width")) or 0) or None,
        height=int(_number(picture.get("height")) or 0) or None,
        video_codec=picture.get("codec_name", ""),
        audio_codec=sound.get("codec_name", ""),
        has_b_frames=reordered or (_number(picture.get("has_b_frames")) or 0) > 0,
        bitrate_kbps=round(size * 8 / span / 1000) if span > 0 else 0,
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
