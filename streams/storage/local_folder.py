"""Kept files in a folder of this host, served by nginx at signed addresses (`/vault/`).

A file gets its second name there (a hard link), so keeping takes no time and no space; across file systems it is copied. Both are on
disk, with the folder's entry, before `keep` returns."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from streams.storage import rules
from streams.storage.base import FileUnknown, StorageAway, Told, keep_each, tell

_CHUNK = 4 * 1024 * 1024
# Not a key: no address leads to it.
_UNFINISHED = ".unfinished-"


class LocalFolder:
    """`root` is made when something is kept. `secret`: nginx's for `/vault/`; `http`: our origin, unless the caller knows a better one."""

    name = "local"

    def __init__(self, *, root: Path, secret: str, http: str) -> None:
        self._root, self._secret, self._http = root, secret, http

    def keep(self, *, path: Path, key: str, content_type: str = "", told: Told | None = None) -> int:
        target = self._path(key)
        try:
            self._make_folder(target.parent)
            size = self._put(path, target, told=told)
            _sync_folder(target.parent)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageAway(f"The media folder cannot be written to ({error.strerror}).") from error
        return size

    def keep_folder(self, *, path: Path, folder: str, told: Told | None = None) -> int:
        return keep_each(self, path=path, folder=folder, told=told)

    def address(self, *, key: str, until: datetime, download_as: str = "", http: str = "") -> str:
        path = rules.signed_path(key=key, expires=int(until.timestamp()), download_as=download_as, secret=self._secret)
        return (http or self._http) + path

    def remove(self, *, key: str) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        self._leave(path.parent)

    def remove_folder(self, *, folder: str) -> None:
        path = self._root / rules.checked_folder(folder)
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)
            self._leave(path.parent)

    def size(self, *, key: str) -> int | None:
        path = self._path(key)
        return path.stat().st_size if path.is_file() and not path.is_symlink() else None

    def names(self, *, folder: str) -> Sequence[str]:
        path = self._root / rules.checked_folder(folder)
        return [f"{folder}/{file.name}" for file in sorted(path.glob("*")) if file.is_file() and _is_kept(file)]

    def read(self, *, key: str, at_most: int) -> bytes:
        with self.at_hand(key=key) as path, path.open("rb") as file:
            return file.read(at_most)

    @contextmanager
    def at_hand(self, *, key: str, told: Told | None = None) -> Iterator[Path]:
        if self.size(key=key) is None:
            raise FileUnknown("This file is no longer kept.")
        yield self._path(key)

    @contextmanager
    def folder_at_hand(self, *, folder: str, told: Told | None = None) -> Iterator[Path]:
        path = self._root / rules.checked_folder(folder)
        if not path.is_dir():
            raise FileUnknown("This folder is no longer kept.")
        yield path

    def free_bytes(self) -> int | None:
        return shutil.disk_usage(next(folder for folder in (self._root, *self._root.parents) if folder.exists())).free

    def _path(self, key: str) -> Path:
        return self._root / rules.checked_key(key)

    def _make_folder(self, folder: Path) -> None:
        """A folder's own entry is in the one above it, which is put on disk too."""
        missing = [place for place in (folder, *folder.parents) if place != self._root.parent and not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for place in missing:
            _sync_folder(place.parent)

    def _put(self, path: Path, target: Path, *, told: Told | None) -> int:
        aside = target.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
        try:
            size = _link_or_copy(path, aside, told=told)
            # Of two names of one file rename() takes none away: it has been kept before.
            aside.rename(target)
        finally:
            aside.unlink(missing_ok=True)
        return size

    def _leave(self, folder: Path) -> None:
        """Empty folders go, up to the root."""
        while folder != self._root and folder.is_relative_to(self._root):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def _is_kept(file: Path) -> bool:
    return rules.is_file_name(file.name) and not file.is_symlink()


def _link_or_copy(path: Path, aside: Path, *, told: Told | None) -> int:
    try:
        os.link(path, aside, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        # Another file system, or one that knows no second names.
        return _copy(path, aside, told=told)
    with aside.open("rb") as file:
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
    tell(told, size, size)
    return size


def _copy(path: Path, aside: Path, *, told: Told | None) -> int:
    total, done = path.stat().st_size, 0
    with path.open("rb") as source, aside.open("xb") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            done += len(chunk)
            tell(told, done, total)
        target.flush()
        os.fsync(target.fileno())
    return done


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
