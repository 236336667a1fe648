"""What has come of a relay, written on its row and told to the floors above when it is new."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from liveroom.kernel import facts
from streams.relays.facts import RelayChanged
from streams.relays.models import Relay
from streams.relays.rules import PUSH


def relay_with(pk: int) -> Relay | None:
    """With all that a child or a fact needs; None: it was deleted."""
    return Relay.objects.select_related("stream", "own_source", "room__app").filter(pk=pk).first()


@transaction.atomic
def note_state(*, relay_id: int, state: str, now: datetime, reason: str = "") -> None:
    """Nothing happens if it is known."""
    changed = Relay.objects.filter(pk=relay_id).exclude(state=state, reason=reason[:300])
    if changed.update(state=state, reason=reason[:300], since=now):
        relay = relay_with(relay_id)
        if relay is not None:
            facts.state(changed_fact(relay, now=now))


def changed_fact(relay: Relay, *, now: datetime, state: str = "") -> RelayChanged:
    return RelayChanged(
        relay=relay.number, kind=relay.kind, label=relay.label,
        address=relay.shown_target if relay.kind == PUSH else relay.shown_source,
        room_id=relay.room_id, room_key=relay.room.key, room=relay.room.group_id, stream=relay.stream.name,
        state=state or relay.state, reason=relay.reason, at=now,
    )  # fmt: skip
