"""The one message that a room keeps in sight (D4): a comment, a question, or a moderator's own words. Whoever joins sees it first.

Promise: at most one per room; the room hears of every change, in the transaction that makes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from interactions.chat.events import Pinned, PinnedChanged, PinnedSender
from interactions.delivery import Room as RoomTarget
from interactions.delivery import ms, publish_durably
from interactions.delivery.events import as_row
from interactions.delivery.rooms import event_now
from interactions.models import ArchivedMessage, Pin
from interactions.room_refs import ref
from interactions.shown import of_wire
from liveroom.accounts.selectors import Profile
from liveroom.kernel import permission
from liveroom.kernel.data import audit
from liveroom.kernel.errors import BadParameter, NotFound
from liveroom.kernel.permission import Actor
from liveroom.kernel.values import text
from liveroom.rooms.models import Room
from liveroom.rooms.services.locking import locked

TEXT_BYTES = 500
COMMENT, QUESTION, TEXT = "comment", "question", "text"


class CommentUnknown(NotFound):
    """10010: nothing of that number was said here, or nobody has it any more."""

    name = "comment_unknown"


def pin_message(
    *, room: Room, by: Actor, now: datetime, seq: int | None = None, words: str | None = None, address: str = ""
) -> Pinned:
    """Pin the delivered comment of that `seq`, or `words` of one's own, instead of what was pinned. BadParameter, CommentUnknown.

    A question is pinned by showing it: `polls/services/questions.py`."""
    permission.ask("room.pin", actor=by, room=room)
    if (seq is None) == (words is None):
        raise BadParameter("A pin is a comment's seq, a text or a question: one of them.", field="seq")
    if seq is None:
        words = text.checked(words, field="text", limit_bytes=TEXT_BYTES, required=True)
        pinned = Pinned(kind=TEXT, text=words, by=str(by), at=ms(now))
    else:
        event = comment_said(room=room, seq=seq, now=now)
        sender = of_wire(PinnedSender, event["from"])
        pinned = Pinned(kind=COMMENT, text=event["text"], sender=sender, seq=seq, by=str(by), at=ms(now))
    with transaction.atomic():
        room = locked(room.pk)
        permission.ask("room.pin", actor=by, room=room)
        _keep(room=room, pinned=pinned, by=by, now=now, address=address)
    return pinned


def comment_said(*, room: Room, seq: int, now: datetime) -> dict[str, Any]:
    """The event of what was said, for a pin or a picture (`streams/director`). CommentUnknown, BadParameter.

    The archive is a second behind; what it lacks is in Redis."""
    event = ArchivedMessage.objects.filter(room=room, seq=seq).order_by("-id").values_list("body", flat=True).first()
    if event is None:
        event = event_now(room=ref(room), seq=seq, now_ms=ms(now))
    if event is None:
        raise CommentUnknown(f"There is no comment with the seq {seq} in this room.")
    if event.get("type") != "comment":
        raise BadParameter(f"The event with the seq {seq} is no comment: only words can be shown.", field="seq")
    if not str(event.get("text", "")).strip():
        raise BadParameter("This comment has no words to show.", field="seq")
    return event


@transaction.atomic
def unpin(*, room: Room, by: Actor, now: datetime, address: str = "") -> None:
    """Where nothing is pinned, nothing happens."""
    room = locked(room.pk)
    permission.ask("room.pin", actor=by, room=room)
    let_go(room=room, by=by, now=now, address=address)


def pin_question(
    *, room: Room, question: str, words: str, asker: Profile, by: Actor, now: datetime, address: str = ""
) -> None:
    """Pin what somebody asked in the locked room. `question`: its id; called by `polls/services/questions.py`, which asks who may."""
    sender = PinnedSender(**asker.as_dict())
    pinned = Pinned(kind=QUESTION, text=words, sender=sender, question=question, by=str(by), at=ms(now))
    _keep(room=room, pinned=pinned, by=by, now=now, address=address)


def _keep(*, room: Room, pinned: Pinned, by: Actor, now: datetime, address: str = "") -> None:
    """Pin it in the locked room."""
    Pin.objects.update_or_create(room=room, defaults={"body": as_row(pinned), "by": pinned.by[:120], "at": now})
    audit.record(
        action="room.pin", actor=by, now=now, room_key=room.key, target=str(pinned.seq or pinned.question or ""),
        address=address, detail={"kind": pinned.kind, "text": pinned.text[:300]},
    )  # fmt: skip
    publish_durably(PinnedChanged(t=ms(now), pinned=pinned), to=RoomTarget(room.key), at=now)


def let_go(*, room: Room, by: Actor, now: datetime, question: str | None = None, address: str = "") -> None:
    """Unpin in the locked room; with `question`, only if that is what is pinned."""
    pin = Pin.objects.filter(room=room).first()
    if pin is None or (question is not None and pin.body.get("question") != question):
        return
    pin.delete()
    audit.record(action="room.unpin", actor=by, now=now, room_key=room.key, target=room.group_id, address=address)
    publish_durably(PinnedChanged(t=ms(now), pinned=None), to=RoomTarget(room.key), at=now)
