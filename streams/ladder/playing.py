"""What viewers can get of a ladder: written onto its stream, where addresses are made, and told to the floors above."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from liveroom.kernel import facts
from streams.ladder.facts import LadderChanged, LadderShed
from streams.ladder.models import Ladder
from streams.ladder.spec import LadderSpec
from streams.models.streams import Stream


@transaction.atomic
def plays(*, stream_id: int, rungs: Sequence[str], now: datetime) -> None:
    """These rungs can be had; none: the ladder is gone. Told when it changes."""
    stream = Stream.objects.select_for_update().filter(pk=stream_id).first()
    written = ",".join(rungs)
    if stream is None or stream.ladder == written:
        return
    was = stream.ladder
    Stream.objects.filter(pk=stream_id).update(ladder=written)
    if not (was and written):
        Ladder.objects.filter(pk=stream_id).update(playing_since=now if written else None)
    room = stream.room
    facts.state(
        LadderChanged(
            stream=stream.name, room_id=room.pk, room_key=room.key, at=now, on_programme=stream.on_programme,
            rungs=tuple(rungs), unplayable=stream.unplayable,
        )
    )  # fmt: skip


@transaction.atomic
def shed(*, stream_id: int, spec: LadderSpec, behind: bool, now: datetime) -> None:
    """Rungs were left out; said once for each of them in a publish."""
    row = Ladder.objects.select_for_update().select_related("stream__room").filter(pk=stream_id).first()
    new = [] if row is None else [name for name in spec.shed if name not in row.shed]
    if row is None or not new:
        return
    Ladder.objects.filter(pk=stream_id).update(shed=[*row.shed, *new])
    room = row.stream.room
    facts.state(
        LadderShed(
            stream=row.stream.name, room_id=room.pk, room_key=room.key, at=now,
            rungs=tuple(new), left=spec.names, behind=behind,
        )
    )  # fmt: skip
