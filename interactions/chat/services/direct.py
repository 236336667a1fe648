"""A message from one user of an app to another, in no room (product.md C12): on all its sockets at once, kept for who comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interactions.chat.events import DirectMessage
from interactions.chat.services import contents
from interactions.delivery import Person as PersonTarget
from interactions.delivery import apublish, publish
from interactions.delivery.events import MOST_KEPT_SECONDS
from interactions.delivery.rooms import message_id
from interactions.shown import shown_person
from interactions.speaker import Speaker
from liveroom.accounts.models import Person
from liveroom.accounts.services.people import PersonUnknown
from liveroom.kernel import ids, permission, text
from liveroom.kernel.errors import BadParameter

LIMIT_BYTES = 8192
# What of a content belongs to a room only.
_OF_ROOMS = ("position", "reply_to", "color")


@dataclass(frozen=True, slots=True)
class Direct:
    """A message that is allowed, checked, and whose receiver exists. `kept_seconds`: None is two minutes."""

    to: PersonTarget
    event: DirectMessage
    event_id: str
    kept_seconds: int | None


def prepared(*, speaker: Speaker, data: Mapping[str, Any], now_ms: int) -> Direct:
    """`to`, and a `text`, `elements` or `data`; `life_time`? in seconds. Asks the database for the receiver.

    PersonUnknown, BadParameter, what `permission.ask` refuses."""
    permission.ask("direct.send", actor=speaker.actor, now_ms=now_ms)
    to = text.opaque(data.get("to"), field="to", limit_bytes=32, required=True)
    kept = checked_life_time(data.get("life_time"))
    kind = "custom" if data.get("data") is not None else "comment"
    said = {name: value for name, value in data.items() if name not in _OF_ROOMS}
    content = contents.checked(kind, said, actor=speaker.actor, role=speaker.role, limit_bytes=LIMIT_BYTES)
    actor = speaker.actor
    if not Person.objects.filter(app=actor.app_id, identifier=to).exists():
        raise PersonUnknown(f"There is no user {to!r} in this app; users exist after their first login.")
    sender = speaker.profile.id
    # The same `cid` is the same message, with the same id.
    event_id = ids.event_id() if content.cid is None else message_id(sender=f"{sender}\n{to}", cid=content.cid)
    cid: dict[str, Any] = {} if content.cid is None else {"cid": content.cid}
    body = {name: value for name, value in content.body.items() if name not in _OF_ROOMS}
    return Direct(
        to=PersonTarget(sdkappid=actor.sdkappid, identifier=to),
        event=DirectMessage(t=now_ms, id=event_id, sender=shown_person(speaker.profile), **cid, **body),
        event_id=event_id,
        kept_seconds=kept,
    )


def checked_life_time(value: Any) -> int | None:
    """For how many seconds it is kept; None: two minutes."""
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_KEPT_SECONDS
    ):
        raise BadParameter(
            f"life_time is a whole number of seconds from 1 to {MOST_KEPT_SECONDS}.",
            field="life_time",
            limit=MOST_KEPT_SECONDS,
        )
    return value


async def send(direct: Direct) -> dict[str, Any]:
    """Once, however often it is sent with the same `cid`. RedisError."""
    await apublish(direct.event, to=direct.to, event_id=direct.event_id, kept_seconds=direct.kept_seconds)
    return {"message_id": direct.event.id}


def send_now(direct: Direct) -> dict[str, Any]:
    """The same from a thread."""
    publish(direct.event, to=direct.to, event_id=direct.event_id, kept_seconds=direct.kept_seconds)
    return {"message_id": direct.event.id}
