"""A message from one user of an app to another, in no room (product.md C12): on all its sockets at once, kept for who comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interactions.chat import rules
from interactions.chat.events import DirectMessage
from interactions.chat.inputs import SendDirect, life_time_of
from interactions.chat.services import contents
from interactions.chat.services.contents import or_unset
from interactions.delivery import Person as PersonTarget
from interactions.delivery import apublish, publish
from interactions.delivery.rooms import message_id
from interactions.shown import shown_person
from interactions.speaker import Speaker
from liveroom.accounts.models import Person
from liveroom.accounts.services.people import PersonUnknown
from liveroom.kernel import permission
from liveroom.kernel.values import ids, text


@dataclass(frozen=True, slots=True)
class Direct:
    """A message that is allowed, checked, and whose receiver exists. `kept_seconds`: None is two minutes."""

    to: PersonTarget
    event: DirectMessage
    kept_seconds: int | None


def prepared(*, speaker: Speaker, said: SendDirect, now_ms: int) -> Direct:
    """Asks the database for the receiver. PersonUnknown, BadParameter, what `permission.ask` refuses."""
    actor, sender = speaker.actor, speaker.profile.id
    permission.ask("direct.send", actor=actor, now_ms=now_ms)
    to = text.opaque(said.to, field="to", limit_bytes=rules.USER_ID_BYTES, required=True)
    kept = None if said.life_time is None else life_time_of(said.life_time)
    contents.check_beside(cid=said.cid, mention=said.mention, cloud_custom_data=said.cloud_custom_data)
    # The same `cid` is the same message, with the same id.
    event_id = ids.event_id() if said.cid is None else message_id(sender=f"{sender}\n{to}", cid=said.cid)
    content: dict[str, Any]
    if said.data is not None:
        contents.check_data(data=said.data, desc=said.desc, ext=said.ext, limit_bytes=rules.DIRECT_BYTES)
        content = {"data": said.data, "desc": or_unset(said.desc), "ext": or_unset(said.ext)}
    elif said.elements is not None:
        elements = contents.check_elements(said.elements, limit_bytes=rules.DIRECT_BYTES)
        content = {"elements": elements, "text": contents.words_of(elements)}
    else:
        content = {"text": contents.check_text(said.text, limit_bytes=rules.DIRECT_BYTES)}
    event = DirectMessage(
        t=now_ms, id=event_id, sender=shown_person(speaker.profile), cid=or_unset(said.cid), mention=or_unset(said.mention),
        cloud_custom_data=or_unset(said.cloud_custom_data), **content,
    )  # fmt: skip
    if not Person.objects.filter(app=actor.app_id, identifier=to).exists():
        raise PersonUnknown(f"There is no user {to!r} in this app; users exist after their first login.")
    return Direct(to=PersonTarget(sdkappid=actor.sdkappid, identifier=to), event=event, kept_seconds=kept)


async def send(direct: Direct) -> dict[str, Any]:
    """Once, however often it is sent with the same `cid`. RedisError."""
    await apublish(direct.event, to=direct.to, event_id=direct.event.id, kept_seconds=direct.kept_seconds)
    return {"message_id": direct.event.id}


def send_now(direct: Direct) -> dict[str, Any]:
    """The same from a thread."""
    publish(direct.event, to=direct.to, event_id=direct.event.id, kept_seconds=direct.kept_seconds)
    return {"message_id": direct.event.id}
