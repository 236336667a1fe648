"""What a storage promises, whichever it is.

A key is `folder/…/name.ext`, made by us from numbers and words of ours (`rules.checked_key`), never from what somebody typed. What
is kept is whole or not there: nobody ever sees half a file. Keeping twice is keeping once. **An address opens the whole folder of its
key** (a playlist's segments lie beside it): what may be shown apart lies in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from liveroom.kernel.errors import NotFound, TryLater
from streams.storage import rules

# How much of the work is done, 0 to 1. What it raises ends the work and leaves nothing behind: a task's claim may be lost.
Told = Callable[[float], None]


class FileUnknown(NotFound):
    """Nothing is kept under that key."""

    name = "file_unknown"


class StorageAway(TryLater):
    """The storage does not answer, refuses us, or is full. Its words are kept, its secrets are not."""

    name = "storage_away"


class Storage(Protocol):
    """All of one shape; `tests/media/test_storage.py` runs against each."""

    name: str

    def keep(self, *, path: Path, key: str, content_type: str = "", told: Told | None = None) -> int:
        """Its size in bytes. The file at `path` must be whole and stays where it is: the caller removes it once its own row
        says where it is kept, so that a kill in between loses nothing. What was under the key before is replaced."""

    def keep_folder(self, *, path: Path, folder: str, told: Told | None = None) -> int:
        """All files in `path`, without folders in it, under `folder/name`; playlists last. Their size together."""

    def address(self, *, key: str, until: datetime, download_as: str = "", http: str = "") -> str:
        """A signed address, good for everybody who has it. `download_as`: a name to save it under, whatever it holds; without, it is
        shown in place. `http`: the origin under which the caller sees us, where we serve it."""

    def remove(self, *, key: str) -> None:
        """Nothing there is no error."""

    def remove_folder(self, *, folder: str) -> None:
        """Everything below `folder/`."""

    def size(self, *, key: str) -> int | None:
        """In bytes; None: nothing is kept there."""

    def names(self, *, folder: str) -> Sequence[str]:
        """Keys of the files directly in it, in order."""

    def read(self, *, key: str, at_most: int) -> bytes:
        """The first bytes: of playlists and other small files. FileUnknown."""

    def at_hand(self, *, key: str, told: Told | None = None) -> AbstractContextManager[Path]:
        """The file on this host's disk, to read only, while the block lasts. FileUnknown."""

    def folder_at_hand(self, *, folder: str, told: Told | None = None) -> AbstractContextManager[Path]:
        """The same for a folder: of a playlist with its segments."""

    def free_bytes(self) -> int | None:
        """What still fits; None: no limit is known."""


def tell(told: Told | None, done: int, of: int) -> None:
    if told is not None:
        told(1.0 if of <= 0 else min(1.0, done / of))


def keep_each(storage: Storage, *, path: Path, folder: str, told: Told | None) -> int:
    """What `keep_folder` is to every storage: its files one after the other, playlists last. Bytes kept."""
    rules.checked_folder(folder)
    files = _folder_files(path)
    total, done = sum(file.stat().st_size for file in files), 0
    for file in files:
        done += storage.keep(path=file, key=f"{folder}/{file.name}")
        tell(told, done, total)
    return done


def _folder_files(path: Path) -> list[Path]:
    """What `keep_folder` takes, playlists last. ValueError: a name that cannot be part of a key, or what is no plain file."""
    files = sorted(path.iterdir(), key=lambda file: (rules.is_playlist(file.name), file.name))
    for file in files:
        if not rules.is_file_name(file.name) or file.is_symlink() or not file.is_file():
            raise ValueError(f"{file.name[:80]!r} cannot be kept: plain files named [a-z0-9_-.] only.")
    return files
