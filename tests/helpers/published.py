"""What services have published durably: the outbox's rows of events, as tests ask for them."""

from __future__ import annotations

from typing import Any

from interactions.delivery.publishing import TOPIC
from liveroom.kernel.models import OutboxRow


def in_outbox(*families: str, waiting: bool | None = None) -> list[dict[str, Any]]:
    """Payloads (`family`, `to`, `event`) in their order; of these families (`room`, `user`, `control`) or of all. `waiting`: only those
    that nobody has handled yet, or only the others."""
    rows = OutboxRow.objects.filter(topic=TOPIC).order_by("id")
    if waiting is not None:
        rows = rows.filter(done_at__isnull=waiting)
    return [row.payload for row in rows if not families or row.payload["family"] in families]


def room_events(type: str | None = None, *, room: str | None = None) -> list[dict[str, Any]]:
    """What rooms are told, or the room of this key."""
    found = [said["event"] for said in in_outbox("room") if room is None or said["to"].get("room") == room]
    return [event for event in found if type is None or event["type"] == type]


def user_events(type: str | None = None, *, of: str | None = None) -> list[dict[str, Any]]:
    """What people are told, or the one with this user id."""
    return [event for who, event in told_people(type) if of is None or who == of]


def told_people(type: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    """User ids and events."""
    found = [(said["to"]["person"].partition(":")[2], said["event"]) for said in in_outbox("user")]
    return [(who, event) for who, event in found if type is None or event["type"] == type]


def to_everyone(*, waiting: bool | None = None) -> list[dict[str, Any]]:
    """What all rooms of an app are told."""
    return [said["event"] for said in in_outbox("room", waiting=waiting) if "everyone" in said["to"]]


def control_messages() -> list[tuple[str, dict[str, Any]]]:
    """Keys of rooms and people, and the messages to the processes that hold sockets."""
    return [(next(iter(said["to"].values())), said["event"]) for said in in_outbox("control")]
