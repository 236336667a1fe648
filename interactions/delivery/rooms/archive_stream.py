"""The archive's stream in Redis: the rooms' script appends what was delivered and sampled, and whoever archives it reads it there.

Delivery asks the archive one thing: the highest number that it has of a room, above which a new epoch begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from channels.db import database_sync_to_async

from liveroom.kernel.data.redis import PREFIX

ARCHIVE: Final = f"{PREFIX}:archive"
# What the stream holds at most; the script drops the oldest.
STREAM_ENTRIES: Final = 200_000

# By room key, 0 if there is none.
LastNumbers = Callable[[Sequence[str]], Mapping[str, int]]


@dataclass(slots=True)
class _Archive:
    last_numbers: LastNumbers | None = None


_archive: Final = _Archive()


def install(found: LastNumbers) -> None:
    """Called once by the roof (`delivery.publishing.install`)."""
    _archive.last_numbers = found


def last_numbers(room_keys: Sequence[str]) -> Mapping[str, int]:
    """The highest `seq` of each room that was archived in any epoch."""
    if _archive.last_numbers is None:
        raise LookupError("Nobody has said what is archived: `install` was not called.")
    return _archive.last_numbers(room_keys)


async def alast_numbers(room_keys: Sequence[str]) -> Mapping[str, int]:
    """The same for an event loop; not on the one thread that serves all else of a socket process."""
    found: Mapping[str, int] = await database_sync_to_async(last_numbers, thread_sensitive=False)(room_keys)
    return found
