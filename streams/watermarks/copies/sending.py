"""What the compositor of a marked copy is told, as that of a mix is (`streams/mixes/sending.py`)."""

from __future__ import annotations

from django.db import transaction

from streams.mixes.sending import send_scene
from streams.watermarks.copies.scenes import scene_of
from streams.watermarks.models import MarkedCopy


def send_after_commit(copy: MarkedCopy) -> None:
    """Its newest scene, once the transaction is done."""
    transaction.on_commit(lambda: _send_newest(copy.pk), robust=True)


def _send_newest(pk: int) -> None:
    copy = MarkedCopy.objects.select_related("source__room", "mark").filter(pk=pk).first()
    if copy is not None and copy.targets and copy.width:
        send_scene(compositor=copy.number, room_key=copy.source.room.key, scene=scene_of(copy))
