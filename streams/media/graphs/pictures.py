"""Pictures out of a running stream, and what is wrong with it: black, frozen, silent.

One child does both. It decodes keyframes only, which costs a tenth of a decoder: a picture every few seconds needs no more, and trouble
that lasts for seconds is seen in keyframes as well. Where keyframes are far apart every picture is decoded (`every_frame`). One thread
each: a decoder and an encoder with more hold as many pictures back, and of keyframes each is seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ffmpeg

from streams.engines.base import OURSELVES
from streams.media.graphs.pulling import SILENCE_US

# To meet the tracks. The engine sends sound at once and the picture from a keyframe on; with both of them ffmpeg goes on at once, and
# without a look at the frame rate (`fpsprobesize`). A stream of one track is known by so many bytes of it, unless keyframes are late.
_MEET_US = 10_000_000
_MEET_BYTES = 100_000
# Sound may come for as long as a keyframe is waited for: its packets wait too.
_WAITING_PACKETS = 8192
# The smallest interval of keyframes that is met: a picture is taken so much before it is due rather than a keyframe later.
_EARLY_SECONDS = 0.2
QUALITY = 4
# A still picture and silence are said after so long; whoever reads it counts on to the threshold.
_SURE_SECONDS = 2
_ONLY_KEYFRAMES = {"skip_frame": "nokey"}


@dataclass(frozen=True, slots=True)
class PicturesOf:
    """A JPEG every `interval_seconds` into `folder`, named `prefix` and a number, whole or not there at all.

    `width`, `height`: a box that it fits into; 0: the source's. Thresholds in seconds, 0: not looked for; `lavfi.…=` lines on standard
    output say what was seen (`streams/snapshots/rules.py` reads them). `late_keyframes`: a picture may turn up as late as 10 s."""

    source: str
    folder: str
    prefix: str
    interval_seconds: float
    width: int = 0
    height: int = 0
    black_seconds: float = 0
    frozen_seconds: float = 0
    silent_seconds: float = 0
    every_frame: bool = False
    late_keyframes: bool = False
    calls_itself: str = OURSELVES


@dataclass(frozen=True, slots=True)
class OnePicture:
    """The next keyframe as a JPEG at `target`: the engine sends from a keyframe on, and with the pictures behind it the decoder hands it
    out at once."""

    source: str
    target: str
    width: int = 0
    height: int = 0
    late_keyframes: bool = False
    calls_itself: str = OURSELVES


def regular_pictures(spec: PicturesOf) -> list[str]:
    """Runs for as long as the source does. A source without a picture: it ends at once and says so."""
    source = _opened(spec, only_keyframes=not spec.every_frame)
    due = f"isnan(prev_selected_t)+gte(t-prev_selected_t\\,{spec.interval_seconds - _EARLY_SECONDS:g})"
    files = ffmpeg.output(
        source["v:0"], f"{spec.folder}/{spec.prefix}-%06d.jpg", f="image2", atomic_writing=1, fps_mode="passthrough",
        vf=_chain(f"select={due}", *_sized(width=spec.width, height=spec.height)), threads=1, **{"q:v": QUALITY},
    )  # fmt: skip
    looked_at = _looked_at(spec)
    outputs = [files]
    if looked_at:
        # A track that is not there is left out (`?`).
        tracks = [source[f"{letter[0]}:0?"] for letter in looked_at]
        outputs.append(
            ffmpeg.output(
                *tracks, "-", f="null", fps_mode="passthrough", max_muxing_queue_size=_WAITING_PACKETS, **looked_at
            )
        )
    arguments: list[str] = ffmpeg.merge_outputs(*outputs).global_args(*_QUIET, *_PROGRESS).compile()
    return arguments


def one_picture(spec: OnePicture) -> list[str]:
    target = ffmpeg.output(
        _opened(spec, only_keyframes=False)["v:0"], spec.target, f="image2", atomic_writing=1,
        update=1, vframes=1, threads=1, vf=_chain(*_sized(width=spec.width, height=spec.height)), **{"q:v": QUALITY},
    )  # fmt: skip
    arguments: list[str] = target.global_args(*_QUIET).overwrite_output().compile()
    return arguments


# Of warnings there is one for every picture: that the pixel format which JPEG needs has an old name.
_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error")
_PROGRESS = ("-progress", "pipe:1", "-stats_period", "1")


def _opened(spec: PicturesOf | OnePicture, *, only_keyframes: bool) -> Any:
    return ffmpeg.input(
        spec.source, f="flv", rw_timeout=SILENCE_US, rtmp_flashver=spec.calls_itself, threads=1,
        analyzeduration=_MEET_US, fpsprobesize=0, **({} if spec.late_keyframes else {"probesize": _MEET_BYTES}),
        **(_ONLY_KEYFRAMES if only_keyframes else {}),
    )  # fmt: skip


def _chain(*filters: str) -> str:
    """For `-vf` and `-af`: chains of one track, which ffmpeg leaves out with the track. Every word in it is ours or a number."""
    return ",".join(filters)


def _sized(*, width: int, height: int) -> list[str]:
    """Square pixels, even sides, inside the box, never larger than the source."""
    wide, high = (f"min(iw\\,{width})" if width else "iw"), (f"min(ih\\,{height})" if height else "ih")
    return [
        "scale=w=max(2\\,trunc(iw*sar/2)*2):h=max(2\\,trunc(ih/2)*2)",
        f"scale=w={wide}:h={high}:force_original_aspect_ratio=decrease:force_divisible_by=2:out_range=pc",
        "setsar=1",
        "format=yuvj420p",
    ]


def _looked_at(spec: PicturesOf) -> dict[str, str]:
    """The chains that look for trouble, by the track that they look at."""
    found = {}
    if spec.black_seconds or spec.frozen_seconds:
        # Small, so that looking costs nothing; five pictures a second see whatever lasts.
        chain = ["fps=5"] if spec.every_frame else []
        chain.append("scale=160:90")
        if spec.black_seconds:
            chain.append("blackdetect=d=0.1:pic_th=0.98:pix_th=0.1")
        if spec.frozen_seconds:
            chain.append(f"freezedetect=n=0.003:d={_SURE_SECONDS}")
        found["vf"] = _chain(*chain, "metadata=mode=print:file=-:direct=1")
    if spec.silent_seconds:
        found["af"] = _chain(f"silencedetect=n=-50dB:d={_SURE_SECONDS}", "ametadata=mode=print:file=-:direct=1")
    return found
