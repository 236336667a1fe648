"""The words of tus 1.0.0 (tus.io/protocols/resumable-upload) and what a film may be. Plain Python; ValueError with words for people."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = "1.0.0"
EXTENSIONS = ("creation", "expiration", "termination", "checksum")
ALGORITHMS = ("sha1", "sha256", "md5")
PIECE_TYPE = "application/offset+octet-stream"

NAME_BYTES = 200
MOST_TRACKS = 32
MOST_WIDTH, MOST_HEIGHT = 7680, 4320
LONGEST_SECONDS = 48 * 3600
# What a compositor draws (streams/media/compositor/drawing/images.py), and how large such a file may be.
PICTURES = ("png", "jpeg", "webp", "gif")
MOST_PIXELS, MOST_PICTURE_BYTES = 10_000_000, 16 * 2**20

_PATH = re.compile(r"/api/v1/files/[a-z0-9]{1,24}")
_WHOLE = re.compile(r"[0-9]{1,18}")
_KEY = re.compile(r"[^\s,]{1,64}")


def is_piece(method: str, path: str) -> bool:
    """Whether the body of such a request is read while it arrives (liveroom/streamed_bodies.py)."""
    return method in ("PATCH", "POST") and _PATH.fullmatch(path) is not None


def whole(said: str | None) -> int:
    if said is None or not _WHOLE.fullmatch(said):
        raise ValueError("It is a whole number of bytes, in digits.")
    return int(said)


def metadata(said: str) -> dict[str, str]:
    """`Upload-Metadata`: keys and base64 values between commas."""
    found: dict[str, str] = {}
    for pair in said.split(","):
        key, _, value = pair.strip().partition(" ")
        if not key and not value:
            continue
        if not _KEY.fullmatch(key) or key in found or len(found) >= 20:
            raise ValueError("It holds pairs of a key and a base64 value between commas, at most 20, each key once.")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError(f"The value of {key!r} is not base64 of UTF-8.") from None
    return found


@dataclass(frozen=True, slots=True)
class Checksum:
    algorithm: str
    digest: bytes


def checksum(said: str) -> Checksum:
    algorithm, _, value = said.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"The algorithm is one of {', '.join(ALGORITHMS)}.")
    try:
        return Checksum(algorithm=algorithm, digest=base64.b64decode(value.strip(), validate=True))
    except binascii.Error:
        raise ValueError("The checksum is an algorithm and base64 of its digest.") from None


def one_line(name: str) -> str:
    """What somebody's program calls the file: for people to read, never a path."""
    name = name.replace("\\", "/").rpartition("/")[2]
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    while len(name.encode("utf-8", "replace")) > NAME_BYTES:
        name = name[:-1]
    return name


@dataclass(frozen=True, slots=True)
class Film:
    """What ffprobe says of a file. Sizes as it is shown, turned where the file says so."""

    duration_seconds: float | None
    width: int | None
    height: int | None
    video_codec: str
    audio_codec: str


def film(said: Mapping[str, Any]) -> Film:
    """From ffprobe's JSON. ValueError: nothing in it can be played here."""
    tracks = [track for track in said.get("streams", ()) if isinstance(track, Mapping)]
    if len(tracks) > MOST_TRACKS:
        raise ValueError(f"It has {len(tracks)} tracks; at most {MOST_TRACKS} are taken.")
    pictures = [track for track in tracks if track.get("codec_type") == "video" and not _is_cover(track)]
    sounds = [track for track in tracks if track.get("codec_type") == "audio"]
    if not pictures and not sounds:
        raise ValueError("There is neither a picture nor sound in it.")
    picture: Mapping[str, Any] = pictures[0] if pictures else {}
    width, height = _size(picture)
    if (
        (width or 0) > MOST_WIDTH
        or (height or 0) > MOST_WIDTH
        or (width or 0) * (height or 0) > MOST_WIDTH * MOST_HEIGHT
    ):
        raise ValueError(f"Its picture has {width}×{height}; at most {MOST_WIDTH}×{MOST_HEIGHT} is taken.")
    seconds = _seconds(said.get("format", {}).get("duration"))
    if seconds is not None and seconds > LONGEST_SECONDS:
        raise ValueError(f"It lasts {seconds / 3600:.0f} hours; at most {LONGEST_SECONDS // 3600} are taken.")
    return Film(
        duration_seconds=seconds,
        width=width,
        height=height,
        video_codec=_codec(picture),
        audio_codec=_codec(sounds[0]) if sounds else "",
    )


def picture(said: Mapping[str, Any], *, size_bytes: int) -> Film:
    """The same of one picture. ValueError: it is too large to be drawn, or none can be seen."""
    if size_bytes > MOST_PICTURE_BYTES:
        raise ValueError(f"A picture has at most {MOST_PICTURE_BYTES:,} bytes; this one has {size_bytes:,}.")
    tracks = [track for track in said.get("streams", ()) if isinstance(track, Mapping)]
    width, height = _size(tracks[0]) if tracks else (None, None)
    if width is None or height is None:
        raise ValueError("No picture can be seen in it.")
    if width * height > MOST_PIXELS:
        raise ValueError(f"A picture has at most {MOST_PIXELS:,} pixels; this one has {width}×{height}.")
    return Film(duration_seconds=None, width=width, height=height, video_codec=_codec(tracks[0]), audio_codec="")


def _is_cover(track: Mapping[str, Any]) -> bool:
    return bool(track.get("disposition", {}).get("attached_pic"))


def _size(track: Mapping[str, Any]) -> tuple[int | None, int | None]:
    width, height = track.get("width"), track.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or width <= 0 or height <= 0:
        return None, None
    turned = [side.get("rotation") for side in track.get("side_data_list", ()) if isinstance(side, Mapping)]
    if any(isinstance(angle, int) and angle % 180 == 90 for angle in turned):
        return height, width
    return width, height


def _seconds(said: object) -> float | None:
    try:
        seconds = float(said)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return round(seconds, 3) if 0 < seconds < 1e9 else None


def _codec(track: Mapping[str, Any]) -> str:
    return str(track.get("codec_name") or "")[:32]
