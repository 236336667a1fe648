"""Where running recordings are written, and whether there is room for more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings

from liveroom.kernel.errors import TryLater

# A disk that is nearly full takes up again only with so much more than the least.
_SLACK = 1.25
# What a container takes at most beside pictures and sound: MPEG-TS (HLS) takes the most.
_CONTAINER, _MARGIN_BYTES = 1.08, 1_000_000


class DiskFull(TryLater):
    """The disk of recordings is nearly full: `free_bytes`, and `limit` (LIVEROOM_DISK_FREE_MIN_BYTES)."""

    name, status = "disk_full", 507


def folder_of(number: str) -> Path:
    """Of one running recording. `number` is ours: a letter and 15 more."""
    return Path(settings.LIVEROOM.data) / "recordings" / "running" / number


def written_files(number: str) -> list[tuple[int, Path]]:
    """(run, file) of what was written, in order."""
    return sorted((int(path.stem), path) for path in folder_of(number).glob("*.flv") if path.stem.isdigit())


def was_written(number: str) -> bool:
    """Whether there is anything that could become a file."""
    return any(path.stat().st_size > 0 for _, path in written_files(number))


def forget(number: str) -> None:
    shutil.rmtree(folder_of(number), ignore_errors=True)


def free_bytes(path: Path | None = None) -> int:
    place = path or Path(settings.LIVEROOM.data) / "recordings"
    while not place.exists() and place != place.parent:
        place = place.parent
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def full_text(free: int, *, starting: bool = False, written: int = 0) -> str:
    """Why nothing more is recorded, "" while there is room. `starting`: a little more is asked for than to go on. `written`: bytes that
    are still to be made into a file beside them."""
    least = settings.LIVEROOM.disk_free_min_bytes
    if not least:
        return ""
    least = round(least * (_SLACK if starting else 1.0) + (film_bytes(written) if written else 0))
    if free >= least:
        return ""
    return (
        f"The disk is nearly full: {_mb(free)} MB are free, recordings need {_mb(least)} MB. Delete some, or add space."
    )


def written_bytes(number: str) -> int:
    return sum(path.stat().st_size for _, path in written_files(number))


def film_bytes(written: int) -> int:
    """What the file made of so many bytes takes at most."""
    return round(written * _CONTAINER) + _MARGIN_BYTES


def fits_beside(written: int) -> bool:
    """Whether a file can be made of so many bytes while they are still there."""
    return free_bytes() >= film_bytes(written)


def check_room() -> None:
    """DiskFull."""
    free = free_bytes()
    if text := full_text(free, starting=True):
        raise DiskFull(text, free_bytes=free, limit=settings.LIVEROOM.disk_free_min_bytes)


def _mb(size: int) -> str:
    return f"{size / 1_000_000:,.0f}"
