"""One comment, from what a client sent to where every viewer sees it. Read from top to bottom; the database is not touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings

from interactions.chat.events import Comment, Custom
from interactions.chat.services import contents
from interactions.delivery.events import encoded
from interactions.delivery.rooms import Message, Outcome, message_id, submit_and_wait
from interactions.room_refs import KnownRoom
from interactions.speaker import Speaker
from liveroom.kernel import ids, permission
from moderation.rules.verdict import Standing


def prepared(
    *,
    room: KnownRoom,
    speaker: Speaker,
    type: str,
    data: Mapping[str, Any],
    now_ms: int,
    standing: Standing | None,
) -> Message:
    """A message that is allowed, checked and encoded. `type`: comment or custom. `standing`: what a socket remembers of the
    speaker; None asks the database. Raises what `permission.ask` refuses and what `contents.checked` does not accept."""
    permission.ask("comment.send", actor=speaker.actor, room=room, role=speaker.role, standing=standing, now_ms=now_ms)
    content = contents.checked(
        type, data, actor=speaker.actor, role=speaker.role, limit_bytes=room.message_bytes
    )  # fmt: skip
    event_id = ids.event_id()
    cid: dict[str, Any] = {} if content.cid is None else {"cid": content.cid}
    kind = Comment if type == "comment" else Custom
    event = kind(
        t=now_ms, id=event_id, priority=content.priority.word, sender=speaker.shown_on_wire(), **cid, **content.body
    )  # fmt: skip
    sender = speaker.profile.id
    return Message(
        id=event_id if content.cid is None else message_id(sender=sender, cid=content.cid),
        event=encoded(event),
        sender=sender,
        priority=content.priority,
        in_history=not content.online_only,
        brief=content.cid is None,
    )


def receipt(message: Message, outcome: Outcome) -> dict[str, Any]:
    """The sender's answer. What is sampled comes back with it: the sender sees its own message in any case (C3)."""
    if outcome.result == "delivered":
        return {"result": "delivered", "seq": outcome.seq}
    return {"result": outcome.result, "reason": outcome.reason, "event": orjson.Fragment(message.event)}


def send_now(*, room: KnownRoom, speaker: Speaker, type: str, data: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Say it from a thread, for REST, and wait for what becomes of it: half a second at most. Unanswered, RedisError."""
    message = prepared(room=room, speaker=speaker, type=type, data=data, now_ms=now_ms, standing=None)
    answer = receipt(message, submit_and_wait(room=room, message=message, tick_ms=settings.LIVEROOM.tick_ms))
    if "event" in answer:
        answer["event"] = orjson.loads(message.event)
    return answer
