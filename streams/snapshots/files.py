"""Pictures on disk before they are taken in: `$LIVEROOM_DATA/snapshots/<stream's number>/<job>-<run>-<marks>-000001.jpg`.

What a picture is for stands in its name, so that whoever takes it in needs no job that may be over. No name is what somebody typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from PIL import Image

# Larger than any picture that we ask ffmpeg for.
MOST_BYTES = 20 * 1024 * 1024
_NAME = re.compile(r"[0-9]{1,19}-[0-9]{1,19}-(?P<marks>[ktrn]{2})-[0-9]{6,12}\.jpg")


class BadPicture(ValueError):
    """No JPEG that was written to its end."""


@dataclass(frozen=True, slots=True)
class WaitingPicture:
    """`origin` names it for good; `kept`: a template wants it; `review`: and wants it judged."""

    path: Path
    origin: str
    kept: bool
    review: bool
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Measures:
    width: int
    height: int
    size_bytes: int


def _root() -> Path:
    return Path(settings.LIVEROOM.data) / "snapshots"


def folder_of(stream_id: int) -> Path:
    return _root() / str(stream_id)


def asked_path(number: str) -> Path:
    """Of a picture that somebody asked for."""
    folder = _root() / "asked"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{number}.jpg"


def marks(*, kept: bool, review: bool) -> str:
    return ("k" if kept else "t") + ("r" if review else "n")


def waiting(stream_id: int, *, at_most: int) -> Iterator[WaitingPicture]:
    """The oldest first. What bears no name of ours, or is unfinished, is passed over."""
    try:
        found = sorted((path.stat().st_mtime, path) for path in folder_of(stream_id).iterdir())
    except FileNotFoundError:
        return
    for mtime, path in found[:at_most]:
        name = _NAME.fullmatch(path.name)
        if name is not None:
            yield WaitingPicture(
                path=path,
                origin=path.stem,
                kept="k" in name["marks"],
                review="r" in name["marks"],
                taken_at=datetime.fromtimestamp(mtime, UTC),
            )


def measured(path: Path) -> Measures:
    """Decoded to its end: what is kept can be shown. BadPicture."""
    size = path.stat().st_size
    if not 0 < size <= MOST_BYTES:
        raise BadPicture(f"{size} bytes")
    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            picture.load()
            return Measures(width=picture.width, height=picture.height, size_bytes=size)
    except Exception as error:  # a decoder may fail in any way
        raise BadPicture(str(error)) from error


def left_lying() -> Iterator[Path]:
    """Every file that waits, of all streams, finished or not."""
    for path in _root().glob("*/*"):
        if path.is_file() and not path.is_symlink():
            yield path
