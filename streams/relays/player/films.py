"""What is in the files of a list, and in which shape all of them go on air: the first one's, if it can be carried. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from streams.media.graphs.playing import Film, Shape

_MOST_WIDTH, _MOST_HEIGHT, _MOST_RATE = 1920, 1080, 60.0
_USUAL_RATE: Final = 25.0
_SOUND_RATES: Final = (44100, 48000, 22050)


@dataclass(frozen=True, slots=True)
class Tracks:
    """Of one file. Nothing of a track: there is none."""

    duration: float = 0.0
    video: str = ""
    pix_fmt: str = ""
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    audio: str = ""
    sample_rate: int = 0
    channels: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.video and not self.audio


def tracks_in(text: str) -> Tracks:
    """From ffprobe's JSON. Covers of songs are no pictures. ValueError: it is none."""
    said = json.loads(text)
    streams: list[dict[str, Any]] = said.get("streams", [])
    video = next((one for one in streams if one.get("codec_type") == "video" and not _is_cover(one)), {})
    audio = next((one for one in streams if one.get("codec_type") == "audio"), {})
    return Tracks(
        duration=_number(said.get("format", {}).get("duration")),
        video=video.get("codec_name", ""),
        pix_fmt=video.get("pix_fmt", ""),
        width=int(video.get("width", 0)),
        height=int(video.get("height", 0)),
        frame_rate=_fraction(video.get("avg_frame_rate", "")),
        audio=audio.get("codec_name", ""),
        sample_rate=int(_number(audio.get("sample_rate"))),
        channels=int(audio.get("channels", 0)),
    )


def _is_cover(stream: dict[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def _number(said: Any) -> float:
    try:
        return max(0.0, float(said))
    except (TypeError, ValueError):
        return 0.0


def _fraction(said: str) -> float:
    above, _, below = said.partition("/")
    return _number(above) / _number(below) if _number(below) else _number(above)


def shape_of(films: Sequence[Tracks]) -> Shape:
    """What the whole list is on air: a picture if any file has one, a sound if any has."""
    seen = next((film for film in films if film.video), None)
    heard = next((film for film in films if film.audio), None)
    width = height = 0
    if seen is not None:
        width, height = (seen.width, seen.height) if _carried(seen) else _within(seen.width, seen.height)
    rate = seen.frame_rate if seen is not None and 1 <= seen.frame_rate <= _MOST_RATE else _USUAL_RATE
    sample_rate, channels = 0, 2
    if heard is not None:
        sample_rate = heard.sample_rate if heard.sample_rate in _SOUND_RATES else _SOUND_RATES[0]
        channels = 1 if heard.channels == 1 else 2
    return Shape(width=width, height=height, frame_rate=rate, sample_rate=sample_rate, channels=channels)


def _within(width: int, height: int) -> tuple[int, int]:
    """A size that x264 takes and that is no larger than full HD, upright or lying."""
    most = (_MOST_WIDTH, _MOST_HEIGHT) if width >= height else (_MOST_HEIGHT, _MOST_WIDTH)
    scale = min(1.0, most[0] / max(1, width), most[1] / max(1, height))
    return max(16, int(width * scale) // 2 * 2), max(16, int(height * scale) // 2 * 2)


def _carried(film: Tracks) -> bool:
    """H.264 as browsers play it."""
    return film.video == "h264" and film.pix_fmt in ("yuv420p", "yuvj420p") and film.width > 0


def film_of(tracks: Tracks, *, shape: Shape, address: str, before: Sequence[str], from_seconds: float) -> Film:
    """How one file is read so that it fits the others."""
    same_size = (tracks.width, tracks.height) == (shape.width, shape.height)
    same_sound = (tracks.sample_rate, tracks.channels) == (shape.sample_rate, shape.channels)
    return Film(
        address=address,
        before=before,
        shape=shape,
        from_seconds=from_seconds,
        has_video=bool(tracks.video),
        has_audio=bool(tracks.audio),
        copies_video=_carried(tracks) and same_size,
        copies_audio=tracks.audio == "aac" and same_sound,
    )
