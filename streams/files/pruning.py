"""What nobody goes on with is forgotten: unfinished uploads, refused files after a week, folders without a row."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from liveroom.kernel.work.due import MORE
from streams.files import places
from streams.files.models import MediaFile
from streams.files.services import complete_upload, forget_file

REFUSED_FOR = timedelta(days=7)
_ORPHAN_SECONDS = 86_400
_AT_ONCE = 50


def prune_files(*, now: datetime) -> object:
    """A due job. An upload that is whole and was not noticed (its process was killed right then) is looked at instead."""
    over = MediaFile.objects.filter(state=MediaFile.State.UPLOADING, expires_at__lte=now).select_related("app")
    old = MediaFile.objects.filter(state=MediaFile.State.REFUSED, ended_at__lte=now - REFUSED_FOR)
    found = [*over[:_AT_ONCE], *old[:_AT_ONCE]]
    for file in found:
        if file.state == MediaFile.State.UPLOADING and places.size_of(file.number) >= file.size_bytes:
            complete_upload(file=file, now=now)
            continue
        with transaction.atomic():
            row = MediaFile.objects.select_for_update().filter(pk=file.pk, state=file.state).first()
            if row is not None and (row.expires_at is None or row.expires_at <= now):
                forget_file(row)
    _forget_orphans(now)
    return MORE if len(found) >= _AT_ONCE else None


def _forget_orphans(now: datetime) -> None:
    """Of rooms whose rows went all at once, or of an older backup of the database."""
    root = places.root()
    if not root.is_dir():
        return
    for folder in root.iterdir():
        if now.timestamp() - folder.stat().st_mtime < _ORPHAN_SECONDS:
            continue
        if not MediaFile.objects.filter(number=folder.name).exists():
            places.forget(folder.name)
