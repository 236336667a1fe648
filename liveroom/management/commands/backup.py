"""One archive of everything that must survive: database, secret, uploads. Unpacked into an empty folder it is a copy's data.

The copy may run meanwhile: SQLite copies its pages in one step, the state of one moment, and writers do not wait. Redis is
not in it: what it holds is counted again."""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from liveroom.kernel import clock

ARCHIVES = (".tar.gz", ".tgz")
DATABASE, SECRET, MARK = "db.sqlite3", "secret_key", ".liveroom"
FOR_POSTGRESQL = (
    "This copy keeps its tables in PostgreSQL, which has a tool of its own: pg_dump --format=custom. "
    "Save {data}/media and the secret key beside it; deploy/README.md shows the commands."
)


class Command(BaseCommand):
    help = "Write one archive of database, secret and uploads (SQLite; the copy may run)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "to",
            type=Path,
            help="A folder (made where there is none), which gets liveroom-<UTC time>.tar.gz; or a new file that ends in .tar.gz or .tgz.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data: Path = settings.LIVEROOM.data
        if connection.vendor != "sqlite":
            raise CommandError(FOR_POSTGRESQL.format(data=data), returncode=2)
        database = data / DATABASE
        if not database.is_file():
            raise CommandError(f"There is no {database}; LIVEROOM_DATA names the folder of the copy to save.")
        to: Path = options["to"].absolute()
        named = to.name.endswith(ARCHIVES) and not to.is_dir()
        if not named:
            to = to / f"liveroom-{clock.now():%Y%m%dT%H%M%SZ}.tar.gz"
        try:
            # Closed to others: what is kept there opens everything.
            to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = _write(to, data=data, database=database)
        except FileExistsError:
            taken = to if named else to.parent
            raise CommandError(f"{taken} is there already; name another {'file' if named else 'folder'}.") from None
        except (OSError, sqlite3.Error) as error:
            raise CommandError(f"No archive was written: {error}") from None
        self.stdout.write(f"{to} ({size:,} bytes)")
        if not _keeps_secret(data):
            self.stdout.write("LIVEROOM_SECRET_KEY is not in it; keep it where it is kept now.")


def _keeps_secret(data: Path) -> bool:
    """Whether the secret in use is the one in the folder; else it came from the environment."""
    try:
        return (data / SECRET).read_text().strip() == settings.LIVEROOM.secret_key
    except OSError:
        return False


def _write(to: Path, *, data: Path, database: Path) -> int:
    """The whole archive or none: it gets its name when it is complete. Its size in bytes."""
    if to.exists():
        raise FileExistsError
    # A name that nobody else has, closed to others (0600), on the same disk.
    handle, unfinished = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
                _fill(archive, data=data, database=database, scratch=to.parent)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.rename(unfinished, to)
    except BaseException:
        os.unlink(unfinished)
        raise
    return size


def _fill(archive: tarfile.TarFile, *, data: Path, database: Path, scratch: Path) -> None:
    """The database before the uploads: what its rows name has been written by then."""
    archive.addfile(_entry(MARK), io.BytesIO())
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".liveroom-backup-") as folder:
        copy = Path(folder) / DATABASE
        _copy_database(database, copy)
        _add(archive, copy, name=DATABASE)
    if _keeps_secret(data):
        _add(archive, data / SECRET, name=SECRET)
    for path in _uploads(data / "media"):
        _add(archive, path, name=str(path.relative_to(data)))


def _copy_database(source: Path, target: Path) -> None:
    """All pages in one step, checked. Raises sqlite3.Error."""
    with closing(sqlite3.connect(source, timeout=20)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing, pages=-1)
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        (told,) = writing.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            raise sqlite3.DatabaseError(f"the copy of the database is damaged: {told}")


def _uploads(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _add(archive: tarfile.TarFile, path: Path, *, name: str) -> None:
    """A file as long as it was when it was opened; one that was removed meanwhile is left out."""
    try:
        with path.open("rb") as file:
            entry = _entry(name)
            entry.size = os.fstat(file.fileno()).st_size
            entry.mtime = int(os.fstat(file.fileno()).st_mtime)
            archive.addfile(entry, file)
    except FileNotFoundError:
        if name in (DATABASE, SECRET):
            raise


def _entry(name: str) -> tarfile.TarInfo:
    """Readable by its owner only; the owner is whoever unpacks it."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o600
    return entry
