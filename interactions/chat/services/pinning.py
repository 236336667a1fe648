"""The one message that a room keeps in sight (D4): a comment, a question, or a moderator's own words. Whoever joins sees it first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from interactions.delivery.rooms import pipeline
from interactions.facts import PinChanged
from interactions.models import ArchivedMessage, Pin
from interactions.room_refs import ref
from liveroom.kernel import audit, facts, permission, text
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.kernel.permission import Actor
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked

TEXT_BYTES = 500
LAST_SEQ = 2**53 - 1
COMMENT, QUESTION, TEXT = "comment", "question", "text"


class CommentUnknown(NotFound):
    """10010: nothing of that number was said here, or nobody has it any more."""

    name = "comment_unknown"


def pin_message(
    *, room: Room, by: Actor, now: datetime, seq: object = None, words: object = None, address: str = ""
) -> dict[str, Any]:
    """Pin the delivered comment of that `seq`, or `words` of one's own, instead of what was pinned. BadParameter, CommentUnknown.

    The pin as it goes over the wire. A question is pinned by showing it: `polls/services/questions.py`."""
    permission.ask("room.pin", actor=by, room=room)
    if (seq is None) == (words is None):
        raise BadParameter("A pin is a comment's seq, a text or a question: one of them.", field="seq")
    if seq is None:
        said = {"kind": TEXT, "text": text.checked(words, field="text", limit_bytes=TEXT_BYTES, required=True)}
    else:
        said = _comment(room, seq, now=now)
    with transaction.atomic():
        room = locked(room.pk)
        permission.ask("room.pin", actor=by, room=room)
        return keep(room=room, said=said, by=by, now=now, address=address)


def _comment(room: Room, seq: object, *, now: datetime) -> dict[str, Any]:
    """What was said, and by whom. The archive is a second behind; what it lacks is in Redis."""
    if type(seq) is not int or not 1 <= seq <= LAST_SEQ:
        raise BadParameter("seq is the number of a comment, a whole number from 1.", field="seq")
    event = ArchivedMessage.objects.filter(room=room, seq=seq).order_by("-id").values_list("body", flat=True).first()
    if event is None:
        event = pipeline.event_now(room=ref(room), seq=seq, now_ms=int(now.timestamp() * 1000))
    if event is None:
        raise CommentUnknown(f"There is no comment with the seq {seq} in this room.")
    if event.get("type") != "comment":
        raise BadParameter(f"The event with the seq {seq} is no comment: only words can be pinned.", field="seq")
    if not str(event.get("text", "")).strip():
        raise BadParameter("This comment has no words to pin.", field="seq")
    return {"kind": COMMENT, "text": event["text"], "from": event["from"], "seq": seq}


@transaction.atomic
def unpin(*, room: Room, by: Actor, now: datetime, address: str = "") -> None:
    """Nothing pinned: nothing happens, nothing is told."""
    room = locked(room.pk)
    permission.ask("room.pin", actor=by, room=room)
    let_go(room=room, by=by, now=now, address=address)


def keep(*, room: Room, said: dict[str, Any], by: Actor, now: datetime, address: str = "") -> dict[str, Any]:
    """Pin `said` (kind, text, from?, seq?, question?) in the locked room."""
    body = {**said, "by": str(by), "at": int(now.timestamp() * 1000)}
    Pin.objects.update_or_create(room=room, defaults={"body": body, "by": str(by)[:120], "at": now})
    audit.record(
        action="room.pin", actor=by, now=now, room_key=room.key, target=str(said.get("seq") or said.get("question") or ""),
        address=address, detail={"kind": said["kind"], "text": said["text"][:300]},
    )  # fmt: skip
    facts.state(PinChanged(room_id=room.pk, room_key=room.key, at=now, pinned=body))
    return body


def let_go(*, room: Room, by: Actor, now: datetime, question: str | None = None, address: str = "") -> None:
    """Unpin in the locked room; with `question`, only if that is what is pinned."""
    pin = Pin.objects.filter(room=room).first()
    if pin is None or (question is not None and pin.body.get("question") != question):
        return
    pin.delete()
    audit.record(action="room.unpin", actor=by, now=now, room_key=room.key, target=room.group_id, address=address)
    facts.state(PinChanged(room_id=room.pk, room_key=room.key, at=now, pinned=None))
