"""What a recording is asked to be, and what is kept of it. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

FORMATS: Final = ("mp4", "hls", "flv", "aac", "mp3")
SOUND_ONLY: Final = ("aac", "mp3")
# What a browser plays from an address.
PLAYABLE: Final = ("mp4", "hls", "aac", "mp3")
FILE_NAMES: Final = {"mp4": "film.mp4", "hls": "film.m3u8", "flv": "film.flv", "aac": "sound.m4a", "mp3": "sound.mp3"}
AT_ONCE: Final = 10
SHORTEST_SPLIT_SECONDS, LONGEST_SPLIT_SECONDS = 60, 43_200
LONGEST_FLOW_SECONDS: Final = 1800
LONGEST_CLIP_SECONDS: Final = 600
SHORTEST_CLIP_SECONDS: Final = 1
MOST_CHAPTERS: Final = 200


class Wish(Struct, frozen=True):
    """As a template or a request says it. 0: never (split), until somebody deletes it (storage).

    `flow_continue_seconds`: a publisher who is back within so long goes on in the same recording. `playback`: the room becomes
    played back with it."""

    split_seconds: int = 0
    split_bytes: int = 0
    flow_continue_seconds: int = 30
    storage_seconds: int = 0
    playback: bool = True


def saved_as(*, room: str, started_at: datetime, number: int, files: int, format: str) -> str:
    """What a downloaded file is called; the storage cleans it."""
    ending = FILE_NAMES[format].rpartition(".")[2]
    which = f"-{number}" if files > 1 else ""
    return f"{room}-{started_at:%Y%m%d-%H%M%S}{which}.{ending}"


def too_much(kept: Iterable[tuple[int, int]], *, limit_bytes: int) -> list[int]:
    """Which are to go so that the rest fits: (name, size), oldest first. The youngest stays, however large."""
    found = list(kept)
    total, gone = sum(size for _, size in found), []
    for name, size in found[:-1]:
        if total <= limit_bytes:
            break
        gone.append(name)
        total -= size
    return gone
