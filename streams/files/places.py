"""Where the bytes of uploads lie, who may write there, and how they get there.

An upload's file is written at its end only, by whoever holds its lock: the kernel's, which goes with the process that had it. A killed
process therefore leaves a shorter file, and nothing else."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from liveroom.kernel.errors import LiveRoomError, TryLater
from streams.files.rules import Checksum

_PIECE = 256 * 1024
# The disk is looked at again after so many bytes.
_LOOK_BYTES = 32 * 1024 * 1024
# Left of the disk above what recordings need to go on (LIVEROOM_DISK_FREE_MIN_BYTES): an upload never stops one.
SPARE_BYTES = 512 * 1024**2


class UploadLocked(LiveRoomError):
    """Another request writes to this upload. 423, as tus has it."""

    code, name, status = 10056, "upload_locked", 423


class ChecksumMismatch(LiveRoomError):
    """The piece is not what its sender summed up; it was thrown away. 460, as tus has it."""

    code, name, status = 10004, "checksum_mismatch", 460


class DiskFull(TryLater):
    """507: no more may be written here at the moment."""

    name, status = "disk_full", 507


def root() -> Path:
    return Path(settings.LIVEROOM.data) / "uploads"


def folder_of(number: str) -> Path:
    return root() / number


def film_of(number: str) -> Path:
    return folder_of(number) / "film"


def free_bytes() -> int:
    """What uploads may still take of the disk."""
    place = root()
    free = shutil.disk_usage(place if place.exists() else place.parent).free
    return free - SPARE_BYTES - int(settings.LIVEROOM.disk_free_min_bytes)


def size_of(number: str) -> int:
    try:
        return film_of(number).stat().st_size
    except FileNotFoundError:
        return 0


def forget(number: str) -> None:
    shutil.rmtree(folder_of(number), ignore_errors=True)


@dataclass(slots=True)
class Written:
    """`bytes_`: what is there more than before. `whole`: the sender went on to the end of its piece."""

    bytes_: int
    whole: bool


@dataclass(slots=True)
class Part:
    """An upload's file, ours alone while the lock is held."""

    handle: int
    folder: Path

    @property
    def size(self) -> int:
        return os.fstat(self.handle).st_size

    def append(self, read: Callable[[int], bytes], *, length: int, checksum: Checksum | None) -> Written:
        """`read(n)`: at most n bytes of the piece; b"" or an OSError where it breaks off: what came until then is kept."""
        if checksum is None:
            return self._copied(read, self.handle, length=length, summed=None)
        return self._append_checked(read, length=length, checksum=checksum)

    def _append_checked(self, read: Callable[[int], bytes], *, length: int, checksum: Checksum) -> Written:
        """Written aside until its sum is known: a part of it could never be checked."""
        aside = self.folder / "piece"
        summed = hashlib.new(checksum.algorithm, usedforsecurity=False)
        handle = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            written = self._copied(read, handle, length=length, summed=summed)
            if not written.whole:
                return Written(0, whole=False)
            if summed.digest() != checksum.digest:
                raise ChecksumMismatch(f"The {checksum.algorithm} of this piece is another one; send it again.")
            os.lseek(handle, 0, os.SEEK_SET)
            return self._copied(lambda size: os.read(handle, size), self.handle, length=length, summed=None)
        finally:
            os.close(handle)
            aside.unlink(missing_ok=True)

    def _copied(
        self, read: Callable[[int], bytes], target: int, *, length: int, summed: hashlib._Hash | None
    ) -> Written:
        done, look_at = 0, 0
        while done < length:
            if done >= look_at:
                if free_bytes() <= 0:
                    raise DiskFull("The disk of this server is full; go on later.", retry_after_ms=60_000)
                look_at += _LOOK_BYTES
            try:
                piece = read(min(_PIECE, length - done))
            except OSError:
                piece = b""
            if not piece:
                return Written(done, whole=False)
            if summed is not None:
                summed.update(piece)
            _write(target, piece)
            done += len(piece)
        return Written(done, whole=True)

    def sync(self) -> None:
        os.fsync(self.handle)


def _write(handle: int, piece: bytes) -> None:
    left = memoryview(piece)
    try:
        while left:
            left = left[os.write(handle, left) :]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("The disk of this server is full; go on later.", retry_after_ms=60_000) from None
        raise


@contextmanager
def locked(number: str) -> Iterator[Part]:
    """UploadLocked where another request has it, in whichever process."""
    folder = folder_of(number)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(film_of(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadLocked(
                "Another request sends this upload at the moment; ask for its offset and go on from there.",
                retry_after_ms=2000,
            ) from None
        yield Part(handle=handle, folder=folder)
    finally:
        os.close(handle)
