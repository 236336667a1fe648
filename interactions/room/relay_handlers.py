"""What becomes of a room's relays, published to its owner and its admins."""

from __future__ import annotations

from interactions.delivery import ms
from interactions.room.events import RelayMoved
from interactions.room.services import publish_to_moderators
from liveroom.kernel.facts import handles
from liveroom.rooms.models import Room
from streams.relays.facts import RelayChanged


@handles(RelayChanged)
def relay_changed(fact: RelayChanged) -> None:
    """Every change: a relay that is tried again and again changes seldom, because the pauses grow."""
    room = Room.objects.select_related("app", "owner").get(pk=fact.room_id)
    event = RelayMoved(
        t=ms(fact.at), room=fact.room, id=fact.relay, kind=fact.kind, label=fact.label, address=fact.address,
        stream=fact.stream, state=fact.state, reason=fact.reason,
    )  # fmt: skip
    publish_to_moderators(event, room=room, at=fact.at)
