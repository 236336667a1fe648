"""Films are announced, written piece by piece, looked at once they are whole (`finite_work.py`), and removed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from liveroom.kernel import clock, permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, Conflict, LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked
from streams.files import places, rules, selectors, uses
from streams.files.models import MediaFile
from streams.jobs.finite import want_task
from streams.storage import storage

CHECK = "file_check"
# An upload that nobody goes on with is forgotten after so long.
UNFINISHED = timedelta(days=1)
MOST_UNFINISHED = 20


class FileTooLarge(LiveRoomError):
    """More than LIVEROOM_UPLOAD_MAX_BYTES, or more than was announced. 413."""

    code, name, status = 80002, "file_too_large", 413


class NoPlaceLeft(LiveRoomError):
    """The room or the app has as much as it may have: something must be removed first. 413."""

    code, name, status = 80002, "upload_quota", 413


class OffsetConflict(Conflict):
    """The piece does not begin where the upload ends. 409, with `upload_offset`."""

    name = "upload_offset_conflict"


class UploadInterrupted(LiveRoomError):
    """The piece broke off; what came is kept. Seldom heard: whoever sent it is gone."""

    code, name, status = 10004, "upload_interrupted", 400


class FileInUse(Conflict):
    name = "file_in_use"


@transaction.atomic
def announce_file(*, room: Room, name: str, size_bytes: int, by: Actor, now: datetime, address: str = "") -> MediaFile:
    """An empty upload. FileTooLarge, NoPlaceLeft, DiskFull: said before a byte is sent."""
    permission.ask("media.manage", actor=by, room=room)
    room = locked(room.pk)
    _check_size(size_bytes)
    _check_quota(room, size_bytes)
    free = places.free_bytes() - selectors.promised_bytes()
    if size_bytes > free:
        raise places.DiskFull(
            f"The disk of this server has {max(0, free):,} bytes left for uploads; this file has {size_bytes:,}.",
            retry_after_ms=600_000,
        )
    file = MediaFile.objects.create(
        app_id=room.app_id, room=room, name=rules.one_line(name) or "film", size_bytes=size_bytes,
        by=f"{by.kind}:{by}"[:120], created_at=now, expires_at=now + UNFINISHED,
    )  # fmt: skip
    audit.record(
        action="file.announce", actor=by, now=now, room_key=room.key, target=file.number, address=address,
        detail={"size_bytes": size_bytes},
    )  # fmt: skip
    return file


def _check_size(size_bytes: int) -> None:
    limit = settings.LIVEROOM.upload_max_bytes
    if size_bytes < 1:
        raise BadParameter("An empty file is no film.", field="size_bytes", limit=1, given=size_bytes)
    if size_bytes > limit:
        raise FileTooLarge(
            f"A file may have at most {limit:,} bytes; this one has {size_bytes:,}.",
            field="size_bytes", limit=limit, given=size_bytes,
        )  # fmt: skip


def _check_quota(room: Room, size_bytes: int) -> None:
    open_ = MediaFile.objects.filter(room=room, state=MediaFile.State.UPLOADING).count()
    if open_ >= MOST_UNFINISHED:
        raise NoPlaceLeft(
            f"{open_} uploads of this room are unfinished; go on with them or remove them.", limit=MOST_UNFINISHED
        )
    for whose, where, limit in (
        ("room", Q(room=room), settings.LIVEROOM.upload_room_bytes),
        ("app", Q(app_id=room.app_id), settings.LIVEROOM.upload_app_bytes),
    ):
        taken = selectors.taken_bytes(where)
        if taken + size_bytes > limit:
            raise NoPlaceLeft(
                f"The files of the {whose} may have {limit:,} bytes together; they have {taken:,}, and this one "
                f"would add {size_bytes:,}. Remove some first.",
                limit=limit, given=taken + size_bytes,
            )  # fmt: skip


def receive_piece(
    *,
    file: MediaFile,
    offset: int,
    length: int,
    read: Callable[[int], bytes],
    checksum: rules.Checksum | None,
    by: Actor,
    started: Callable[[], None] = lambda: None,
) -> int:
    """The new offset. `read(n)`: the piece, as it arrives; `started`: called when nothing speaks against it any more.

    The clock is read here: it may take an hour. OffsetConflict, UploadLocked, FileTooLarge, ChecksumMismatch, DiskFull,
    UploadInterrupted."""
    permission.ask("media.manage", actor=by, room=file.room)
    if file.state != MediaFile.State.UPLOADING:
        return _after_the_end(file, offset=offset, length=length)
    with places.locked(file.number) as part:
        # Whoever had the lock before may have come to the end, or removed it.
        file = selectors.file_of(app_id=file.app_id, number=file.number)
        if file.state != MediaFile.State.UPLOADING:
            return _after_the_end(file, offset=offset, length=length)
        had = part.size
        if offset != had:
            raise _conflict(had)
        if offset + length > file.size_bytes:
            raise FileTooLarge(
                f"{file.size_bytes:,} bytes were announced; this piece would end at {offset + length:,}.",
                limit=file.size_bytes, given=offset + length,
            )  # fmt: skip
        started()
        _leave_the_database()
        try:
            written = part.append(read, length=length, checksum=checksum)
        finally:
            part.sync()
            now, have = clock.now(), part.size
            _note(file, received=have, now=now)
        if have == file.size_bytes:
            complete_upload(file=file, now=now)
        if not written.whole:
            raise UploadInterrupted("The piece broke off; ask for the offset and go on from there.")
        return have


def _after_the_end(file: MediaFile, *, offset: int, length: int) -> int:
    """Its last answer was lost perhaps: nothing more, at its end, is no error."""
    if offset == file.size_bytes and length == 0:
        return offset
    raise _conflict(file.received_bytes)


def _conflict(offset: int) -> OffsetConflict:
    return OffsetConflict(f"The upload has {offset:,} bytes: go on from there.", upload_offset=offset)


def _leave_the_database() -> None:
    """A connection is not kept for as long as somebody's network takes."""
    if not connection.in_atomic_block:
        connection.close()


