"""The room becomes *played back* when the programme of its last show can be played (R2)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from liveroom.rooms.models import LiveSession
from liveroom.rooms.services.status import played_back
from streams.jobs.models import State
from streams.recording.models import Recording
from streams.recording.rules import PLAYABLE, SOUND_ONLY
from streams.recording.services import UNDER_WAY


def offer_playback(*, room_id: int, now: datetime) -> None:
    """In the caller's transaction. Nothing happens while the room is not ended, or while its programme is still being recorded."""
    if not settings.LIVEROOM.playback:
        return
    session = LiveSession.objects.filter(room_id=room_id).order_by("-id").first()
    if session is not None and programme_of(session) is not None:
        played_back(room_id=room_id, session_id=session.pk, now=now)


def programme_of(session: LiveSession) -> Recording | None:
    """The recording that a show is played back with: of several the longest."""
    of_show = Recording.objects.filter(session=session, on_programme=True)
    if of_show.filter(state__in=(*UNDER_WAY, State.FINISHING), settings__playback=True).exists():
        return None
    playable = [name for name in PLAYABLE if name not in SOUND_ONLY]
    found = of_show.filter(state=State.DONE, settings__playback=True, format__in=playable)
    return found.order_by("-duration_seconds", "id").first()
