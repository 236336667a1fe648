"""A room that becomes `played_back` publishes its last show."""

from __future__ import annotations

from interactions.models import PublishedShow
from liveroom.kernel.facts import handles
from liveroom.rooms.facts import StatusChanged
from liveroom.rooms.models import LiveSession
from liveroom.rooms.rules.status import Status


@handles(StatusChanged)
def publish_show(fact: StatusChanged) -> None:
    """In the transaction of the change: whoever hears of it finds the recording."""
    if fact.after != Status.PLAYED_BACK or fact.sequence is None:
        return
    session = LiveSession.objects.filter(sequence=fact.sequence).first()
    if session is not None:
        PublishedShow.objects.get_or_create(session=session, defaults={"at": fact.at})