def _note(file: MediaFile, *, received: int, now: datetime) -> None:
    MediaFile.objects.filter(pk=file.pk, state=MediaFile.State.UPLOADING).update(
        received_bytes=received, expires_at=now + UNFINISHED
    )


def complete_upload(*, file: MediaFile, now: datetime) -> None:
    """All bytes are there: it is looked at. Once, whoever notices."""
    with transaction.atomic():
        mine = MediaFile.objects.filter(pk=file.pk, state=MediaFile.State.UPLOADING).update(
            state=MediaFile.State.CHECKING, received_bytes=file.size_bytes, expires_at=None
        )
        if mine:
            want_task(kind=CHECK, reference=f"file:{file.number}", app=file.app, now=now)


def remove_file(*, file: MediaFile, by: Actor, now: datetime, address: str = "") -> None:
    """Row, bytes and thumbnail. FileInUse: something plays it."""
    permission.ask("media.manage", actor=by, room=file.room)
    with transaction.atomic():
        row = MediaFile.objects.select_for_update().filter(pk=file.pk).first()
        if row is None:
            return
        use = uses.use_of(row)
        if use:
            raise FileInUse(f"{use} Stop it or take the file out of it first.")
        audit.record(
            action="file.remove", actor=by, now=now, room_key=file.room.key, target=file.number, address=address
        )
        forget_file(row)


def forget_file(row: MediaFile) -> None:
    """In a transaction; the bytes go after it."""
    number, thumbnail = row.number, row.thumbnail
    row.delete()

    def bytes_too() -> None:
        places.forget(number)
        if thumbnail:
            storage().remove(key=thumbnail)

    transaction.on_commit(bytes_too)
