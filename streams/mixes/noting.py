"""What has come of a mix, written on its row."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from streams.mixes.models import OVER, Mix
from streams.mixes.sending import forget_after_commit
from streams.services.programmes import give_back_programme


@transaction.atomic
def note_state(*, mix_id: int, state: str, now: datetime, reason: str = "") -> None:
    """Nothing happens if it is known, or if the mix is over already. One that is over gives the programme back."""
    changed = Mix.objects.filter(pk=mix_id).exclude(state__in=OVER).exclude(state=state, reason=reason[:300])
    if not changed.update(state=state, reason=reason[:300], since=now) or state not in OVER:
        return
    mix = Mix.objects.select_related("stream", "room__app").get(pk=mix_id)
    if mix.room.disbanded_at is None:
        give_back_programme(stream=mix.stream, now=now)
    forget_after_commit(mix)
