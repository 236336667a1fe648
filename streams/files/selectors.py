"""Uploaded films: which there are, and where one lies for ffmpeg."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Q, QuerySet, Sum

from liveroom.accounts.models import App
from liveroom.kernel.errors import Conflict, NotFound
from liveroom.rooms.models import Room
from streams.files import places
from streams.files.models import MediaFile
from streams.numbered import numbered
from streams.storage import storage

THUMBNAIL_LIFETIME = timedelta(hours=6)


class FileUnknown(NotFound):
    name = "file_unknown"


class FileNotReady(Conflict):
    """It is uploaded still, or looked at, or was refused: nothing can play it."""

    name = "file_not_ready"


def file_of(*, app_id: int | None, number: str) -> MediaFile:
    """`app_id` None: of any app (staff). Another app's is unknown (P1)."""
    found = numbered(MediaFile.objects.select_related("room__app"), app_id=app_id, number=number)
    if found is None:
        raise FileUnknown(f"There is no file {number[:24]!r}.")
    return found


def files_of(*, app: App, room: Room | None, owner_id: int | None) -> QuerySet[MediaFile]:
    """Of a room, of all rooms of an owner, or of the app."""
    rows = MediaFile.objects.filter(app=app).select_related("room")
    if room is not None:
        return rows.filter(room=room)
    return rows if owner_id is None else rows.filter(room__owner_id=owner_id)


def path_of(file: MediaFile) -> Path:
    """Where a film lies on this host, to be read with `streams.egress.uploads.before_input`. FileNotReady, FileUnknown."""
    if file.state != MediaFile.State.READY:
        raise FileNotReady(f"The file {file.number} is {file.state}; it can be played once it is ready.")
    path = places.film_of(file.number)
    if not path.is_file():
        raise FileUnknown(f"The file {file.number} is no longer on this host's disk.")
    return path


def offset_of(file: MediaFile) -> int:
    """How many bytes there are: where an upload goes on."""
    if file.state != MediaFile.State.UPLOADING:
        return file.received_bytes
    return min(file.size_bytes, places.size_of(file.number))


def thumbnail_of(file: MediaFile, *, now: datetime, http: str) -> str | None:
    """An address that is good for some hours."""
    if not file.thumbnail:
        return None
    return storage().address(key=file.thumbnail, until=now + THUMBNAIL_LIFETIME, http=http)


def taken_bytes(where: Q) -> int:
    """What uploads take, or will take when they are complete."""
    rows = MediaFile.objects.filter(where).exclude(state=MediaFile.State.REFUSED)
    return rows.aggregate(taken=Sum("size_bytes"))["taken"] or 0


def promised_bytes() -> int:
    """What uploads under way will still write to this disk, as far as the rows know."""
    rows = MediaFile.objects.filter(state=MediaFile.State.UPLOADING)
    found = rows.aggregate(sizes=Sum("size_bytes"), received=Sum("received_bytes"))
    return (found["sizes"] or 0) - (found["received"] or 0)
