"""One comment, from what a client sent to where every viewer sees it. Read from top to bottom; the database is not touched."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from msgspec import UNSET, UnsetType

from interactions.chat.events import Comment, Custom, Element
from interactions.chat.inputs import SayComment, SayCustom
from interactions.chat.services import contents
from interactions.chat.services.contents import or_unset
from interactions.delivery.events import encoded
from interactions.delivery.rooms import Message, Outcome, message_id, submit_and_wait
from interactions.room_refs import KnownRoom
from interactions.shown import ShownSpeaker
from interactions.speaker import Speaker
from liveroom.kernel import permission
from liveroom.kernel.values import ids
from moderation.rules.verdict import Standing


def prepared(
    *, room: KnownRoom, speaker: Speaker, said: SayComment | SayCustom, now_ms: int, standing: Standing | None
) -> Message:
    """A message that is allowed, checked and encoded: the bytes that every viewer gets. `standing`: what a socket remembers of the
    speaker; None asks the database. Raises what `permission.ask` refuses and what `contents` does not accept."""
    permission.ask("comment.send", actor=speaker.actor, room=room, role=speaker.role, standing=standing, now_ms=now_ms)
    contents.check_beside(cid=said.cid, mention=said.mention, cloud_custom_data=said.cloud_custom_data)
    contents.check_place(color=said.color, reply_to=said.reply_to)
    priority = contents.priority_of(said.priority, actor=speaker.actor, role=speaker.role)
    event_id, sender = ids.event_id(), speaker.profile.id
    shown, word, limit = speaker.shown(), priority.word, room.message_bytes
    event: Comment | Custom
    if isinstance(said, SayComment):
        event = _comment(said, t=now_ms, id=event_id, priority=word, sender=shown, limit_bytes=limit)
    else:
        event = _custom(said, t=now_ms, id=event_id, priority=word, sender=shown, limit_bytes=limit)
    return Message(
        id=event_id if said.cid is None else message_id(sender=sender, cid=said.cid),
        event=encoded(event),
        sender=sender,
        priority=priority,
        in_history=not said.online_only,
        brief=said.cid is None,
    )


def _comment(said: SayComment, *, t: int, id: str, priority: str, sender: ShownSpeaker, limit_bytes: int) -> Comment:
    elements: list[Element] | UnsetType = UNSET
    if said.elements is None:
        words = contents.check_text(said.text, limit_bytes=limit_bytes)
    else:
        elements = contents.check_elements(said.elements, limit_bytes=limit_bytes)
        words = contents.words_of(elements)
    return Comment(
        t=t, id=id, priority=priority, sender=sender, text=words, elements=elements,
        position=contents.position_of(said.position), cid=or_unset(said.cid), color=or_unset(said.color),
        mention=or_unset(said.mention), reply_to=or_unset(said.reply_to), cloud_custom_data=or_unset(said.cloud_custom_data),
    )  # fmt: skip


def _custom(said: SayCustom, *, t: int, id: str, priority: str, sender: ShownSpeaker, limit_bytes: int) -> Custom:
    contents.check_data(data=said.data, desc=said.desc, ext=said.ext, limit_bytes=limit_bytes)
    return Custom(
        t=t, id=id, priority=priority, sender=sender, data=said.data, desc=or_unset(said.desc), ext=or_unset(said.ext),
        cid=or_unset(said.cid), color=or_unset(said.color), mention=or_unset(said.mention), reply_to=or_unset(said.reply_to),
        cloud_custom_data=or_unset(said.cloud_custom_data),
    )  # fmt: skip


def receipt(message: Message, outcome: Outcome) -> dict[str, Any]:
    """The sender's answer. What is sampled comes back with it: the sender sees its own message in any case (C3)."""
    if outcome.result == "delivered":
        return {"result": "delivered", "seq": outcome.seq}
    return {"result": outcome.result, "reason": outcome.reason, "event": orjson.Fragment(message.event)}


def send_now(*, room: KnownRoom, speaker: Speaker, said: SayComment | SayCustom, now_ms: int) -> dict[str, Any]:
    """Say it from a thread, for REST, and wait for what becomes of it: half a second at most. Unanswered, RedisError."""
    message = prepared(room=room, speaker=speaker, said=said, now_ms=now_ms, standing=None)
    answer = receipt(message, submit_and_wait(room=room, message=message, tick_ms=settings.LIVEROOM.tick_ms))
    if "event" in answer:
        answer["event"] = orjson.loads(message.event)
    return answer
